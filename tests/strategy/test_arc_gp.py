import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from nasturtium.errors import ConfigError
from nasturtium.protocols import Candidate, Trial
from nasturtium.space.block import Block
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.strategy.arc_gp import ArcBayesianOptimization
from nasturtium.strategy.random import RandomSearch
from nasturtium.testing.toys import flat_space, toy_metrics

pytest.importorskip("gpytorch")

GRID = tuple(round(i / 50, 2) for i in range(51))


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@dataclass(frozen=True)
class Branch(Block):
    """A number that exists only where this branch is taken."""

    name: str
    at: Any

    def wire(self, net, x):
        return x


def two_branches():
    """Bergstra, Yamins and Cox 2013: (x - 0.3)^2 in branch a, 0.05 + (y - 0.7)^2 in branch b."""
    return Space(
        choice(Branch("a", choice(*GRID)), Branch("b", choice(*GRID)), labels=("a", "b")), name="branches"
    )


def value(space, architecture):
    taken = space.blocks(architecture)[0][1]
    return (taken.at - 0.3) ** 2 if taken.name == "a" else 0.05 + (taken.at - 0.7) ** 2


def searched(strategy, error, budget):
    for _ in range(budget):
        asked = strategy.ask(1)
        strategy.tell([Trial(candidate, {"error": error(candidate.point)}) for candidate in asked])
    return error(strategy.best(1)[0])


def test_it_takes_the_right_branch():
    space = two_branches()
    for seed in range(3):
        strategy = ArcBayesianOptimization(space, seed=seed, steps=10)
        assert searched(strategy, lambda a: value(space, a), 30) < 0.002, f"seed {seed}"
        assert space.blocks(strategy.best(1)[0])[0][1].name == "a"


def test_it_finds_the_best_network_of_a_small_space_with_few_trials():
    space = flat_space()
    lowest = min(toy_metrics(space, architecture)["error"] for architecture in space)
    for seed in range(3):
        strategy = ArcBayesianOptimization(space, seed=seed, steps=10)
        assert searched(strategy, lambda a: toy_metrics(space, a)["error"], 25) == pytest.approx(lowest)


def test_no_network_is_asked_twice_until_all_were():
    space = flat_space()
    strategy = ArcBayesianOptimization(space, steps=5, refit=30)
    asked = [candidate.point for candidate in strategy.ask(20)]  # they are never told
    for _ in range(61):
        (candidate,) = strategy.ask(1)
        asked.append(candidate.point)
        strategy.tell([Trial(candidate, toy_metrics(space, candidate.point))])
    assert len(set(asked)) == 81
    assert strategy.ask(1)


def test_parallel_asks_differ():
    space = two_branches()
    strategy = ArcBayesianOptimization(space, steps=10)
    strategy.tell([Trial(c, {"error": value(space, c.point)}) for c in strategy.ask(10)])
    asked = [candidate.point for candidate in strategy.ask(6)]
    assert len(set(asked)) == 6


def test_what_cannot_be_is_said(monkeypatch):
    with pytest.raises(ConfigError, match="initial is 0"):
        ArcBayesianOptimization(flat_space(), initial=0)
    monkeypatch.setitem(sys.modules, "gpytorch", None)
    monkeypatch.delitem(sys.modules, "nasturtium.predictor.arc_model", raising=False)
    with pytest.raises(ConfigError, match=r"nasturtium\[bo\]"):
        ArcBayesianOptimization(flat_space())


def test_on_a_real_table_it_beats_random_search():
    from nasturtium.run.names import table_named

    table = table_named("nasbench201/cifar10/12")

    def error(architecture):
        return table.trial(Candidate(architecture)).metrics["error"]

    found = np.array(
        [
            [
                searched(ArcBayesianOptimization(table.space, seed=seed, steps=5), error, 30),
                searched(RandomSearch(table.space, seed=seed), error, 30),
            ]
            for seed in range(3)
        ]
    )
    assert found[:, 0].mean() < found[:, 1].mean()
