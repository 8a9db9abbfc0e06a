"""NASNet's and AmoebaNet's spaces (Zoph et al. 2018; Real et al. 2019)."""

import math

import pytest

from nasturtium.cost.counts import Counted
from nasturtium.net.build import build
from nasturtium.seeds import rng_for
from nasturtium.space.zoo.nasnet import AMOEBANET_OPS, OPS, amoebanet, nasnet
from nasturtium.testing.space import SpaceConformance


class TestNasnet(SpaceConformance):
    samples = 10

    def make(self):
        return nasnet()


class TestAmoebanet(SpaceConformance):
    samples = 10

    def make(self):
        return amoebanet()


@pytest.mark.parametrize(("make", "ops", "joins"), [(nasnet, OPS, 2), (amoebanet, AMOEBANET_OPS, 1)])
def test_a_block_has_two_states_two_operations_and_a_join(make, ops, joins):
    """Block b of five chooses among b + 1 states, twice; two cells."""
    cell = math.prod((states * len(ops)) ** 2 * joins for states in range(2, 7))
    assert make().count == make("published").count == cell**2


def test_nasnet_has_thirteen_operations_and_amoebanet_eight():
    assert (len(OPS), len(AMOEBANET_OPS)) == (13, 8)
    # Real et al. 2019, methods: "3x3 dilated separable", where NASNet's is a full convolution.
    assert set(AMOEBANET_OPS) - set(OPS) == {"dil_conv_3x3"}


@pytest.mark.parametrize("make", [nasnet, amoebanet])
def test_counted_params_are_those_of_the_module(make):
    space = make()
    counted = Counted(space)
    for i in range(3):
        architecture = space.sample(rng_for(0, "nasnet", i))
        model = build(space.network(architecture), seed=0)
        assert counted.counts(architecture).params == sum(p.numel() for p in model.parameters())


def test_swapped_sides_are_the_same_network():
    space = nasnet()
    left = space.architecture(normal__block1__left="previous", normal__block1__left_op="conv_1x1")
    right = space.architecture(normal__block1__right="previous", normal__block1__right_op="conv_1x1")
    assert left != right
    assert space.canonical(left) == space.canonical(right)


def test_samples_of_both_sizes_fit_together():
    for make, size, samples in ((nasnet, "small", 20), (amoebanet, "small", 20), (nasnet, "published", 2)):
        space = make(size)
        for i in range(samples):
            space.network(space.sample(rng_for(1, "nasnet", i)))
