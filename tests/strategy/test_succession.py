import pytest

from nasturtium.errors import ConfigError
from nasturtium.strategy.evolution import RegularizedEvolution
from nasturtium.strategy.fixed import Fixed
from nasturtium.strategy.random import RandomSearch
from nasturtium.strategy.succession import Succession
from nasturtium.testing.strategy import tell_all
from nasturtium.testing.toys import flat_space


def random_then_its_best(space, asks=5):
    first = RandomSearch(space, seed=1)
    return Succession(first, asks, lambda: Fixed(space, first.best(2)))


def test_the_second_begins_with_what_the_first_learned():
    space = flat_space()
    strategy = random_then_its_best(space)
    asked = strategy.ask(9)
    assert asked == RandomSearch(space, seed=1).ask(5)
    strategy.tell(tell_all(space, asked[:4]))
    assert strategy.ask(1) == []  # one answer is awaited
    strategy.tell(tell_all(space, asked[4:]))
    best = list(strategy.best(2))
    again = strategy.ask(3)
    assert [candidate.point for candidate in again] == best
    assert list(strategy.best(2)) == best, "the second knows nothing yet"
    strategy.tell(tell_all(space, again[1:]))
    assert strategy.best(1) == best[1:], "the second knows one"
    assert strategy.ask(1) == []


def test_a_replay_asks_the_same():
    space = flat_space()

    def course():
        strategy = Succession(RandomSearch(space), 3, lambda: RegularizedEvolution(space, population=2))
        asked = []
        for _ in range(12):
            candidates = strategy.ask(1)
            asked += candidates
            strategy.tell(tell_all(space, candidates))
        return asked

    assert course() == course()


def test_the_first_must_ask_something():
    with pytest.raises(ConfigError, match="0 times"):
        random_then_its_best(flat_space(), asks=0)
