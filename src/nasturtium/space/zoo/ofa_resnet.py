"""ResNet-50 with depths, widths and inner widths open, as in OFA (Cai et al. 2020, arXiv:1908.09791)."""

from typing import Any

from nasturtium.space.blocks import bottleneck, classifier, conv, max_pool, optional, repeat, resize
from nasturtium.space.choice import choice
from nasturtium.space.mobile import divisible
from nasturtium.space.space import Space
from nasturtium.space.zoo import check_size

STAGES = ((256, (2, 3, 4)), (512, (2, 3, 4)), (1024, (4, 5, 6)), (2048, (2, 3, 4)))
FACTORS = (0.65, 0.8, 1)  # of a stage's width
SMALL = ((16, 24, 32), (32, 48, 64), (64, 96, 128))


def ofa_resnet(size: str = "small") -> Space:
    """Returns a space of residual networks: per block its inner width, per stage width and depth, resolution.

    Like `resnet`, with pictures of any size, and a stem of two or three convolutions.

    Differs: from OFA's released ResNet-50, which pools before it projects a shortcut, has a shortcut in the
    stem, and rounds inner widths to multiples of 8.

    Args:
        size: ``published`` has four stages of bottlenecks and resolutions of 128 to 224; ``small`` has three,
            and resolutions of 20 to 32, for 32x32.
    """
    check_size(size)
    return _small() if size == "small" else _published()


def _small() -> Space:
    return Space(
        resolution=resize(choice(20, 24, 28, 32)),
        stem=conv(16, stride=2),
        **_stages([(widths, (1, 2, 3)) for widths in SMALL], (0.25, 0.35, 0.5)),
        classifier=classifier(),
        name="ofa_resnet",
        input_shape=(3, 32, 32),
        outputs=10,
    )


def _published() -> Space:
    widths = [tuple(divisible(width * factor) for factor in FACTORS) for width, _ in STAGES]
    stem = choice(*(divisible(64 * factor) for factor in FACTORS), name="stem.width")
    return Space(
        resolution=resize(choice(*range(128, 225, 4))),
        stem=conv(stem // 2, stride=2),
        more=optional(conv(stem // 2)),
        last=conv(stem),
        pool=max_pool(3, stride=2),
        **_stages(list(zip(widths, [depths for _, depths in STAGES], strict=True)), (0.2, 0.25, 0.35)),
        classifier=classifier(),
        name="ofa_resnet-published",
        input_shape=(3, 224, 224),
        outputs=1000,
    )


def _stages(
    stages: list[tuple[tuple[int, ...], tuple[int, ...]]], ratios: tuple[float, ...]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for i, (widths, depths) in enumerate(stages, 1):
        block = bottleneck(choice(*widths, name=f"stage{i}.width"), ratio=choice(*ratios))
        found[f"stage{i}"] = repeat(block, choice(*depths), stride=1 if i == 1 else 2)
    return found
