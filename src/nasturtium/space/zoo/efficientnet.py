"""EfficientNet B0 to B7 (Tan and Le 2019, arXiv:1905.11946), one network each."""

from typing import Any

from nasturtium.errors import unknown
from nasturtium.space.blocks import classifier, conv, mb_conv, repeat
from nasturtium.space.scale import scaled
from nasturtium.space.space import Space

# Table 1: expansion, kernel, channels, blocks, stride.
STAGES = (
    (1, 3, 16, 1, 1),
    (6, 3, 24, 2, 2),
    (6, 5, 40, 2, 2),
    (6, 3, 80, 3, 2),
    (6, 5, 112, 3, 1),
    (6, 5, 192, 4, 2),
    (6, 3, 320, 1, 1),
)
SMALL = ((1, 3, 16, 1, 1), (3, 3, 24, 1, 2), (3, 5, 40, 2, 2), (3, 3, 64, 2, 1))

# Width, depth, resolution, dropout, as released. They are rounded by hand: no phi gives a column of them.
COEFFICIENTS = {
    "b0": (1.0, 1.0, 224, 0.2),
    "b1": (1.0, 1.1, 240, 0.2),
    "b2": (1.1, 1.2, 260, 0.3),
    "b3": (1.2, 1.4, 300, 0.3),
    "b4": (1.4, 1.8, 380, 0.4),
    "b5": (1.6, 2.2, 456, 0.4),
    "b6": (1.8, 2.6, 528, 0.5),
    "b7": (2.0, 3.1, 600, 0.5),
}


def efficientnet(name: str = "b0") -> Space:
    """Returns an EfficientNet, a space of one architecture; it resizes its pictures to its own resolution.

    Args:
        name: ``b0`` to ``b7``, or ``small``: a base to be scaled for 32x32 images.

    Raises:
        UnknownName: There is no such network.
    """
    if name == "small":
        return Space(**_blocks(SMALL, 128, 0), name="efficientnet-small", input_shape=(3, 32, 32), outputs=10)
    if name not in COEFFICIENTS:
        raise unknown("EfficientNet", name, ("small", *COEFFICIENTS))
    width, depth, side, dropout = COEFFICIENTS[name]
    base = Space(**_blocks(STAGES, 1280, dropout), input_shape=(3, side, side), outputs=1000)
    return scaled(base, depth=depth, width=width, side=side, name=f"efficientnet-{name}")


def _blocks(stages: tuple[tuple[int, int, int, int, int], ...], head: int, dropout: float) -> dict[str, Any]:
    blocks: dict[str, Any] = {"stem": conv(32 if head > 1000 else 16, stride=2, act="silu")}
    for i, (expand, kernel, out, times, stride) in enumerate(stages, 1):
        block = mb_conv(out, kernel, expand, se=0.25, act="silu", gate="sigmoid")
        blocks[f"stage{i}"] = repeat(block, times, stride=stride)
    return blocks | {"head": conv(head, 1, act="silu"), "classifier": classifier(dropout=dropout)}
