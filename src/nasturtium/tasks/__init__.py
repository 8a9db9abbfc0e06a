"""Tasks: the data that networks are searched for, decoded once and kept in memory as tensors."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nasturtium.tasks.images import ImageClassification, Normalisation, Split, image_classification

__all__ = ["ImageClassification", "Normalisation", "Split", "image_classification"]


def __getattr__(name: str) -> Any:
    """Loads torch with the first task, not with the first import (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from nasturtium.tasks import images

    return getattr(images, name)
