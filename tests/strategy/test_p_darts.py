"""What P-DARTS does between and after its stages."""

import math

import pytest

from nasturtium.architecture import Mixture
from nasturtium.errors import ConfigError
from nasturtium.protocols import Trial
from nasturtium.seeds import rng_for
from nasturtium.space.zoo.darts_search import OPS, darts_search, darts_search_of, to_genotype
from nasturtium.strategy.derive import derived
from nasturtium.strategy.p_darts import STAGES, kept, staged, with_few_skips


def mixture_of(space, seed=0):
    rng = rng_for(seed, "mixture")
    return Mixture(
        space.fingerprint, tuple(tuple(rng.dirichlet([1.0] * len(d.labels))) for d in space.decisions)
    )


def skips(space, architecture, cell="normal"):
    pairs = getattr(to_genotype(space, architecture), cell).pairs()
    return sum(op == "skip_connect" for pair in pairs for op in (pair.first_op, pair.second_op))


def test_stages_are_the_published_ones():
    """Section 4.1.2: 5, 11, 17 cells with 8, 5, 3 operations an edge."""
    assert [(stage.cells, stage.ops) for stage in STAGES] == [(5, 8), (11, 5), (17, 3)]


def test_the_strongest_options_of_every_decision_are_kept():
    space = darts_search_of(4, (False, True), "tiny", edges=True)
    mixture = mixture_of(space)
    found = kept(space, mixture, 5 / 8)
    for decision, row, options in zip(space.decisions, mixture.weights, found, strict=True):
        if decision.path.endswith(".edges"):
            assert options == tuple(range(len(decision.labels) - 1)), "all edges, but not the label ``all``"
        else:
            assert len(options) == 5
            assert sum(weight >= min(row[i] for i in options) for weight in row) == 5
    with pytest.raises(ConfigError, match="share of 0"):
        kept(space, mixture, 0)


def test_dropout_behind_skips_falls_as_in_the_released_code():
    """train_search.py: linear while alpha is frozen, then anew by exp(-0.2 k); stages of 25 epochs."""
    stage = STAGES[1]
    rates = [stage.faded(epoch, 25) for epoch in range(25)]
    assert rates[:10] == pytest.approx([0.4 * (24 - epoch) / 25 for epoch in range(10)])
    assert rates[10:] == pytest.approx([0.4 * math.exp(-0.2 * k) for k in range(15)])
    assert [stage.faded(0, 1)] == [0.4]


def test_each_stage_mixes_the_strongest_options_of_the_one_before():
    """8, 5 and 3 operations of an edge; numbers stay as they are for 10 of 25 epochs of each stage."""
    space = darts_search()
    strategy = staged(space, 5, learning_rate=0.1)
    counts, fidelities, mixtures = [], [], []
    for turn in range(15):
        (asked,) = strategy.ask(1)
        rows = asked.point.weights
        assert {sum(weight > 0 for weight in row) for row in rows} == {len(asked.point.running[0])}
        counts.append(len(asked.point.running[0]))
        fidelities.append(asked.fidelity)
        mixtures.append(asked.point)
        gradient = rng_for(turn, "gradient").standard_normal(sum(map(len, rows)))
        strategy.tell([Trial(asked, {"loss": 1.0}, gradient=None if asked.fidelity else gradient)])
    assert counts == [8] * 5 + [5] * 5 + [3] * 5
    assert fidelities == [1, 1, None, None, None] * 3
    for before, after in ((4, 5), (9, 10)):
        nested = zip(mixtures[before].running, mixtures[after].running, strict=True)
        assert all(set(inner) < set(outer) for outer, inner in nested)
    (best,) = strategy.best(1)
    assert skips(space, best) <= 2
    running = mixtures[-1].running
    taken = [i for i, c in enumerate(best.choices) if space.decisions[i].labels[c] != "none"]
    assert all(best.choices[i] in running[i] for i in taken)


@pytest.mark.parametrize("most", [0, 1, 2, 8])
def test_skips_of_the_normal_cell_are_few(most):
    space = darts_search()
    mixture = mixture_of(space)
    rows = [
        [w + (0.5 if op == "skip_connect" else 0) for op, w in zip(OPS, row, strict=True)]
        for row in mixture.weights
    ]
    mixture = Mixture(space.fingerprint, tuple(tuple(row) for row in rows))
    assert skips(space, derived(space, mixture)) == 8
    found = with_few_skips(space, mixture, most)
    assert skips(space, found) == most
    assert skips(space, found, "reduction") == 8
