"""A method that takes part in a bench, with the parameters that it is given: ``evolution(population=50)``."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from nasturtium.errors import ConfigError
from nasturtium.evaluate.table import Table
from nasturtium.front.objectives import Objective
from nasturtium.protocols import Strategy
from nasturtium.run.names import resolve, settings
from nasturtium.run.parameters import check_parameters
from nasturtium.run.sharing import shares_weights
from nasturtium.run.spec import Value
from nasturtium.run.typed import value_of

_PART = re.compile(r"""(?:[^,'"]|'[^']*'|"[^"]*")+""")  # commas in quotes do not separate
_ENTRY = re.compile(r"\s*(?P<name>[^()]*[^()\s])\s*(?:\((?P<parameters>.*)\))?\s*")


@dataclass(frozen=True, slots=True)
class Entry:
    """One method and its parameters.

    Attributes:
        name: A name, ``module:Class`` or ``file.py:Class``.
        parameters: Name and value of each parameter that is set.
        made: The class itself, where it has no name that another process could import.
    """

    name: str
    parameters: tuple[tuple[str, Value], ...] = ()
    made: Callable[..., Strategy] | None = field(default=None, compare=False)

    @property
    def label(self) -> str:
        """What it is called in results: ``evolution(population=50)``."""
        set_ = ", ".join(f"{name}={_written(value)}" for name, value in self.parameters)
        return f"{self.name}({set_})" if set_ else self.name

    @property
    def digest(self) -> str:
        """Digest of the user's file that it comes from, empty for everything else.

        Results of a file that has changed since are results of another method.
        """
        path = Path(self.name.rpartition(":")[0])
        if path.suffix != ".py" or not path.is_file():
            return ""
        return blake2b(path.read_bytes(), digest_size=8).hexdigest()

    def method(self) -> Callable[..., Strategy]:
        """Returns the class."""
        return self.made or _resolved(self.name, self.digest)

    def strategy(self, table: Table, seed: int) -> Strategy:
        """Returns a fresh strategy that makes the objective of a table small."""
        parameters: dict[str, Any] = dict(self.parameters)
        objectives = (Objective(table.objective),)
        return self.method()(table.space, seed=seed, objectives=objectives, **settings(parameters))


def entry_of(given: str | Callable[..., Strategy]) -> Entry:
    """Returns the entry that a text or a class means, checked.

    Args:
        given: A name, ``module:Class`` or ``file.py:Class``, with parameters in brackets where they differ
            from the defaults: ``evolution(population=50, sample=10)``. Numbers, ``true`` and ``false`` are
            read as such. Or a class.

    Raises:
        ConfigError: No such method or parameter.
    """
    if not isinstance(given, str):
        return Entry(f"{given.__module__}:{given.__qualname__}", made=given)
    found = _ENTRY.fullmatch(given)
    if found is None:
        raise ConfigError(f"method {given!r} is not understood; write name or name(parameter=value, ...)")
    entry = Entry(found["name"].strip(), tuple(_parameters(given, found["parameters"] or "")))
    if shares_weights(entry.method()):
        raise ConfigError(
            f"{entry.name} trains a supernet, which a table of finished trainings has not; "
            f"search a task with it: nasturtium search --method {entry.name}"
        )
    check_parameters(entry.name, entry.method(), dict(entry.parameters))
    return entry


def _parameters(given: str, text: str) -> list[tuple[str, Value]]:
    found = []
    for part in filter(None, map(str.strip, _PART.findall(text))):
        name, equals, value = (word.strip() for word in part.partition("="))
        if not (name and equals and value):
            raise ConfigError(f"method {given!r}: {part!r} is not name=value, such as population=50")
        found.append((name, value_of(value)))
    return found


def _written(value: Value) -> str:
    """The value as it is read again: text in quotes where it would be taken for something else."""
    plain = not isinstance(value, str) or (re.fullmatch(r"[\w.:/-]+", value) and value_of(value) == value)
    return str(value) if plain else repr(value)


@cache
def _resolved(name: str, digest: str) -> Callable[..., Strategy]:
    """One class per name and state of its file: that is run once in a process, not once a course."""
    method: Callable[..., Strategy] = resolve("method", name)
    return method
