"""Spaces to start from, in two sizes: ``small`` for small images and a CPU, ``published`` as in the paper."""

from nasturtium.errors import unknown

SIZES = ("small", "published")


def check_size(size: str) -> None:
    """Raises UnknownName unless `size` is ``small`` or ``published``."""
    if size not in SIZES:
        raise unknown("size of a space", size, SIZES)
