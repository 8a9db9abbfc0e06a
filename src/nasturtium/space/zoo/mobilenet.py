"""Chains of inverted residuals: MobileNetV2 with its kernels, expansions, widths, depths and gates open."""

from typing import Any

from nasturtium.space.blocks import Repeat, classifier, conv, inverted_residual, repeat
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.space.zoo import check_size

# Sandler et al. 2018 (arXiv:1801.04381), table 2: expansion, channels, repeats, stride.
MOBILENET_V2 = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def mobilenet(size: str = "small") -> Space:
    """Returns a space of inverted residuals; per block kernel, expansion and gate, per stage width and depth.

    Args:
        size: ``small`` has three stages for images of 8x8 to 64x64; ``published`` has MobileNetV2's seven,
            for 224x224, with MobileNetV2 1.0 among its members (3,504,872 params, 301 M MACs).
    """
    check_size(size)
    return _small() if size == "small" else _published()


def _small() -> Space:
    return Space(
        stem=conv(16, act="relu6"),
        stage1=_stage(choice(16, 24, name="stage1.width"), choice(1, 2), stride=1),
        stage2=_stage(choice(24, 32, 48, name="stage2.width"), choice(1, 2, 3), stride=2),
        stage3=_stage(choice(48, 64, 96, name="stage3.width"), choice(1, 2, 3), stride=2),
        head=conv(choice(64, 128, 256), 1, act="relu6"),
        classifier=classifier(),
        name="mobilenet",
        input_shape=(3, 32, 32),
        outputs=10,
    )


def _published() -> Space:
    stages: dict[str, Any] = {}
    for number, (expand, width, depth, stride) in enumerate(MOBILENET_V2[1:], 2):
        # Widths at 0.75, 1 and 1.25 of the published one, in steps of 8.
        scaled = (max(8, round(width * factor / 8) * 8) for factor in (0.75, 1, 1.25))
        widths = choice(*scaled, name=f"stage{number}.width")
        depths = choice(*range(max(1, depth - 1), depth + 2))
        stages[f"stage{number}"] = _stage(widths, depths, stride, kernels=(3, 5, 7), expands=(3, expand))
    return Space(
        stem=conv(32, stride=2, act="relu6"),
        stage1=repeat(inverted_residual(16, expand=1), 1),
        **stages,
        head=conv(1280, 1, act="relu6"),
        classifier=classifier(dropout=0.2),
        name="mobilenet-published",
        input_shape=(3, 224, 224),
        outputs=1000,
    )


def _stage(
    width: Any, depth: Any, stride: int, kernels: tuple[int, ...] = (3, 5), expands: tuple[int, ...] = (2, 4)
) -> Repeat:
    block = inverted_residual(
        width,
        kernel=choice(*kernels),
        expand=choice(*expands),
        se=choice(0, 0.25, labels=("no", "yes")),
    )
    return repeat(block, depth, stride=stride)


def mobilenet_v2(width: float = 1.0, *, small_images: bool = False) -> Space:
    """Returns MobileNetV2 itself, as a space of one architecture.

    Args:
        width: Multiplier of all widths, rounded to multiples of 8 and never below 90 % of the product
            (Sandler et al. 2018, section 6.1; the rounding is that of the authors' released code).
        small_images: Strides for 32x32: none in the stem and the second stage.
    """
    stages: dict[str, Any] = {}
    for number, (expand, channels, depth, stride) in enumerate(MOBILENET_V2, 1):
        first = 1 if small_images and number == 2 else stride
        stages[f"stage{number}"] = repeat(
            inverted_residual(_divisible(channels * width), expand=expand), depth, stride=first
        )
    return Space(
        stem=conv(_divisible(32 * width), stride=1 if small_images else 2, act="relu6"),
        **stages,
        head=conv(_divisible(1280 * max(1.0, width)), 1, act="relu6"),
        classifier=classifier(dropout=0 if small_images else 0.2),
        name=f"mobilenet_v2-{width:g}",
        input_shape=(3, 32, 32) if small_images else (3, 224, 224),
        outputs=10 if small_images else 1000,
    )


def _divisible(channels: float) -> int:
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * channels else rounded + 8
