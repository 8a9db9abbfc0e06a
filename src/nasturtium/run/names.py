"""Names of methods, spaces and data: a dictionary each, and dotted paths or files for what is not in it."""

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from nasturtium.errors import ConfigError, unknown

METHODS: Mapping[str, str] = {
    "evolution": "nasturtium.strategy.evolution:RegularizedEvolution",
    "exhaustive": "nasturtium.strategy.exhaustive:Exhaustive",
    "local": "nasturtium.strategy.local:LocalSearch",
    "nsga2": "nasturtium.strategy.nsga2:NSGA2",
    "random": "nasturtium.strategy.random:RandomSearch",
}

SPACES: Mapping[str, str] = {
    "chain": "nasturtium.space.zoo.chain:chain",
    "mobilenet": "nasturtium.space.zoo.mobilenet:mobilenet",
    "nasbench201": "nasturtium.space.zoo.nasbench201:nasbench201",
    "nasbench_macro": "nasturtium.space.zoo.nasbench_macro:nasbench_macro",
    "resnet": "nasturtium.space.zoo.resnet:resnet",
}

TASKS: Mapping[str, str] = {
    "cifar10": "nasturtium.tasks.images:image_classification",
    "digits": "nasturtium.tasks.images:image_classification",
    "folder": "nasturtium.tasks.images:image_classification",
    "hf": "nasturtium.tasks.images:image_classification",
    "npz": "nasturtium.tasks.images:image_classification",
}

KINDS: Mapping[str, Mapping[str, str]] = {"method": METHODS, "space": SPACES, "task": TASKS}


def resolve(kind: str, name: str) -> Any:
    """Returns what a name stands for.

    Args:
        kind: ``method``, ``space`` or ``task``.
        name: A name of that kind, a dotted path (``package.module:Name``) or a file
            (``folder/mine.py:Name``).

    Raises:
        UnknownName: there is no such name, module, file or attribute.
        ConfigError: the module or file cannot be imported.
    """
    known = KINDS[kind]
    if ":" not in name and name not in known:
        raise unknown(kind, name, known, where="or give module:Name or file.py:Name")
    path, _, attribute = known.get(name, name).rpartition(":")
    module = _module(kind, name, path)
    if attribute not in vars(module):
        public = [found for found in vars(module) if not found.startswith("_")]
        raise unknown(f"name for a {kind}", attribute, public, where=path)
    return vars(module)[attribute]


def space_named(name: str) -> Any:
    """Returns the space of a name such as ``mobilenet`` or ``mobilenet/published``, or of a path or file.

    A path may lead to a space, or to a function without arguments that returns one.
    """
    plain, _, size = name.partition("/") if ":" not in name else (name, "", "")
    found = resolve("space", plain)
    if not callable(found):
        return found
    if not size:
        return found()
    return found(size)


def task_named(name: str, seed: int = 0) -> Any:
    """Returns the task of a source such as ``digits`` or ``folder:PATH``, or of a path or file.

    A path may lead to a task, or to a function of the seed that returns one.
    """
    kind = name.partition(":")[0]
    if kind in TASKS:
        return resolve("task", kind)(name, seed=seed)
    found = resolve("task", name)
    return found(seed=seed) if callable(found) else found


def parameters_of(method: Any) -> Mapping[str, inspect.Parameter]:
    """Returns the parameters of a method that a user may set: all but space, seed and objectives."""
    every = inspect.signature(method).parameters
    return {name: p for name, p in every.items() if name not in {"space", "seed", "objectives"}}


def _module(kind: str, name: str, path: str) -> ModuleType:
    try:
        if path.endswith(".py"):
            return _file(kind, Path(path))
        return importlib.import_module(path)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{kind} {name!r}: {error}. Give a name, module:Name or file.py:Name; names: "
            f"{', '.join(KINDS[kind])}"
        ) from error
    except (ImportError, SyntaxError) as error:
        raise ConfigError(f"{kind} {name!r} cannot be imported: {type(error).__name__}: {error}") from error


def _file(kind: str, path: Path) -> ModuleType:
    if not path.is_file():
        raise ConfigError(f"{kind}: there is no file {path} (looked in {Path.cwd()})")
    name = f"nasturtium_user_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
