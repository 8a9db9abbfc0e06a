"""BigNAS' space against the paper (Yu et al. 2020, arXiv:2003.11142)."""

from nasturtium.cost.counts import Counted
from nasturtium.space.zoo.bignas import bignas
from nasturtium.testing.space import SpaceConformance


class TestBigNas(SpaceConformance):
    samples = 10
    enumerable = 0

    def make(self):
        return bignas()


def test_it_reaches_from_200_to_2000_million_macs():
    """Section 4 of the paper; its smallest network that is printed, S, has 242 million."""
    space = bignas("published")
    smallest, largest = (Counted(space).counts(space.unrank(n)).macs for n in (0, space.count - 1))
    assert 200e6 < smallest < 242e6
    assert 1800e6 < largest < 2000e6


def test_its_size_is_the_product_of_one_choice_a_stage():
    """Resolutions, stem, then width x depth x kernel of the stages (steps of 8 channels), and the head."""
    stages = (2 * 2) * (2 * 2) * (2 * 2 * 2) * (2 * 3 * 2) * (3 * 5 * 2) * (4 * 5 * 2) * (5 * 2 * 2)
    assert bignas("published").count == 4 * 2 * stages * 17
