"""Random search."""

from nasturtium.seeds import rng_for
from nasturtium.strategy.random import RandomSearch
from nasturtium.testing.toys import flat_space


def test_each_ask_is_the_sample_of_its_number():
    space = flat_space()
    asked = RandomSearch(space, seed=7).ask(20)
    assert [candidate.point for candidate in asked] == [
        space.sample(rng_for(7, "random", i)) for i in range(20)
    ]


def test_asks_cover_the_space():
    space = flat_space()
    assert len({candidate.point for candidate in RandomSearch(space).ask(1000)}) == space.count
