"""A given list of architectures."""

import pytest

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.protocols import Trial
from nasturtium.strategy.fixed import Fixed
from nasturtium.testing.toys import flat_space


def test_every_architecture_comes_once_before_any_comes_twice():
    space = flat_space()
    given = [space.unrank(i) for i in (5, 3, 8)]
    strategy = Fixed(space, given, repeats=2, fidelity=4)
    asked = [*strategy.ask(2), *strategy.ask(10)]
    assert [candidate.point for candidate in asked] == given * 2
    assert {candidate.fidelity for candidate in asked} == {4}
    assert strategy.ask(1) == []


def test_the_best_has_the_lowest_mean():
    space = flat_space()
    given = [space.unrank(0), space.unrank(1)]
    strategy = Fixed(space, given, repeats=2)
    for candidate, error in zip(strategy.ask(4), (0.1, 0.2, 0.5, 0.2), strict=True):
        strategy.tell([Trial(candidate, {"error": error})])
    assert strategy.best(2) == [space.unrank(1), space.unrank(0)]


def test_what_cannot_be_asked_is_refused():
    with pytest.raises(ConfigError, match="belongs to another space"):
        Fixed(flat_space(), [Architecture("elsewhere", (0, 0, 0, 0))])
    with pytest.raises(ConfigError, match="repeats is 0"):
        Fixed(flat_space(), [], repeats=0)


def test_no_architectures_are_no_asks():
    assert Fixed(flat_space(), []).ask(3) == []
