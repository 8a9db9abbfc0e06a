"""Compound scaling against EfficientNet (Tan and Le 2019, arXiv:1905.11946, section 3.3)."""

import pytest

from nasturtium.cost.compound import EFFICIENTNET, Coefficients, candidates, compound, feasible
from nasturtium.cost.counts import Counted
from nasturtium.errors import InfeasibleSpace
from nasturtium.space.zoo.efficientnet import efficientnet
from nasturtium.space.zoo.resnet import resnet_cifar


def macs(space):
    return Counted(space).counts(space.unrank(0)).macs


def test_macs_of_b0_double_three_times_with_the_published_coefficients():
    """alpha 1.2, beta 1.1, gamma 1.15."""
    base = efficientnet("b0")
    for phi in (1, 2, 3):
        assert macs(compound(base, EFFICIENTNET, phi)) / macs(base) == pytest.approx(2**phi, rel=0.1)


@pytest.fixture(scope="module")
def found():
    grid = ((1.0, 1.2, 1.4), (1.0, 1.1, 1.2), (1.0, 1.15, 1.25))
    return feasible(resnet_cifar(), multiple=2, grid=grid)


def test_the_grid_keeps_what_doubles_the_macs_as_they_are_counted(found):
    base = resnet_cifar()
    assert Coefficients(1.0, 1.2, 1.15) in found
    assert Coefficients(1.4, 1.2, 1.25) not in found
    for one in found:
        for phi in (1, 2, 3):
            assert macs(compound(base, one, phi, multiple=2)) / macs(base) == pytest.approx(2**phi, rel=0.1)


def test_candidates_are_one_space(found):
    base = resnet_cifar()
    space = candidates(base, found, multiple=2)
    assert space.count == len(found)
    assert [Counted(space).counts(a).macs for a in space] == [
        macs(compound(base, one, 1, multiple=2)) for one in found
    ]
    assert space.text(space.unrank(0)) == f"network={found[0]}"


def test_an_empty_grid_says_how_near_the_nearest_comes():
    with pytest.raises(InfeasibleSpace, match="the nearest miss by"):
        feasible(resnet_cifar(8), phis=(1,), tolerance=0.01, grid=((1.2,), (1.1,), (1.15,)))
