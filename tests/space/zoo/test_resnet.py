"""ResNets against their published sizes (He et al. 2016; to the last digit, torchvision's model cards)."""

import pytest

from nasturtium.cost.counts import Counted
from nasturtium.space import blocks as b
from nasturtium.space.space import Space
from nasturtium.space.zoo.resnet import resnet, resnet_cifar
from nasturtium.testing.space import SpaceConformance


class TestSmall(SpaceConformance):
    samples = 20

    def make(self):
        return resnet()


class TestPublished(SpaceConformance):
    samples = 20

    def make(self):
        return resnet("published")


def resnet50(space):
    """The member of the space with the depths and widths of He et al. 2016, table 1."""
    options = {}
    for stage, (width, depth) in enumerate(((256, 3), (512, 4), (1024, 6), (2048, 3)), 1):
        options |= {f"stage{stage}__width": width, f"stage{stage}__times": depth}
        options |= {f"stage{stage}__block{i}__ratio": 0.25 for i in range(1, depth + 1)}
    return space.architecture(**options)


def test_resnet_50_is_a_member_of_its_published_size():
    space = resnet("published")
    counted = Counted(space).counts(resnet50(space))
    assert counted.params == 25_557_032
    assert round(counted.macs / 1e9, 2) == 4.09


def test_resnet_18_in_our_blocks_has_its_published_size():
    stages = [
        b.repeat(b.basic_block(width), 2, stride=1 if width == 64 else 2) for width in (64, 128, 256, 512)
    ]
    space = Space(b.conv(64, 7, stride=2), b.max_pool(3, stride=2), *stages, b.classifier())
    counted = Counted(space.bind((3, 224, 224), 1000)).counts(space.unrank(0))
    assert counted.params == 11_689_512
    assert round(counted.macs / 1e9, 2) == 1.81


@pytest.mark.parametrize(("depth", "params"), [(20, 269_722), (56, 853_018)])
def test_cifar_resnets_have_the_published_sizes(depth, params):
    """0.27 M and 0.85 M in the paper, whose shortcuts have no weights; ours are projected: 2,752 more."""
    space = resnet_cifar(depth)
    projections = (16 * 32 + 2 * 32) + (32 * 64 + 2 * 64)
    assert Counted(space).counts(space.unrank(0)).params == params + projections
    assert space.count == 1


def test_resnet_20_is_a_member_of_the_small_space():
    space, alone = resnet(), resnet_cifar(20)
    options = {f"stage{stage}__times": 3 for stage in (1, 2, 3)}
    member = space.architecture(stage1__width=16, stage2__width=32, stage3__width=64, **options)
    assert [layer.op for layer in space.network(member).layers] == [
        layer.op for layer in alone.network(alone.unrank(0)).layers
    ]
