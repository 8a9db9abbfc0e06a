import sys

import numpy as np
import pytest

from nasturtium.errors import ConfigError
from nasturtium.front.objectives import ERROR
from nasturtium.protocols import Candidate, Trial
from nasturtium.space.space import Space
from nasturtium.strategy.nasbot import NASBOT, softened
from nasturtium.strategy.random import RandomSearch
from nasturtium.testing.toys import conditional_space, flat_space, toy_metrics

pytest.importorskip("ot")


def searched(strategy, error, budget):
    for _ in range(budget):
        asked = strategy.ask(1)
        strategy.tell([Trial(candidate, {"error": error(candidate.point)}) for candidate in asked])
    return error(strategy.best(1)[0])


def test_it_finds_better_networks_than_random_search():
    space = flat_space()

    def params(architecture):
        return toy_metrics(space, architecture)["params"]

    lowest = min(params(architecture) for architecture in space)
    found = [searched(NASBOT(space, seed=seed, samples=20), params, 20) for seed in range(4)]
    random = [searched(RandomSearch(space, seed=seed), params, 20) for seed in range(4)]
    assert np.mean(found) - lowest < 0.5 * (np.mean(random) - lowest)


def test_no_network_is_asked_twice_until_all_were():
    space = flat_space()
    strategy = NASBOT(space, samples=2, refit=40)
    asked = [candidate.point for candidate in strategy.ask(50)]
    strategy.tell([Trial(Candidate(point), toy_metrics(space, point)) for point in asked])
    asked += [candidate.point for candidate in strategy.ask(31)]
    assert len(set(asked)) == 81
    assert strategy.ask(1)


def test_parents_are_drawn_by_the_softmax_of_the_acquisition():
    worth = np.array([0.5, 1.0, 3.0, 0.1])
    shares = np.exp((worth - worth.mean()) / (2 * worth.std()))
    assert softened(np.log(worth)) == pytest.approx(shares / shares.sum())
    assert softened(np.log(worth) - 5000) == pytest.approx(shares / shares.sum())  # would be 0 as they stand
    assert softened(np.zeros(4)) == pytest.approx([0.25] * 4)


def test_the_number_of_children_grows_with_the_root_of_the_asks():
    strategy = NASBOT(conditional_space())
    found = []
    for strategy._asked in (1, 4, 100, 400, 10_000):
        found.append(strategy._children())
    assert found == [50, 50, 250, 500, 500]  # 25 sqrt(t), cut to 50..500


def test_what_cannot_be_is_said(monkeypatch):
    unbound = Space(flat_space().tree, name="unbound")
    with pytest.raises(ConfigError, match=r"unbound does not know its input: say space\.bind"):
        NASBOT(unbound)
    with pytest.raises(ConfigError, match="initial is 0"):
        NASBOT(flat_space(), initial=0)
    with pytest.raises(ConfigError, match="children"):
        NASBOT(flat_space(), objectives=ERROR, children=(5, 4))
    monkeypatch.setitem(sys.modules, "ot", None)
    with pytest.raises(ConfigError, match=r"nasturtium\[bo\]"):
        NASBOT(flat_space())
