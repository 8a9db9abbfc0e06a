"""MobileNetV2 against its published size: 3.4 M params, 300 M MACs (Sandler et al. 2018, table 4)."""

import pytest

from nasturtium.cost.counts import Counted
from nasturtium.space.zoo.mobilenet import MOBILENET_V2, mobilenet, mobilenet_v2
from nasturtium.testing.space import SpaceConformance


class TestSmall(SpaceConformance):
    samples = 20

    def make(self):
        return mobilenet()


class TestPublished(SpaceConformance):
    samples = 20

    def make(self):
        return mobilenet("published")


def test_mobilenet_v2_has_its_published_size():
    space = mobilenet_v2()
    counted = Counted(space).counts(space.unrank(0))
    assert counted.params == 3_504_872
    assert counted.macs == 300_774_272


@pytest.mark.parametrize(("width", "params"), [(0.75, 2_636_208), (0.5, 1_968_680), (1.4, 6_108_776)])
def test_other_widths_have_their_published_sizes(width, params):
    """2.61 M, 1.95 M and 6.06 M in the table of the authors' release, which counts no norm of the head."""
    space = mobilenet_v2(width)
    assert Counted(space).counts(space.unrank(0)).params == pytest.approx(params, rel=0.02)


def member(space):
    options = {}
    for stage, (expand, width, depth, _) in enumerate(MOBILENET_V2[1:], 2):
        options |= {f"stage{stage}__width": width, f"stage{stage}__times": depth}
        options |= {f"stage{stage}__block{i}__expand": expand for i in range(1, depth + 1)}
    return space.architecture(**options)


def test_mobilenet_v2_is_a_member_of_the_published_space():
    space, alone = mobilenet("published"), mobilenet_v2()
    assert Counted(space).counts(member(space)) == Counted(alone).counts(alone.unrank(0))
    assert [layer.op for layer in space.network(member(space)).layers] == [
        layer.op for layer in alone.network(alone.unrank(0)).layers
    ]


def test_for_small_images_it_keeps_the_resolution_longer():
    space = mobilenet_v2(small_images=True)
    assert space.network(space.unrank(0)).layers[-5].shape[1:] == (4, 4)
