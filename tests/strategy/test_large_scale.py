"""Large-scale evolution."""

import pytest

from nasturtium.errors import ConfigError
from nasturtium.protocols import Candidate, Trial
from nasturtium.strategy.large_scale import LargeScaleEvolution
from nasturtium.testing.strategy import TWO, tell_all
from nasturtium.testing.toys import flat_space, toy_metrics

SPACE = flat_space()


def error(architecture):
    return toy_metrics(SPACE, architecture)["error"]


def grown(population=8, told=None, **given):
    strategy = LargeScaleEvolution(SPACE, population=population, **given)
    strategy.tell(tell_all(SPACE, strategy.ask(told or population)))
    return strategy


def test_the_population_stays_constant_and_each_ask_kills_one():
    strategy = grown()
    for _ in range(60):
        assert len(strategy.alive) == 8
        asked = strategy.ask(1)
        assert len(strategy.alive) == 7
        strategy.tell(tell_all(SPACE, asked))


def test_with_workers_the_living_and_the_pending_are_the_population():
    strategy, running = grown(population=12), []
    for turn in range(60):
        while len(running) < 5:
            running += strategy.ask(1)
        assert len(strategy.alive) + len(running) == 12
        strategy.tell(tell_all(SPACE, [running.pop(turn % 5)]))


def test_the_worse_of_the_pair_dies_and_the_better_has_the_child():
    strategy = grown()
    for _ in range(60):
        before = list(strategy.alive)
        (child,) = strategy.ask(1)
        left = list(before)
        for survivor in strategy.alive:
            left.remove(survivor)
        (killed,) = left
        # The parent is alive, one decision from the child, and no worse than the one killed.
        parents = [a for a in strategy.alive if SPACE.distance(a, child.point) == 1]
        assert min(map(error, parents)) <= error(killed)
        strategy.tell(tell_all(SPACE, [child]))


def test_the_best_never_dies():
    strategy = grown()
    champion = min(strategy.alive, key=error)
    for _ in range(100):
        strategy.tell(tell_all(SPACE, strategy.ask(1)))
        assert error(min(strategy.alive, key=error)) <= error(champion)
        champion = min(strategy.alive, key=error)


def test_a_failed_child_is_replaced_by_a_sample():
    strategy = grown()
    (child,) = strategy.ask(1)
    strategy.tell([Trial(child, {}, "failed", "diverged")])
    assert len(strategy.alive) == 7
    strategy.tell(tell_all(SPACE, strategy.ask(1)))  # nobody is killed for it
    assert len(strategy.alive) == 8


def test_more_workers_than_pairs_and_unasked_results_leave_the_population_as_it_was():
    strategy = grown(population=4)
    waiting = strategy.ask(9)  # three pairs, then samples
    strategy.tell(tell_all(SPACE, waiting))
    assert len(strategy.alive) == 4
    strategy.tell(tell_all(SPACE, [Candidate(SPACE.unrank(i)) for i in range(6)]))
    assert len(strategy.alive) == 4


def test_with_two_objectives_the_front_spreads():
    strategy = grown(population=10, objectives=TWO)
    for _ in range(80):
        strategy.tell(tell_all(SPACE, strategy.ask(1)))
    assert len(strategy.alive) == 10
    front = strategy.best(5)
    assert len({toy_metrics(SPACE, a)["params"] for a in front}) > 1


def test_parameters_that_make_no_sense_are_refused():
    with pytest.raises(ConfigError, match="it must be 2 or more"):
        LargeScaleEvolution(SPACE, population=1)
