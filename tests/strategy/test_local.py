"""Local search."""

import pytest

from nasturtium.errors import ConfigError
from nasturtium.protocols import Candidate, Trial
from nasturtium.seeds import rng_for
from nasturtium.strategy.local import LocalSearch
from nasturtium.testing.strategy import TWO, tell_all
from nasturtium.testing.toys import flat_space


def told(space, candidate, error):
    return [Trial(candidate, {"error": error})]


@pytest.mark.parametrize("improvement", ["first", "best"])
def test_after_a_start_come_its_neighbours_each_once(improvement):
    space = flat_space()
    strategy = LocalSearch(space, improvement=improvement)
    (start,) = strategy.ask(1)
    strategy.tell(told(space, start, 0.5))
    around = set(space.neighbours(start.point))
    asked = strategy.ask(len(around))
    assert {candidate.point for candidate in asked} == around
    assert strategy.ask(1)[0].point not in around  # nothing is left to try before results come: another start


def test_first_improvement_moves_at_once():
    space = flat_space()
    strategy = LocalSearch(space)
    (start,) = strategy.ask(1)
    strategy.tell(told(space, start, 0.5))
    worse, better = strategy.ask(2)
    strategy.tell(told(space, worse, 0.6))
    strategy.tell(told(space, better, 0.4))
    around = set(space.neighbours(better.point))
    assert {candidate.point for candidate in strategy.ask(len(around))} == around


def test_first_improvement_moves_on_to_a_late_result_that_is_better_still():
    space = flat_space()
    strategy = LocalSearch(space)
    (start,) = strategy.ask(1)
    strategy.tell(told(space, start, 0.5))
    late, better = strategy.ask(2)
    strategy.tell(told(space, better, 0.4))
    strategy.tell(told(space, late, 0.3))
    around = set(space.neighbours(late.point))
    assert {candidate.point for candidate in strategy.ask(len(around))} == around


def test_best_improvement_waits_for_all_and_moves_to_the_best():
    space = flat_space()
    strategy = LocalSearch(space, improvement="best")
    (start,) = strategy.ask(1)
    strategy.tell(told(space, start, 0.5))
    asked = strategy.ask(len(list(space.neighbours(start.point))))
    errors = [0.4, 0.2, 0.3] + [0.6] * (len(asked) - 3)
    for candidate, error in zip(asked, errors, strict=True):
        strategy.tell(told(space, candidate, error))
    around = set(space.neighbours(asked[1].point))
    assert {candidate.point for candidate in strategy.ask(len(around))} == around


def test_a_failed_start_is_followed_by_another():
    space = flat_space()
    strategy = LocalSearch(space)
    (start,) = strategy.ask(1)
    strategy.tell([Trial(start, {}, "failed", "diverged")])
    first, second = strategy.ask(2)
    assert second.point not in set(space.neighbours(first.point)) | {first.point}


@pytest.mark.parametrize("improvement", ["first", "best"])
def test_finds_the_optimum_of_a_space_without_traps(improvement):
    space = flat_space()
    strategy = LocalSearch(space, improvement=improvement)
    for _ in range(80):
        strategy.tell(tell_all(space, strategy.ask(1)))
    assert strategy.best(1)[0].choices == (2, 2, 2, 2)


def test_an_unknown_variant_is_refused():
    with pytest.raises(ConfigError, match="'first' or 'best'"):
        LocalSearch(flat_space(), improvement="worst")


def test_with_two_objectives_descents_start_from_the_least_crowded_of_the_front():
    space = flat_space()
    strategy = LocalSearch(space, objectives=TWO)
    low, middle, high = (space.unrank(i) for i in (0, 40, 80))
    worth = {low: (0.9, 1), middle: (0.5, 5), high: (0.1, 9)}
    strategy.tell([Trial(Candidate(a), {"error": e, "params": p}) for a, (e, p) in worth.items()])
    around = [set(space.neighbours(architecture)) for architecture in (low, high, middle)]  # ends come first
    for expected in around:
        assert {candidate.point for candidate in strategy.ask(len(expected))} == expected
    assert strategy.ask(1)[0].point == space.sample(rng_for(0, "start", 0))
