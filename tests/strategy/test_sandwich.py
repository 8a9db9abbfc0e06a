import pytest

from nasturtium.cost.counts import Counted
from nasturtium.errors import ConfigError
from nasturtium.space.zoo.mobilenet import mobilenet
from nasturtium.strategy.fair import FairPaths
from nasturtium.strategy.fixed import Fixed
from nasturtium.strategy.paths import UniformPaths
from nasturtium.strategy.sandwich import Sandwich, extremes
from nasturtium.testing.toys import conditional_space, flat_space


def params(space):
    counted = Counted(space)
    return lambda architecture: counted.counts(architecture).params


@pytest.mark.parametrize("make", [flat_space, conditional_space])
def test_the_extremes_are_those_of_all_architectures(make):
    space = make()
    cost = params(space)
    every = [cost(one) for one in space]
    smallest, largest = extremes(space, cost)
    assert cost(smallest) == min(every)
    assert cost(largest) == max(every)


def test_every_round_has_the_largest_and_the_smallest():
    space = mobilenet().bind((3, 32, 32), 10)
    cost = params(space)
    sampler = Sandwich(space, cost, paths=4)
    smallest, largest = extremes(space, cost)
    for _ in range(5):
        points = [candidate.point for candidate in sampler.ask(4)]
        assert points[:2] == [largest, smallest]
        assert cost(smallest) < min(map(cost, points[2:])) <= max(map(cost, points[2:])) < cost(largest)


def test_the_rest_is_what_the_inner_sampler_asks():
    space = flat_space()
    sampler = Sandwich(space, params(space), inner=FairPaths, paths=3, seed=5)
    inner = FairPaths(space, seed=5).ask(4)
    assert [sampler.ask(3)[2] for _ in range(4)] == inner
    assert sampler.best(1) == []


def test_asking_one_by_one_asks_the_same():
    space = flat_space()
    apart, together = (Sandwich(space, params(space), inner=UniformPaths) for _ in range(2))
    assert [apart.ask(1)[0] for _ in range(9)] == together.ask(9)


def test_it_ends_with_its_inner_sampler():
    space = flat_space()

    def inner(space, *, seed, objectives):
        return Fixed(space, [space.unrank(0)])

    assert len(Sandwich(space, params(space), inner=inner, paths=3).ask(10)) == 3


def test_a_sandwich_needs_two_slices():
    with pytest.raises(ConfigError, match="largest and the smallest"):
        Sandwich(flat_space(), params(flat_space()), paths=1)
