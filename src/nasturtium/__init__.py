"""Neural architecture search on PyTorch: from data and a device to a front of trained, plain models."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nasturtium import tasks
    from nasturtium.architecture import Architecture, Mixture
    from nasturtium.errors import NasturtiumError
    from nasturtium.evaluate.recipe import Recipe
    from nasturtium.export.artifact import export
    from nasturtium.net.build import build
    from nasturtium.protocols import Candidate, CostModel, Evaluator, Strategy, Task, Trial
    from nasturtium.run.api import search
    from nasturtium.run.bench.api import bench
    from nasturtium.run.front import Front, Pick
    from nasturtium.run.run import Run
    from nasturtium.run.spec import Retraining, Spec
    from nasturtium.space import blocks
    from nasturtium.space.blocks import optional, repeat
    from nasturtium.space.choice import choice
    from nasturtium.space.space import Space

__version__ = "0.1.0"

__all__ = [
    "Architecture",
    "Candidate",
    "CostModel",
    "Evaluator",
    "Front",
    "Mixture",
    "NasturtiumError",
    "Pick",
    "Recipe",
    "Retraining",
    "Run",
    "Space",
    "Spec",
    "Strategy",
    "Task",
    "Trial",
    "bench",
    "blocks",
    "build",
    "choice",
    "export",
    "optional",
    "repeat",
    "search",
    "tasks",
]

_HOMES = {
    "Architecture": "nasturtium.architecture",
    "Candidate": "nasturtium.protocols",
    "CostModel": "nasturtium.protocols",
    "Evaluator": "nasturtium.protocols",
    "Front": "nasturtium.run.front",
    "Mixture": "nasturtium.architecture",
    "NasturtiumError": "nasturtium.errors",
    "Pick": "nasturtium.run.front",
    "Recipe": "nasturtium.evaluate.recipe",
    "Retraining": "nasturtium.run.spec",
    "Run": "nasturtium.run.run",
    "Space": "nasturtium.space.space",
    "Spec": "nasturtium.run.spec",
    "Strategy": "nasturtium.protocols",
    "Task": "nasturtium.protocols",
    "Trial": "nasturtium.protocols",
    "bench": "nasturtium.run.bench.api",
    "build": "nasturtium.net.build",
    "choice": "nasturtium.space.choice",
    "optional": "nasturtium.space.blocks",
    "repeat": "nasturtium.space.blocks",
    "search": "nasturtium.run.api",
}
_MODULES = {"blocks": "nasturtium.space.blocks", "export": "nasturtium.export", "tasks": "nasturtium.tasks"}


def __getattr__(name: str) -> Any:
    """Imports what is used, when it is used, so that `import nasturtium` takes no time (PEP 562)."""
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
