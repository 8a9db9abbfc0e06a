"""Regularised evolution."""

import pytest

from nasturtium.errors import ConfigError
from nasturtium.protocols import Trial
from nasturtium.strategy.evolution import RegularizedEvolution
from nasturtium.testing.strategy import TWO, tell_all
from nasturtium.testing.toys import flat_space


def told(candidate, error):
    return [Trial(candidate, {"error": error})]


def test_the_population_fills_with_samples_and_then_come_mutations_of_the_best():
    space = flat_space()
    strategy = RegularizedEvolution(
        space, population=5, sample=50
    )  # 50 draws of 5: the best is surely among them
    first = strategy.ask(5)
    for i, candidate in enumerate(first):
        strategy.tell(told(candidate, 0.5 - i * 0.1))
    for candidate in strategy.ask(20):
        assert space.distance(candidate.point, first[4].point) == 1


def test_the_oldest_dies_even_if_it_is_the_best():
    space = flat_space()
    strategy = RegularizedEvolution(space, population=3, sample=30)
    first = strategy.ask(3)
    for candidate, error in zip(first, (0.1, 0.5, 0.5), strict=True):
        strategy.tell(told(candidate, error))
    (child,) = strategy.ask(1)
    assert space.distance(child.point, first[0].point) == 1
    strategy.tell(told(child, 0.2))  # it takes the place of its parent
    for candidate in strategy.ask(20):
        assert space.distance(candidate.point, child.point) == 1
    assert strategy.best(1) == [first[0].point]  # the best of history is still known


def test_failed_trials_are_replaced_by_new_samples():
    space = flat_space()
    strategy = RegularizedEvolution(space, population=4, sample=30)
    good = strategy.ask(4)
    strategy.tell([Trial(candidate, {}, "failed", "diverged") for candidate in good[:2]])
    strategy.tell([*told(good[2], 0.1), *told(good[3], 0.2)])
    filling = strategy.ask(2)
    strategy.tell([*told(filling[0], 0.3), *told(filling[1], 0.4)])
    assert all(space.distance(candidate.point, good[2].point) == 1 for candidate in strategy.ask(9))


def test_a_sample_of_one_is_a_random_walk():
    space = flat_space()
    strategy = RegularizedEvolution(space, population=10, sample=1)
    first = strategy.ask(10)
    for i, candidate in enumerate(first):
        strategy.tell(told(candidate, i / 10))
    parents = [
        min(range(10), key=lambda i, child=child: space.distance(first[i].point, child.point))
        for child in strategy.ask(200)
    ]
    assert len(set(parents)) > 5


def test_with_two_objectives_parents_come_from_the_front():
    space = flat_space()
    strategy = RegularizedEvolution(space, objectives=TWO, population=30, sample=300)
    strategy.tell(tell_all(space, strategy.ask(30)))
    front = strategy.best(30)[:8]
    for child in strategy.ask(20):
        assert min(space.distance(parent, child.point) for parent in front) <= 1


@pytest.mark.parametrize("given", [{"population": 0}, {"sample": 0}])
def test_parameters_that_make_no_sense_are_refused(given):
    with pytest.raises(ConfigError, match="both must be 1 or more"):
        RegularizedEvolution(flat_space(), **given)
