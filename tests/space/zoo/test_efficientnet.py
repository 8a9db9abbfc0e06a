"""EfficientNets against the paper (Tan and Le 2019, table 2) and against its port for PyTorch."""

from math import prod

import pytest

from nasturtium.cost.counts import Counted
from nasturtium.errors import UnknownName
from nasturtium.space.layers import BatchNorm
from nasturtium.space.zoo.efficientnet import COEFFICIENTS, efficientnet

# Table 2, and the parameters of lukemelas/EfficientNet-PyTorch.
PUBLISHED = [
    ("b0", 0.39, 5_288_548),
    ("b1", 0.70, 7_794_184),
    ("b2", 1.0, 9_109_994),
    ("b3", 1.8, 12_233_232),
    ("b4", 4.2, 19_341_616),
    ("b5", 9.9, 30_389_784),
    ("b6", 19, 43_040_704),
    ("b7", 37, 66_347_960),
]


@pytest.mark.parametrize(("name", "billions", "params"), PUBLISHED)
def test_networks_have_their_published_sizes(name, billions, params):
    """The paper's graphs count normalisation too, one operation a value, and round to two digits."""
    space = efficientnet(name)
    counted = Counted(space).counts(space.unrank(0))
    norms = sum(
        prod(layer.shape)
        for layer in space.network(space.unrank(0)).layers
        if isinstance(layer.op, BatchNorm)
    )
    assert counted.params == params
    if name in ("b0", "b1"):
        assert (counted.macs + norms) / 1e9 == pytest.approx(billions, rel=0.01)
    assert counted.macs / 1e9 == pytest.approx(billions, rel=0.05)


def test_widths_and_depths_of_b7_are_the_published_ones():
    space = efficientnet("b7")
    blocks = dict(space.blocks(space.unrank(0)))
    stages = [[block for path, block in blocks.items() if path.startswith(f"stage{i}.")] for i in range(1, 8)]
    assert [len(stage) for stage in stages] == [4, 7, 7, 10, 10, 13, 4]
    assert [stage[0].out for stage in stages] == [32, 48, 80, 160, 224, 384, 640]
    assert (blocks["stem"].out, blocks["head"].out) == (64, 2560)


def test_only_the_first_block_of_a_stage_strides():
    space = efficientnet("b7")
    strides = [block.stride for path, block in space.blocks(space.unrank(0)) if path.startswith("stage")]
    assert prod(strides) == 16


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownName, match="b9"):
        efficientnet("b9")
    assert len(COEFFICIENTS) == 8
