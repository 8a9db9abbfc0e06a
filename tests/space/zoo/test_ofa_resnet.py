from nasturtium.cost.counts import Counted
from nasturtium.space.zoo.ofa_resnet import ofa_resnet
from nasturtium.testing.space import SpaceConformance


class TestOfaResnet(SpaceConformance):
    samples = 10
    enumerable = 0

    def make(self):
        return ofa_resnet()


def test_its_size_is_that_of_its_table():
    """Resolution, stem's width and third convolution; per stage a width and, per block, an inner width."""
    shallow, deep = 3**2 + 3**3 + 3**4, 3**4 + 3**5 + 3**6
    assert ofa_resnet("published").count == 25 * 3 * 2 * (3 * shallow) ** 3 * (3 * deep)


def test_the_published_one_holds_networks_below_and_above_resnet_50():
    """25.6 M params and 4.1 billion MACs at 224 (He et al. 2016, counted in `resnet`)."""
    space = ofa_resnet("published")
    smallest, largest = (Counted(space).counts(space.unrank(n)) for n in (0, space.count - 1))
    assert smallest.macs < 4.1e9 < largest.macs
    assert smallest.params < 25.6e6 < largest.params
