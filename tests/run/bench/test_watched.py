import math

from nasturtium.front.objectives import parse_objective
from nasturtium.protocols import Candidate, Trial
from nasturtium.run.bench.protocol import Protocol, budget_of
from nasturtium.run.bench.watched import Watched
from nasturtium.strategy.random import RandomSearch
from nasturtium.testing.strategy import StrategyConformance
from nasturtium.testing.toys import flat_space


def watched(space, budget=30, judge=lambda architecture: float(sum(architecture.choices)), seed=0):
    inner = RandomSearch(space, seed=seed)
    return Watched(inner, judge, parse_objective("error"), Protocol(budget_of(budget)))


class TestWatched(StrategyConformance):
    """It changes nothing of what a strategy does."""

    def make(self, space, seed, objectives):
        inner = RandomSearch(space, seed=seed, objectives=objectives)
        return Watched(inner, lambda architecture: 0.0, objectives[0], Protocol(budget_of(30)))


def told(strategy, *values, epochs=10.0, seconds=1.0):
    for value in values:
        (candidate,) = strategy.ask(1)
        strategy.tell([Trial(candidate, {"error": value, "epochs": epochs, "train_seconds": seconds})])


def test_nothing_found_is_nan():
    strategy = watched(flat_space(), 3)
    (candidate,) = strategy.ask(1)
    strategy.tell([Trial(candidate, {}, "failed", "it was told to")])
    strategy.finish()
    assert math.isnan(strategy.values[0])
    assert len(strategy.picked) == len(strategy.seen) == 3
    assert all(map(math.isnan, (*strategy.picked, *strategy.seen)))


def test_only_the_highest_fidelity_counts_for_what_was_seen():
    space = flat_space()
    strategy = watched(space, 2)
    strategy.tell([Trial(Candidate(space.unrank(0)), {"error": 0.1, "epochs": 1.0})])
    strategy.tell([Trial(Candidate(space.unrank(80)), {"error": 0.3, "epochs": 9.0})])
    assert strategy.seen == [0.0, float(sum(space.unrank(80).choices))]


def test_a_group_that_passes_a_mark_is_judged_before_and_after():
    space = flat_space()
    strategy = watched(space, 4)
    candidates = strategy.ask(4)
    strategy.tell([Trial(candidate, {"error": 0.5}) for candidate in candidates])
    assert len(strategy.picked) == 4
    assert all(map(math.isnan, strategy.picked[:3]))
    assert math.isfinite(strategy.picked[3])


def test_time_is_counted_in_simulated_seconds():
    strategy = watched(flat_space(), "20s")
    told(strategy, 0.5, 0.4, 0.3, seconds=6.0)
    assert strategy.seconds == [6.0, 12.0, 18.0]
    assert len(strategy.picked) == 18  # marks at every second
    strategy.finish()
    assert len(strategy.picked) == 20


def test_asking_costs_time():
    strategy = watched(flat_space())
    told(strategy, 0.5, 0.4)
    assert all(ms > 0 for ms in strategy.ms)
