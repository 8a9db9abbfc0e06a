"""What P-DARTS does between and after its stages."""

import pytest

from nasturtium.architecture import Mixture
from nasturtium.errors import ConfigError
from nasturtium.seeds import rng_for
from nasturtium.space.zoo.darts_search import OPS, darts_search, darts_search_of, to_genotype
from nasturtium.strategy.darts import DARTS
from nasturtium.strategy.derive import derived
from nasturtium.strategy.p_darts import STAGES, kept, with_few_skips


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


def test_the_strongest_operations_of_each_edge_are_kept_for_the_next_stage():
    space = darts_search()
    mixture = mixture_of(space)
    found = kept(space, mixture, 5)
    assert set(found) == {d.path for d in space.decisions}
    for decision, row in zip(space.decisions, mixture.weights, strict=True):
        least = min(row[OPS.index(op)] for op in found[decision.path])
        assert len(found[decision.path]) == 5
        assert sum(weight >= least for weight in row) == 5
    narrow = darts_search_of(4, (False, True), "narrow", ops=found)
    assert any("none" not in ops for ops in found.values())
    for decision in narrow.decisions:
        more = () if "none" in found[decision.path] else ("off",)
        assert decision.labels == (*found[decision.path], *more)
    again = kept(narrow, DARTS(narrow).mixture(), 3)
    assert all(set(ops) <= set(found[path]) for path, ops in again.items())
    assert to_genotype(narrow, with_few_skips(narrow, DARTS(narrow).mixture()))


def test_more_operations_than_there_are_cannot_be_kept():
    space = darts_search()
    with pytest.raises(ConfigError, match="9 operations"):
        kept(space, mixture_of(space), 9)


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
