"""Where layers are taken down: under which names, under which keys of weights, and which of them mix."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from nasturtium.errors import ShapeError
from nasturtium.space.layers import BlockSpan, Layer, Mix, Op, Shape, Term


@dataclass(frozen=True, slots=True)
class Blend:
    """Stands in a field of a block that can mix, where several options are to run.

    Attributes:
        parts: The options, each with its term: the (decision, option) pairs that have to hold for it.
    """

    parts: tuple[tuple[Term, Any], ...]


class Value(NamedTuple):
    """The output of a layer, as blocks hand it on: which layer, and its shape without the batch."""

    layer: int
    shape: Shape

    @property
    def channels(self) -> int:
        """First dimension of the shape."""
        return self.shape[0]


@dataclass(slots=True)
class Ledger:
    """Takes down layers under names, weights under keys, and mixtures of them.

    Attributes:
        outputs: Number of values that the whole network gives; a classifier reads it.
        layers: What has been written so far.
        blocks: The parts that have been written so far, as a reader is to see them.
        conditions: Beside each layer, when it is there; see `when`. All of them have to hold.
    """

    outputs: int = 0
    layers: list[Layer] = field(default_factory=list)
    blocks: list[BlockSpan] = field(default_factory=list)
    conditions: list[tuple[tuple[Term, ...], ...]] = field(default_factory=list)
    _when: tuple[tuple[Term, ...], ...] = ()
    _prefix: str = ""
    _key: str = ""
    _names: set[str] = field(default_factory=set)
    _keys: set[str] = field(default_factory=set)

    def scope(self, name: str, key: str | None = None) -> "_Scope":
        """Puts `name.` before the names of the layers written inside a ``with`` block.

        Args:
            name: The same for all options of a decision, so that a network's names do not tell of options not
                taken; empty adds nothing.
            key: What stands before their keys, `name` unless given: options that are to have weights of their
                own differ here.
        """
        return _Scope(self, name, name if key is None else key, self._prefix, self._key)

    def mixed(self, option: Any, write: Callable[[Any], Value | None], *, name: str = "mix") -> Value | None:
        """Writes what a block does by an option: once, or for each option of a `Blend` and their mixture.

        Args:
            option: The option taken, or a blend of several.
            write: Writes one option; its layers have weights of their own. None is nothing at all, like an
                edge that is not there.
            name: Of the mixture.

        Raises:
            ShapeError: The options give values of different shapes.
        """
        if not isinstance(option, Blend):
            with self.scope("", str(option)):
                return write(option)
        written = []
        for term, one in option.parts:
            with self.scope(str(one)), self.when(term):
                written.append((term, write(one)))
        return self.mix([(term, value) for term, value in written if value is not None], name=name)

    def mix(self, values: Sequence[tuple[Term, Value]], *, name: str = "mix") -> Value | None:
        """Writes the sum of values, each times the weights of its term; None where there are none."""
        if not values:
            return None
        if any(value.shape != values[0][1].shape for _, value in values):
            shapes = ", ".join(dict.fromkeys(str(list(value.shape)) for _, value in values))
            raise ShapeError(
                f"{self._at(name)}: options that give {shapes} cannot be mixed; a mixture needs options "
                "of one shape (search this space by single paths)"
            )
        if len(values) == 1 and not values[0][0]:
            return values[0][1]
        op = Mix(tuple(term for term, _ in values))
        return self._write(name, op, values[0][1].shape, *(value for _, value in values))

    @contextmanager
    def when(self, *terms: Term) -> Iterator[None]:
        """Says that what is written inside is there where one of the terms holds; no two do at once."""
        outer, self._when = self._when, (*self._when, terms)
        yield
        self._when = outer

    @contextmanager
    def variant(self) -> Iterator[None]:
        """Frees the keys of what is written inside afterwards: the same block may be written another way."""
        known = set(self._keys)
        yield
        self._keys = known

    @contextmanager
    def part(self, name: str, label: str) -> Iterator[None]:
        """A scope that is shown as a block of its own, for a block that holds many: a tower of cells."""
        first = len(self.layers)
        with self.scope(name):
            path = self._prefix.rstrip(".")
            yield
        if len(self.layers) > first:
            self.blocks.append(BlockSpan(path, label, first, len(self.layers) - 1))

    def _write(self, name: str, op: Op, shape: Shape, *inputs: Value) -> Value:
        full, key = _unique(self._prefix + name, self._names), _unique(self._key + name, self._keys)
        self.layers.append(Layer(full, op, tuple([value.layer for value in inputs]), shape, key))
        self.conditions.append(self._when)
        return Value(len(self.layers) - 1, shape)

    def _at(self, name: str) -> str:
        return self._prefix + name


class _Scope:
    __slots__ = ("key", "name", "outer", "outer_key", "wiring")

    def __init__(self, wiring: Ledger, name: str, key: str, outer: str, outer_key: str) -> None:
        self.wiring, self.name, self.key, self.outer, self.outer_key = wiring, name, key, outer, outer_key

    def __enter__(self) -> None:
        self.wiring._prefix = f"{self.outer}{self.name}." if self.name else self.outer
        self.wiring._key = f"{self.outer_key}{self.key}." if self.key else self.outer_key

    def __exit__(self, *_: object) -> None:
        self.wiring._prefix, self.wiring._key = self.outer, self.outer_key


def _unique(name: str, taken: set[str]) -> str:
    if name in taken:
        number = 2
        while f"{name}{number}" in taken:
            number += 1
        name = f"{name}{number}"
    taken.add(name)
    return name
