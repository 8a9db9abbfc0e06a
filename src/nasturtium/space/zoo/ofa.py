"""Once-for-all: MobileNetV3 with depths, kernels and expansions open (Cai et al. 2020, arXiv:1908.09791)."""

from typing import Any, TypeAlias

from nasturtium.space.blocks import Repeat, conv, mb_conv, mobile_head, repeat, resize
from nasturtium.space.choice import choice
from nasturtium.space.mobile import divisible
from nasturtium.space.space import Space
from nasturtium.space.zoo import check_size

# Channels, stride, activation and squeeze-and-excite of the units (Howard et al. 2019, table 1).
Unit: TypeAlias = tuple[int, int, str, float]
UNITS: tuple[Unit, ...] = (
    (24, 2, "relu", 0),
    (40, 2, "relu", 0.25),
    (80, 2, "hardswish", 0),
    (112, 1, "hardswish", 0.25),
    (160, 2, "hardswish", 0.25),
)
SMALL: tuple[Unit, ...] = ((24, 2, "relu", 0), (40, 2, "hardswish", 0.25), (64, 1, "hardswish", 0.25))

# Per block: kernel, inside as a multiple of the input, channels, squeeze-and-excite, activation, stride.
MOBILENET_V3_LARGE = (
    (3, 16 / 16, 16, 0, "relu", 1),
    (3, 64 / 16, 24, 0, "relu", 2),
    (3, 72 / 24, 24, 0, "relu", 1),
    (5, 72 / 24, 40, 0.25, "relu", 2),
    (5, 120 / 40, 40, 0.25, "relu", 1),
    (5, 120 / 40, 40, 0.25, "relu", 1),
    (3, 240 / 40, 80, 0, "hardswish", 2),
    (3, 200 / 80, 80, 0, "hardswish", 1),
    (3, 184 / 80, 80, 0, "hardswish", 1),
    (3, 184 / 80, 80, 0, "hardswish", 1),
    (3, 480 / 80, 112, 0.25, "hardswish", 1),
    (3, 672 / 112, 112, 0.25, "hardswish", 1),
    (5, 672 / 112, 160, 0.25, "hardswish", 2),
    (5, 960 / 160, 160, 0.25, "hardswish", 1),
    (5, 960 / 160, 160, 0.25, "hardswish", 1),
)


def ofa(size: str = "small", *, width: float = 1) -> Space:
    """Returns OFA's space: the depth of each unit, kernel and expansion of each block, the resolution.

    Where a unit is shallower, its first blocks are there. Of a smaller expansion and kernel the weights are
    shared by slicing, so a supernet of this space whose kernels are ``transformed`` is OFA's.

    Args:
        size: ``published`` has five units of two to four blocks, kernels of 3, 5 and 7, expansions of 3, 4
            and 6, and 25 resolutions from 128 to 224: (9 ** 2 + 9 ** 3 + 9 ** 4) ** 5 = 2.18e19 networks at
            each. ``small`` has three units of one to three blocks, expansions of 2, 3 and 4, for 32x32.
        width: Multiplies all widths; OFA published supernets of 1 and 1.2.
    """
    check_size(size)
    small = size == "small"
    depths, expands = ((1, 2, 3), (2, 3, 4)) if small else ((2, 3, 4), (3, 4, 6))
    units = (_unit(unit, width, depths, expands) for unit in (SMALL if small else UNITS))
    return Space(
        resolution=resize(choice(*((20, 24, 28, 32) if small else range(128, 225, 4)))),
        stem=conv(divisible(16 * width), stride=2, act="hardswish"),
        stage1=repeat(mb_conv(divisible(16 * width), expand=1, act="relu"), 1),
        **{f"stage{i}": unit for i, unit in enumerate(units, 2)},
        head=mobile_head(divisible(128 * width), 2)
        if small
        else mobile_head(divisible(1280 * width), dropout=0.1),
        name="ofa" if small else "ofa-published",
        input_shape=(3, 32, 32) if small else (3, 224, 224),
        outputs=10 if small else 1000,
    )


def _unit(unit: Unit, width: float, depths: tuple[int, ...], expands: tuple[int, ...]) -> Repeat:
    out, stride, act, se = unit
    block = mb_conv(divisible(out * width), kernel=choice(3, 5, 7), expand=choice(*expands), se=se, act=act)
    return repeat(block, choice(*depths), stride=stride)


def mobilenet_v3_large(width: float = 1) -> Space:
    """Returns MobileNetV3-Large itself (Howard et al. 2019, arXiv:1905.02244, table 1): one architecture.

    Args:
        width: Multiplies all widths; the features before the classes never shrink.
    """
    blocks: dict[str, Any] = {
        f"block{i}": mb_conv(divisible(out * width), kernel, expand, stride, se, act)
        for i, (kernel, expand, out, se, act, stride) in enumerate(MOBILENET_V3_LARGE, 1)
    }
    return Space(
        stem=conv(divisible(16 * width), stride=2, act="hardswish"),
        **blocks,
        head=mobile_head(divisible(1280 * max(1, width)), bias=True, dropout=0.2),
        name=f"mobilenet_v3_large-{width:g}",
        input_shape=(3, 224, 224),
        outputs=1000,
    )
