"""Evaluators: what finds out how good a candidate is."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nasturtium.evaluate.cascade import Cascade
    from nasturtium.evaluate.fit import Fit, evaluate, fit
    from nasturtium.evaluate.proxy import Proxy
    from nasturtium.evaluate.recipe import Recipe
    from nasturtium.evaluate.scratch import Scratch

__all__ = ["Cascade", "Fit", "Proxy", "Recipe", "Scratch", "evaluate", "fit"]

_FILES = {
    "Cascade": "cascade",
    "Fit": "fit",
    "Proxy": "proxy",
    "Recipe": "recipe",
    "Scratch": "scratch",
    "evaluate": "fit",
    "fit": "fit",
}


def __getattr__(name: str) -> Any:
    """Loads torch with the first training, not with the first import (PEP 562)."""
    if name not in _FILES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"nasturtium.evaluate.{_FILES[name]}"), name)
