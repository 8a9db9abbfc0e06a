"""Choices, and the algebra on them: ``width * 2`` and ``(kernel - 1) // 2`` are values like any other."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nasturtium.errors import SpaceError

_SYMBOLS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "/": operator.truediv,
    "%": operator.mod,
    "max": max,
    "min": min,
}


class Expression:
    """A value that depends on choices. Hashed by identity: one object used twice is one value."""

    __slots__ = ()

    def value(self, taken: Mapping[int, Any]) -> Any:
        """Returns the value, given the option taken by each choice, keyed by ``id(choice)``."""
        raise NotImplementedError

    def choices(self) -> Iterator[Choice]:
        """Yields the choices that it depends on, in order of appearance, repeats included."""
        raise NotImplementedError

    def __add__(self, other: Any) -> Combined:
        return Combined("+", self, other)

    def __radd__(self, other: Any) -> Combined:
        return Combined("+", other, self)

    def __sub__(self, other: Any) -> Combined:
        return Combined("-", self, other)

    def __rsub__(self, other: Any) -> Combined:
        return Combined("-", other, self)

    def __mul__(self, other: Any) -> Combined:
        return Combined("*", self, other)

    def __rmul__(self, other: Any) -> Combined:
        return Combined("*", other, self)

    def __floordiv__(self, other: Any) -> Combined:
        return Combined("//", self, other)

    def __truediv__(self, other: Any) -> Combined:
        return Combined("/", self, other)

    def __rfloordiv__(self, other: Any) -> Combined:
        return Combined("//", other, self)

    def __rtruediv__(self, other: Any) -> Combined:
        return Combined("/", other, self)

    def __mod__(self, other: Any) -> Combined:
        return Combined("%", self, other)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, int | float | str):
            raise self._misused("a comparison")
        return self is other

    __hash__ = object.__hash__

    def __lt__(self, other: Any) -> bool:
        raise self._misused("a comparison")

    __le__ = __gt__ = __ge__ = __lt__

    def __bool__(self) -> bool:
        raise self._misused("a Python `if`, `and` or `while`")

    def __index__(self) -> int:
        raise self._misused("`range`, an index or a Python loop")

    def __iter__(self) -> Iterator[Any]:
        raise self._misused("a Python loop, `in` or unpacking")

    def _misused(self, what: str) -> SpaceError:
        return SpaceError(
            f"{what} on {self!r} would be decided once, while the space is written; "
            "say choice(...), optional(...) or repeat(..., times=...) instead"
        )


class Choice(Expression):
    """One decision: which of its options to take. Made by `choice`."""

    __slots__ = ("labels", "name", "options")

    def __init__(self, options: tuple[Any, ...], name: str | None, labels: tuple[str, ...] | None) -> None:
        self.options = options
        self.name = name
        self.labels = labels

    def value(self, taken: Mapping[int, Any]) -> Any:
        """Returns the option taken."""
        return taken[id(self)]

    def choices(self) -> Iterator[Choice]:
        """Yields itself."""
        yield self

    def __repr__(self) -> str:
        inside = ", ".join(map(repr, self.options))
        return f"choice({inside}, name={self.name!r})" if self.name else f"choice({inside})"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Combined(Expression):
    """Two values joined by an arithmetic operator."""

    symbol: str
    left: Any
    right: Any

    def value(self, taken: Mapping[int, Any]) -> Any:
        """Returns the result for the options taken."""
        return _SYMBOLS[self.symbol](_value(self.left, taken), _value(self.right, taken))

    def choices(self) -> Iterator[Choice]:
        """Yields the choices on the left, then those on the right."""
        for side in (self.left, self.right):
            if isinstance(side, Expression):
                yield from side.choices()

    def __repr__(self) -> str:
        return f"({self.left!r} {self.symbol} {self.right!r})"


def choice(*options: Any, name: str | None = None, labels: tuple[str, ...] | None = None) -> Any:
    """Returns a decision between `options`: numbers, strings, blocks, or anything hashable.

    The object itself is the decision: used in two places, it is decided once. Copies made by `repeat` decide
    afresh, unless the choice has a name or is used outside the repeat as well.

    Args:
        options: At least one; all different.
        name: What to call it in texts and reports, and to share it between the copies of a `repeat`.
        labels: What to call the options, where their own text is too long.

    Raises:
        SpaceError: No options, equal options, or labels that do not match them.
    """
    if not options:
        raise SpaceError("choice() needs at least one option, for example choice(3, 5, 7)")
    if len(options) == 1 and isinstance(options[0], list | tuple | range | set | frozenset | dict | Iterator):
        raise SpaceError(f"choice() takes its options one by one: write choice(*{options[0]!r})")
    taken = tuple(option.item() if isinstance(option, np.generic) else option for option in options)
    for index, option in enumerate(taken):
        if type(option).__hash__ is None:
            raise SpaceError(
                f"the option {option!r} of a choice can be changed later ({type(option).__name__}); "
                "give a number, a string, a tuple or a block"
            )
        if any(_same(option, other) for other in taken[:index]):
            raise SpaceError(f"choice({', '.join(map(repr, taken))}) names the option {option!r} twice")
    _check_words(len(taken), name, labels)
    return Choice(taken, name, tuple(labels) if labels is not None else None)


def largest(left: Any, right: Any) -> Any:
    """Returns the larger of two values, either of which may be a choice."""
    return Combined("max", left, right) if _depends(left, right) else max(left, right)


def smallest(left: Any, right: Any) -> Any:
    """Returns the smaller of two values, either of which may be a choice."""
    return Combined("min", left, right) if _depends(left, right) else min(left, right)


def is_word(text: object) -> bool:
    """Whether a text can stand as a name or a label: not empty, no spaces, no ``=``."""
    return isinstance(text, str) and re.fullmatch(r"[^\s=]+", text) is not None


def _check_words(count: int, name: str | None, labels: tuple[str, ...] | None) -> None:
    if name is not None and not is_word(name):
        raise SpaceError(
            f"a choice cannot be called {name!r}: a name is a text without spaces and without '='"
        )
    if labels is None:
        return
    if len(labels) != count or len(set(labels)) != len(labels):
        raise SpaceError(f"{len(labels)} labels {labels} for {count} options; each option needs its own")
    for label in labels:
        if not is_word(label):
            raise SpaceError(
                f"an option cannot be called {label!r}: a label is a text without spaces and '='"
            )


def _same(left: Any, right: Any) -> bool:
    """Whether two options are one; 1 and 1.0 and True are not, nor are blocks that differ in a choice."""
    try:
        return left is right or (type(left) is type(right) and bool(left == right))
    except SpaceError:  # blocks with a number on the one side and a choice on the other
        return False


def _depends(*values: Any) -> bool:
    return any(isinstance(value, Expression) for value in values)


def _value(value: Any, taken: Mapping[int, Any]) -> Any:
    return value.value(taken) if isinstance(value, Expression) else value
