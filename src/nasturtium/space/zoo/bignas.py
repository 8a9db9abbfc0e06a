"""The space of BigNAS, from 200 to 2,000 million MACs (Yu et al. 2020, arXiv:2003.11142, section 4)."""

from collections.abc import Sequence

from nasturtium.space.blocks import Repeat, classifier, conv, mb_conv, repeat, resize
from nasturtium.space.choice import choice
from nasturtium.space.mobile import divisible
from nasturtium.space.space import Space
from nasturtium.space.zoo import check_size

# Expansion, kernels, least and largest width, depths, stride.
STAGES = (
    (1, (3,), 16, 24, (1, 2), 1),
    (6, (3,), 24, 32, (2, 3), 2),
    (6, (3, 5), 40, 48, (2, 3), 2),
    (6, (3, 5), 80, 88, (2, 3, 4), 2),
    (6, (3, 5), 112, 128, (2, 3, 4, 5, 6), 1),
    (6, (3, 5), 192, 216, (2, 3, 4, 5, 6), 2),
    (6, (3, 5), 320, 352, (1, 2), 1),
)
SMALL = (
    (1, (3,), 8, 16, (1, 2), 1),
    (3, (3, 5), 16, 24, (1, 2), 2),
    (3, (3, 5), 32, 40, (1, 2, 3), 2),
    (3, (3, 5), 56, 64, (1, 2), 1),
)
STEP = 8  # between two widths


def bignas(size: str = "small", *, width: float = 1) -> Space:
    """Returns the space of BigNAS: per stage width, depth and kernel; widths of stem and head; resolution.

    Blocks are EfficientNet's, with squeeze-and-excite and swish; their expansions are fixed.

    Differs: perhaps, in that blocks of one stage share their kernel, and that blocks are gated as
    EfficientNet's; neither was checked against the paper, whose authors released no code.

    Args:
        size: ``published`` has seven stages and resolutions of 192 to 320; ``small`` has four stages, an
            expansion of 3 and resolutions of 20 to 32, for 32x32.
        width: Multiplies all widths.
    """
    check_size(size)
    small = size == "small"
    stages = SMALL if small else STAGES
    return Space(
        resolution=resize(choice(*((20, 24, 28, 32) if small else (192, 224, 288, 320)))),
        stem=conv(choice(*_widths(*((8, 16) if small else (32, 40)), width)), stride=2, act="silu"),
        **{f"stage{i}": _stage(i, stage, width) for i, stage in enumerate(stages, 1)},
        head=conv(choice(*_widths(*((128, 160) if small else (1280, 1408)), width)), 1, act="silu"),
        classifier=classifier(dropout=0 if small else 0.2),
        name="bignas" if small else "bignas-published",
        input_shape=(3, 32, 32) if small else (3, 224, 224),
        outputs=10 if small else 1000,
    )


def _stage(
    number: int, stage: tuple[int, tuple[int, ...], int, int, tuple[int, ...], int], width: float
) -> Repeat:
    """A stage; its choices have names, so that all copies of the block share them."""
    expand, kernels, least, largest, depths, stride = stage
    block = mb_conv(
        choice(*_widths(least, largest, width), name=f"stage{number}.width"),
        kernel=choice(*kernels, name=f"stage{number}.kernel"),
        expand=expand,
        se=0.25,
        act="silu",
        gate="sigmoid",
    )
    return repeat(block, choice(*depths), stride=stride)


def _widths(least: int, largest: int, width: float) -> Sequence[int]:
    return [divisible(one * width) for one in range(least, largest + 1, STEP)]
