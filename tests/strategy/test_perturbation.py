"""Selection by perturbation, on supernets whose errors are known."""

import pytest

from nasturtium.architecture import Mixture
from nasturtium.errors import ConfigError
from nasturtium.protocols import Trial
from nasturtium.space.zoo.darts_search import darts_search_of, to_genotype
from nasturtium.strategy.perturbation import Perturbation
from nasturtium.testing.mixture import tell_mixtures
from nasturtium.testing.toys import flat_space


def run(strategy, error):
    """Tells `error` of each mixture until nothing is asked; returns what was asked."""
    course = []
    while asked := strategy.ask(1):
        course += asked
        strategy.tell([Trial(asked[0], {"error": error(asked[0].point), "loss": 0.0})])
    return course


def kept_weight(space, values):
    """An error that is lower the more weight the options have that `values` names."""

    def error(mixture):
        rows = zip(space.decisions, mixture.weights, strict=True)
        return 1 - sum(row[d.labels.index(values[d.path])] for d, row in rows if d.path in values) / 100

    return error


def test_the_option_that_is_missed_most_is_taken_though_its_weight_is_least():
    space = flat_space()
    wanted = {d.path: d.labels[1] for d in space.decisions}
    start = Mixture(space.fingerprint, tuple((0.45, 0.1, 0.45) for _ in space.decisions))
    strategy = Perturbation(space, start=start, tune=3)
    course = run(strategy, kept_weight(space, wanted))
    assert strategy.settled == strategy.questions == len(space.decisions)
    assert strategy.best(1)[0].choices == (1,) * len(space.decisions)
    # 3 options and 3 steps of tuning, for each decision.
    assert [one.fidelity for one in course] == ([0] * 3 + [1] * 3) * len(space.decisions)


def test_an_option_taken_away_leaves_the_others_as_they_are():
    space = flat_space()
    start = Mixture(space.fingerprint, tuple((0.5, 0.3, 0.2) for _ in space.decisions))
    first, *_ = Perturbation(space, start=start).ask(1)
    changed = [row for row in first.point.weights if row != (0.5, 0.3, 0.2)]
    assert changed == [(0.0, 0.3, 0.2)]


def test_nodes_keep_the_two_edges_that_are_missed_most():
    space = darts_search_of(4, (False, True), "tiny")
    wanted = {}
    for cell in ("normal", "reduction"):
        for node in range(1, 5):
            for start in range(node + 1):
                wanted[f"{cell}.node{node}.from{start}"] = "sep_conv_5x5"
    by_edge = {path: 1 + int(path[-1]) for path in wanted}

    def error(mixture):
        rows = zip(space.decisions, mixture.weights, strict=True)
        return 10 - sum(by_edge[d.path] * row[d.labels.index("sep_conv_5x5")] for d, row in rows) / 100

    strategy = Perturbation(space)
    run(strategy, error)
    assert strategy.questions == 28 + 2 * 3  # of each cell, nodes 2 to 4 have more than two edges
    for pair in to_genotype(space, strategy.best(1)[0]).normal.pairs():
        assert (pair.first_op, pair.second_op) == ("sep_conv_5x5",) * 2
    firsts = [pair.first for pair in to_genotype(space, strategy.best(1)[0]).normal.pairs()]
    assert firsts == [0, 1, 2, 3]  # the two latest states


def test_nothing_new_is_asked_while_answers_are_awaited():
    space = flat_space()
    strategy = Perturbation(space, tune=1)
    asked = strategy.ask(100)
    assert len(asked) == 3
    assert strategy.ask(1) == []
    strategy.tell(tell_mixtures(space, asked[:2]))
    assert strategy.ask(1) == []
    strategy.tell(tell_mixtures(space, asked[2:]))
    assert [one.fidelity for one in strategy.ask(100)] == [1, 0, 0, 0]


def test_an_option_without_which_nothing_can_be_evaluated_is_taken():
    space = flat_space()
    strategy = Perturbation(space)
    for number, candidate in enumerate(strategy.ask(3)):
        loss = {"error": 0.1, "loss": 0.1} if number != 2 else {}
        strategy.tell([Trial(candidate, loss, status="failed" if number == 2 else "ok")])
    assert strategy.settled == 1
    assert (0.0, 0.0, 1.0) in strategy.mixture().weights


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(ConfigError, match="tune is -1"):
        Perturbation(flat_space(), tune=-1)
