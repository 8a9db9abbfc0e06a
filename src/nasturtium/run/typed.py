"""Tables of plain values (TOML) to frozen dataclasses and back, with every key and type checked."""

import json
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from nasturtium.errors import ConfigError, unknown

T = TypeVar("T")


def from_table(kind: type[T], table: Mapping[str, Any], where: str) -> T:
    """Returns the dataclass `kind` with the values of a table; keys that are not given take their defaults.

    Args:
        kind: A dataclass of str, int, float, bool, tuples of str, mappings, unions with None, Literal and
            such dataclasses.
        table: Key to value.
        where: What the table is, for messages: a file name and perhaps a table in it.

    Raises:
        UnknownName: a key that `kind` does not have.
        ConfigError: a value of another type, or one that `kind` refuses.
    """
    hints = get_type_hints(kind)
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    for key in table:
        if key not in known:
            raise unknown("key", key, known, where=where)
    values = {key: _value(hints[key], value, key, where) for key, value in table.items()}
    for name, field in known.items():
        if name not in values and field.default is MISSING and field.default_factory is MISSING:
            raise ConfigError(f"{where}: {name} is missing")
    return kind(**values)


def to_table(record: Any) -> dict[str, Any]:
    """Returns a dataclass as a table; fields that are None are left out, which is what None means."""
    table: dict[str, Any] = {}
    for field in fields(record):
        value = getattr(record, field.name)
        if value is not None:
            table[field.name] = to_table(value) if is_dataclass(value) else _plain(value)
    return table


def write_toml(table: Mapping[str, Any]) -> str:
    """Returns a table as TOML: scalars and lists first, then tables one level deep."""
    lines = [f"{key} = {_toml(value)}" for key, value in table.items() if not isinstance(value, Mapping)]
    for key, value in table.items():
        if isinstance(value, Mapping) and value:
            lines += ["", f"[{key}]", *(f"{inner} = {_toml(v)}" for inner, v in value.items())]
    return "\n".join(lines) + "\n"


def value_of(text: str) -> bool | int | float | str:
    """Returns what a word of a command means: true or false, a number, or text, in quotes or not."""
    if len(text) > 1 and text[0] in "'\"" and text[-1] == text[0]:
        return text[1:-1]
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _value(hint: Any, value: Any, key: str, where: str) -> Any:
    if is_dataclass(hint) and isinstance(hint, type) and isinstance(value, Mapping):
        return from_table(hint, value, f"{where}, [{key}]")
    options = get_args(hint) if get_origin(hint) in {Union, types.UnionType} else (hint,)
    for option in options:
        if (fitting := _fit(option, value)) is not None:
            return fitting
    raise ConfigError(f"{where}: {key} is {value!r}; it must be {' or '.join(map(_wanted, options))}")


def _fit(hint: Any, value: Any) -> Any:
    """Returns the value as `hint` wants it, None where it does not fit."""
    origin = get_origin(hint)
    if origin is Literal:
        return value if value in get_args(hint) else None
    if origin is tuple:
        listed = isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
        return tuple(value) if listed else (value,) if isinstance(value, str) else None
    if origin is not None:
        return dict(value) if isinstance(value, Mapping) else None
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value if type(value) is hint else None


def _wanted(hint: Any) -> str:
    origin = get_origin(hint)
    if origin is Literal:
        return ", ".join(repr(option) for option in get_args(hint))
    if origin is tuple:
        return "a list of texts"
    if origin is not None or is_dataclass(hint):
        return "a table"
    names = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
    return names.get(hint, "left out")


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else dict(value) if isinstance(value, Mapping) else value


def _toml(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str):
        # A JSON string is a TOML string, but for one character that JSON leaves bare.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value).lower() if isinstance(value, bool) else repr(value)
