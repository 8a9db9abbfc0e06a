"""Parameters of a method as a command line or a file gives them: checked before the method sees them."""

from __future__ import annotations

import inspect
import re
import sys
import types
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from nasturtium.errors import ConfigError, unknown
from nasturtium.run.names import parameters_of

INNER = "inner"  # a method, which is given by its name
PLAIN = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
_MODULES = re.compile(r"\b(?:[a-z_]+\.)+")  # what stands before the names of types
INSTEAD = {"prior": "Results of earlier searches are given by warm_from (--warm-from FOLDER). "}


def check_parameters(name: str, method: Any, given: Mapping[str, Any]) -> None:
    """Makes sure that a method has the parameters given to it, and that they can be such values.

    Parameters whose types are not annotated, or by names that only a type checker knows, take anything.

    Args:
        name: Of the method, for messages.
        method: A strategy or recipe, or a function that makes one.
        given: Name to value.

    Raises:
        UnknownName: It has no such parameter.
        ConfigError: A value of another type, or a parameter that no number, text or list can give.
    """
    known = parameters_of(method)
    for parameter in given:
        if parameter not in known:
            raise unknown("parameter", parameter, known, where=f"method {name}")
    for parameter, value in given.items():
        options = _options(method, known[parameter], parameter)
        if any(_takes(option, value) for option in options):
            continue
        wanted = [words for option in options if (words := _words(option))]
        said = f"method {name}: {parameter} is {value!r}"
        if wanted:
            raise ConfigError(f"{said}; it must be {' or '.join(wanted)}")
        raise ConfigError(f"{said}, but {_only_from_python(name, method, parameter)}")


def _only_from_python(name: str, method: Any, parameter: str) -> str:
    known = parameters_of(method)
    plain = [one for one in known if any(map(_words, _options(method, known[one], one)))]
    made, hint = getattr(method, "__name__", name), known[parameter].annotation
    kind = hint if isinstance(hint, str) else _MODULES.sub("", inspect.formatannotation(hint))
    return (
        f"it is of type {kind}, which no number or text can give. {INSTEAD.get(parameter, '')}In Python, "
        f"give method= a function that sets it, or write one to mine.py and give --method mine.py:mine: "
        f"def mine(space, *, seed=0, objectives=ERROR): return {made}(space, seed=seed, "
        f"objectives=objectives, {parameter}=...). To be set here: {', '.join(plain) or 'nothing'}"
    )


def _options(method: Any, parameter: inspect.Parameter, name: str) -> Sequence[Any]:
    """Returns the types that a parameter may have; Any where nobody can know."""
    if name == INNER:
        return (str,)
    hint = parameter.annotation
    if hint is parameter.empty:
        return (Any,)
    if isinstance(hint, str):
        # One at a time: another that only a type checker can resolve must not hide this.
        alone = SimpleNamespace(__annotations__={name: hint})
        try:
            hint = get_type_hints(alone, vars(sys.modules[method.__module__]))[name]
        except (NameError, TypeError):
            return (Any,)
    united = get_origin(hint) in {Union, types.UnionType}
    return [option for option in (get_args(hint) if united else (hint,)) if option is not types.NoneType]


def _takes(option: Any, value: Any) -> bool:
    if option is Any:
        return True
    if get_origin(option) is Literal:
        return value in get_args(option)
    if (item := _item(option)) is not None:
        listed = isinstance(value, list | tuple) and all(_takes(item, one) for one in value)
        return listed and len(value) == _length(option, len(value))
    return type(value) in ((int, float) if option is float else (option,)) and option in PLAIN


def _words(option: Any) -> str:
    """Returns what values of a type are in words; none where they cannot be written."""
    if option is Any:
        return "anything"
    if get_origin(option) is Literal:
        return " or ".join(map(repr, get_args(option)))
    if (item := _item(option)) is not None:
        count = _length(option, 0)
        what = f"a list of {count}" if count else "a list"
        return f"{what} in a settings file, each {_words(item)}" if _words(item) else ""
    return PLAIN.get(option, "")


def _length(option: Any, otherwise: int) -> int:
    """Returns how many values a tuple of fixed length has."""
    parts = get_args(option)
    return len(parts) if get_origin(option) is tuple and Ellipsis not in parts else otherwise


def _item(option: Any) -> Any:
    """Returns what a sequence type holds; None for other types."""
    listed = isinstance(origin := get_origin(option), type) and issubclass(origin, Sequence)
    return get_args(option)[0] if listed else None
