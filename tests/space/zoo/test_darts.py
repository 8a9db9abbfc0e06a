"""The DARTS space against the numbers of Liu, Simonyan and Yang 2019 (arXiv:1806.09055)."""

import math

from nasturtium.cost.counts import Counted
from nasturtium.net.build import build
from nasturtium.seeds import rng_for
from nasturtium.space.zoo.darts import darts
from nasturtium.testing.space import SpaceConformance


class TestDarts(SpaceConformance):
    samples = 20

    def make(self):
        return darts()


def test_there_are_about_1e9_cells_and_1e18_genotypes():
    """prod C(n + 1, 2) 7^2 over nodes 1 to 4 (section 3.1 and appendix A.1 of the paper)."""
    cell = math.prod(math.comb(node + 1, 2) * 7**2 for node in range(1, 5))
    assert darts().count == darts("published").count == cell**2
    assert (round(cell / 1e9, 2), round(cell**2 / 1e18, 2)) == (1.04, 1.08)


def test_nodes_in_another_order_are_the_same_network():
    space = darts()
    one = space.architecture(normal__node1__first_op="sep_conv_3x3")
    other = space.architecture(normal__node2__first_op="sep_conv_3x3")
    assert one != other
    assert space.canonical(one) == space.canonical(other)


def test_counted_params_are_those_of_the_module():
    space = darts()
    counted = Counted(space)
    for i in range(4):
        architecture = space.sample(rng_for(0, "darts", i))
        model = build(space.network(architecture), seed=0)
        assert counted.counts(architecture).params == sum(p.numel() for p in model.parameters())


def test_samples_of_both_sizes_fit_together():
    for size, samples in (("small", 30), ("published", 3)):
        space = darts(size)
        for i in range(samples):
            space.network(space.sample(rng_for(1, "darts", i)))
