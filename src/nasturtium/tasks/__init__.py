"""Tasks: the data that networks are searched for, decoded once and kept in memory as tensors."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nasturtium.tasks.images import ImageClassification, Normalisation, Split, image_classification
    from nasturtium.tasks.text import LanguageModelling, language_modelling

__all__ = [
    "ImageClassification",
    "LanguageModelling",
    "Normalisation",
    "Split",
    "image_classification",
    "language_modelling",
]

_TEXT = ("LanguageModelling", "language_modelling")


def __getattr__(name: str) -> Any:
    """Loads torch with the first task, not with the first import (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"nasturtium.tasks.{'text' if name in _TEXT else 'images'}"), name)
