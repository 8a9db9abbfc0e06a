"""AttentiveNAS' space against the paper and its release (Wang et al. 2021, arXiv:2011.09011)."""

import pytest

from nasturtium.cost.counts import Counted
from nasturtium.errors import SpaceError
from nasturtium.space.layers import Add
from nasturtium.space.zoo.attentive import attentive, member
from nasturtium.testing.space import SpaceConformance


@pytest.fixture(scope="module")
def published():
    return attentive("published")


class TestAttentive(SpaceConformance):
    samples = 10
    enumerable = 0

    def make(self):
        return attentive()


def test_its_size_is_the_product_of_one_choice_a_stage(published):
    """Of the published table: resolutions, stem, then width x depth x kernel x expansion, and the head."""
    stages = (
        (2 * 2 * 2) * (2 * 3 * 2 * 3) * (2 * 4 * 2 * 3) ** 2 * (3 * 6 * 2 * 3) * (4 * 6 * 2) * (2 * 2 * 2)
    )
    assert published.count == 4 * 2 * stages * 2
    assert published.count == pytest.approx(4.4e11, rel=0.01)


@pytest.mark.parametrize(("name", "millions"), [("A0", 203), ("A3", 357), ("A6", 709)])
def test_networks_have_their_published_macs(published, name, millions):
    """The release's README; what it calls FLOPs are multiply-accumulates."""
    macs = Counted(published).counts(member(published, name)).macs
    assert macs / 1e6 == pytest.approx(millions, abs=0.6)


def test_a0_is_the_smallest_and_no_network_lies_outside_200_to_2000_million_macs(published):
    count = Counted(published).counts
    assert count(member(published, "A0")) == count(published.unrank(0))
    assert count(published.unrank(0)).macs > 200e6
    assert count(published.unrank(published.count - 1)).macs < 2000e6


def test_an_unwritten_name_is_refused(published):
    with pytest.raises(SpaceError, match="'A7' is written down; there are A0, A3, A6"):
        member(published, "A7")


def test_blocks_of_a_stage_agree():
    space = attentive()
    one = space.architecture(stage2__times=3, stage2__kernel=5, stage2__expand=3)
    kernels = {
        layer.op.kernel
        for layer in space.network(one).layers
        if layer.name.startswith("stage2") and "depthwise.conv" in layer.name
    }
    assert kernels == {5}


def test_every_block_has_a_shortcut_whatever_its_shape():
    """Also where sides are odd: 20 becomes 10, 5 and 3."""
    space = attentive()
    for number in (0, space.count - 1):
        network = space.network(space.unrank(number))
        blocks = [span.path for span in network.blocks if span.path.startswith("stage")]
        assert sum(isinstance(layer.op, Add) for layer in network.layers) == len(blocks)


def test_resolutions_and_widths_can_be_others():
    space = attentive(width=2, resolutions=(48, 64))
    network = space.network(space.unrank(space.count - 1))
    assert network.layers[0].shape == (3, 64, 64)
    assert network.layers[-2].shape == (256,)
