"""A torch module as the expression that makes another like it: ``nn.Conv2d(3, 16, 3, padding=1)``."""

import inspect
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from nasturtium.errors import ExportError

NOT_SETTINGS = ("device", "dtype")
ANY = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def constructor(module: nn.Module) -> str:
    """Returns the call that makes a module of the same class and settings, with fresh weights.

    Torch's layers keep each argument of ``__init__`` as an attribute of the same name; a user's own module
    must too.

    Raises:
        ExportError: An argument is not kept so, or its value cannot be written down.
    """
    if isinstance(module, nn.Sequential | nn.ModuleList) and _by_torch(module):
        return _container(module)
    return f"{class_name(type(module))}({arguments(module)})"


def arguments(module: nn.Module) -> str:
    """Returns the arguments of `constructor`: those without default by position, others where they differ."""
    return ", ".join(_arguments(module))


def class_name(kind: type) -> str:
    """Returns how a class is named in an exported file."""
    return f"nn.{kind.__name__}" if getattr(nn, kind.__name__, None) is kind else kind.__name__


def _by_torch(module: nn.Module) -> bool:
    return type(module).__module__.startswith("torch.nn")


def _container(module: nn.Sequential | nn.ModuleList) -> str:
    parts = {name: constructor(child) for name, child in module.named_children()}
    if isinstance(module, nn.ModuleList):
        return f"nn.ModuleList([{', '.join(parts.values())}])"
    if all(name.isdigit() for name in parts):
        return f"nn.Sequential({', '.join(parts.values())})"
    pairs = ", ".join(f"({name!r}, {made})" for name, made in parts.items())
    return f"nn.Sequential(OrderedDict([{pairs}]))"


def _arguments(module: nn.Module) -> Iterator[str]:
    if (
        type(module).__init__ is nn.Module.__init__
    ):  # it takes anything, and a class without settings has only it
        return
    for parameter in inspect.signature(type(module)).parameters.values():
        if parameter.name in NOT_SETTINGS:
            continue
        if _by_torch(module) and (parameter.kind in ANY or parameter.name.startswith("_")):
            continue  # what torch keeps for itself
        default = parameter.default
        value = _setting(module, parameter)
        if default is not parameter.empty and value == default:
            continue
        text = _literal(value, f"{type(module).__name__}({parameter.name}=...)")
        by_position = default is parameter.empty and parameter.kind is not parameter.KEYWORD_ONLY
        yield text if by_position else f"{parameter.name}={text}"


def _setting(module: nn.Module, parameter: inspect.Parameter) -> Any:
    kept = hasattr(module, parameter.name)
    if not kept or parameter.kind in ANY:
        raise ExportError(
            f"{type(module).__name__} cannot be written as source: its argument {parameter.name!r} is not "
            f"kept as self.{parameter.name}; keep it under that name, or export to .onnx or .pt2"
        )
    value = getattr(module, parameter.name)
    if parameter.name == "bias" and (value is None or isinstance(value, torch.Tensor)):
        return value is not None
    if isinstance(value, tuple) and len(set(value)) == 1 and _by_torch(module):
        return value[0]  # kernel_size=(3, 3) was given as 3
    return value


def _literal(value: Any, where: str) -> str:
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    if isinstance(value, tuple | list):
        items = [_literal(item, where) for item in value]
        return (
            f"[{', '.join(items)}]"
            if isinstance(value, list)
            else f"({', '.join(items)}{',' * (len(items) == 1)})"
        )
    if isinstance(value, nn.Module):
        return constructor(value)
    if isinstance(value, type) and issubclass(value, nn.Module):
        return class_name(value)
    raise ExportError(f"{where} is {value!r}, which cannot be written as source; export to .onnx or .pt2")
