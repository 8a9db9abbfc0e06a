"""Windows over images: sides of kernels and strides, and how often they fit."""

from functools import lru_cache
from typing import TypeAlias

Sides: TypeAlias = int | tuple[int, int]  # one number for both, or (height, width)


def both(sides: Sides) -> tuple[int, int]:
    """Returns (height, width) of sides given as one number or two."""
    return sides if isinstance(sides, tuple) else (sides, sides)


@lru_cache(maxsize=4096)
def window(
    sides: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: int = 1,
    *,
    padded: bool = True,
) -> tuple[int, int]:
    """Returns how often a window fits (height, width) sides that are padded by half of it.

    Args:
        sides: Of the image.
        kernel: Height and width of the window.
        stride: Cells from one place of it to the next.
        dilation: Cells from one of its own to the next.
        padded: Whether there is any padding.

    Returns:
        Output sides; below 1 where it does not fit at all.
    """
    reach = [dilation * (one - 1) for one in kernel]
    height, width = (
        (side - more - 1 + 2 * (more // 2) * padded) // step + 1
        for side, more, step in zip(sides, reach, stride, strict=True)
    )
    return height, width
