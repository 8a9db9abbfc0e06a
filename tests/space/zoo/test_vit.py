"""Vision transformers against DeiT-Ti (Touvron et al. 2021, arXiv:2012.12877, table 1)."""

from nasturtium.cost.counts import Counted
from nasturtium.space.zoo.vit import vit
from nasturtium.testing.space import SpaceConformance


class TestVit(SpaceConformance):
    samples = 10
    enumerable = 0

    def make(self):
        return vit()


def test_deit_tiny_is_a_member_but_for_what_tells_places():
    """5,717,416 params in the release (timm); 192 are its class token, 197 x 192 its table of places."""
    space = vit("published")
    ratios = {f"stage__block{i}__ratio": 4 for i in range(1, 13)}
    counted = Counted(space).counts(space.architecture(width=192, stage__times=12, **ratios))
    convolution = 192 * 9 + 192
    assert counted.params - convolution + 192 + 197 * 192 == 5_717_416
    assert round(counted.macs / 1e9, 1) == 1.2  # 1.26 with the class token


def test_depth_is_shared_by_the_first_blocks_and_width_by_all():
    """AutoFormer's smallest supernet: 3 widths; 12 to 14 blocks, each of 2 numbers of heads and 2 ratios."""
    assert vit("published").count == 3 * (4**12 + 4**13 + 4**14)
