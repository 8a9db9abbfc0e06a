"""The source of a user's own module classes, with all that they need, to stand in an exported file."""

import ast
import inspect
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from torch import nn

from nasturtium.errors import ExportError

PROVIDED = {"torch", "nn", "F", "Tensor", "Path", "OrderedDict", "load_file"}  # the file imports them itself


@dataclass(slots=True)
class Classes:
    """Definitions in an order in which they can run.

    Attributes:
        imports: Lines ``import ...``, each once.
        definitions: Sources of constants, functions and classes, by name.
    """

    imports: list[str] = field(default_factory=list)
    definitions: dict[str, str] = field(default_factory=dict)
    _objects: dict[str, Any] = field(default_factory=dict)

    def add(self, thing: Any) -> None:
        """Takes in a class or function, after what it needs.

        Raises:
            ExportError: Its source cannot be found or needs nasturtium.
        """
        name = thing.__name__
        if name in self._objects:
            if self._objects[name] is not thing:
                raise ExportError(f"two different things are called {name}; rename one to export source")
            return
        self._objects[name] = thing
        source = _source(thing)
        known = vars(inspect.getmodule(thing))
        for used in _names(source):
            if used != name and used in known:
                self._need(used, known[used], thing)
        self.definitions[name] = source

    def _need(self, name: str, value: Any, user: Any) -> None:
        if name in PROVIDED:
            return
        home = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
        if home is not None and home.split(".")[0] == "nasturtium":
            raise ExportError(
                f"{user.__name__} uses {name} from {home}, so it would not run without nasturtium; "
                "move that out of the module class, or export to .onnx or .pt2"
            )
        if isinstance(value, ModuleType):
            self._import(f"import {home}" + (f" as {name}" if name != home else ""))
        elif home == user.__module__ and (inspect.isclass(value) or inspect.isfunction(value)):
            self.add(value)
        elif home is not None and hasattr(value, "__name__"):
            alias = f" as {name}" if name != value.__name__ else ""
            self._import(f"from {home} import {value.__name__}{alias}")
        elif isinstance(value, bool | int | float | str | tuple):
            self.definitions.setdefault(name, f"{name} = {value!r}")
        else:
            raise ExportError(f"{user.__name__} uses {name} = {value!r}, which cannot be written as source")

    def _import(self, line: str) -> None:
        if line not in self.imports:
            self.imports.append(line)


def own_classes(modules: Iterable[nn.Module]) -> Iterator[type[nn.Module]]:
    """Yields the classes of `modules`, and of the modules inside them, that are not torch's, each once."""
    seen: set[type] = set()
    for module in modules:
        for part in module.modules():
            kind = type(part)
            if kind not in seen and not kind.__module__.startswith("torch."):
                seen.add(kind)
                yield kind


def _source(thing: Any) -> str:
    if "<locals>" in thing.__qualname__:
        raise ExportError(
            f"{thing.__qualname__} is defined inside a function and cannot be written as source; "
            "move it to the top of its file, or export to .onnx or .pt2"
        )
    try:
        return textwrap.dedent(inspect.getsource(thing)).rstrip()
    except (OSError, TypeError) as error:
        raise ExportError(
            f"the source of {thing.__qualname__} cannot be found ({error}); define it in a .py file, "
            "or export to .onnx or .pt2"
        ) from error


def _names(source: str) -> list[str]:
    """Returns the names that a source reads, in order of appearance."""
    found = (node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name))
    return list(dict.fromkeys(found))
