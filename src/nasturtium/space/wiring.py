"""What blocks write themselves into: it takes down layers and infers every shape.

So nobody types a number of input channels.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from nasturtium.errors import ShapeError, UnknownOp
from nasturtium.space.layers import (
    ACTIVATIONS,
    INTERPOLATIONS,
    Activation,
    Add,
    Attention,
    BatchNorm,
    BlockSpan,
    Builds,
    Concat,
    Conv2d,
    Custom,
    Dropout,
    Embed,
    Flatten,
    GlobalPool,
    LastToken,
    Layer,
    LayerNorm,
    Linear,
    Mix,
    Multiply,
    Op,
    Pad,
    Places,
    Pool,
    Resize,
    Shape,
    Sides,
    Take,
    Term,
    TokenMean,
    Tokens,
    Words,
    Zero,
    both,
    window,
)


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
class Wiring:
    """Takes down the layers that blocks write, and infers their shapes.

    Attributes:
        outputs: Number of values that the whole network gives; a classifier reads it.
        layers: What has been written so far.
        blocks: The parts that have been written so far, as a reader is to see them.
    """

    outputs: int = 0
    layers: list[Layer] = field(default_factory=list)
    blocks: list[BlockSpan] = field(default_factory=list)
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
            with self.scope(str(one)):
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

    def conv(
        self,
        x: Value,
        outputs: int,
        kernel: Sides = 1,
        *,
        stride: Sides = 1,
        groups: int = 1,
        bias: bool = False,
        dilation: int = 1,
        padded: bool = True,
        name: str = "conv",
    ) -> Value:
        """Writes a convolution of [channels, height, width]; kernel and stride may be (height, width)."""
        channels, height, width = self._image(x, "a convolution")
        outputs = self._whole(name, "channels", outputs)
        groups = self._whole(name, "groups", groups)
        if channels % groups or outputs % groups:
            raise ShapeError(
                f"{self._at(name)}: {groups} groups must divide {channels} input, {outputs} output channels"
            )
        sides = self._window(name, (height, width), kernel, stride, dilation=dilation, padded=padded)
        op = Conv2d(channels, outputs, kernel, stride, groups, bias, dilation, padded)
        return self._write(name, op, (outputs, *sides), x)

    def norm(self, x: Value, *, name: str = "norm") -> Value:
        """Writes batch normalisation."""
        return self._write(name, BatchNorm(x.channels), x.shape, x)

    def act(self, x: Value, kind: str = "relu", *, name: str = "act") -> Value:
        """Writes an activation; ``none`` writes nothing."""
        if kind == "none":
            return x
        if kind not in ACTIVATIONS:
            raise UnknownOp(
                f"{self._at(name)}: no activation {kind!r}; there are {', '.join(ACTIVATIONS)} and none"
            )
        return self._write(name, Activation(kind), x.shape, x)

    def pool(self, x: Value, kind: str, kernel: int, *, stride: int = 1, name: str = "pool") -> Value:
        """Writes max or average pooling."""
        channels, height, width = self._image(x, "pooling")
        if kind not in ("max", "avg"):
            raise UnknownOp(f"{self._at(name)}: no pooling {kind!r}; there are max and avg")
        size = (channels, *self._window(name, (height, width), kernel, stride))
        return self._write(name, Pool(kind, kernel, stride), size, x)

    def global_pool(self, x: Value, *, name: str = "pool") -> Value:
        """Writes the mean over height and width: [channels, 1, 1]."""
        channels, _, _ = self._image(x, "global pooling")
        return self._write(name, GlobalPool(), (channels, 1, 1), x)

    def flatten(self, x: Value, *, name: str = "flatten") -> Value:
        """Writes a flattening to one dimension."""
        size = 1
        for side in x.shape:
            size *= side
        return self._write(name, Flatten(), (size,), x)

    def linear(self, x: Value, outputs: int, *, bias: bool = True, name: str = "linear") -> Value:
        """Writes a fully connected layer over [features], or over each row of [tokens, features]."""
        if len(x.shape) not in (1, 2):
            raise ShapeError(
                f"{self._at(name)}: a linear layer reads [features] or [tokens, features], "
                f"not {list(x.shape)}; flatten first"
            )
        outputs = self._whole(name, "features", outputs)
        *rows, inputs = x.shape
        return self._write(name, Linear(inputs, outputs, bias), (*rows, outputs), x)

    def tokens(self, x: Value, *, name: str = "tokens") -> Value:
        """Writes the places of [channels, height, width] as rows: [height * width, channels]."""
        channels, height, width = self._image(x, "cutting into tokens")
        return self._write(name, Tokens(), (height * width, channels), x)

    def token_mean(self, x: Value, *, name: str = "mean") -> Value:
        """Writes the mean over the rows of [tokens, features]."""
        return self._write(name, TokenMean(), (self._rows(x, "a mean over tokens")[1],), x)

    def layer_norm(self, x: Value, *, name: str = "norm") -> Value:
        """Writes layer normalisation of the rows of [tokens, features]."""
        return self._write(name, LayerNorm(self._rows(x, "layer normalisation")[1]), x.shape, x)

    def last_token(self, x: Value, *, name: str = "last") -> Value:
        """Writes the last row of [tokens, features]."""
        return self._write(name, LastToken(), (self._rows(x, "taking a token")[1],), x)

    def embed(self, x: Value, row: int, size: int, features: int) -> Value:
        """Writes row `row` of [rows, tokens] as features of its words, out of `size`, and of their places."""
        rows, tokens = self._rows(x, "an embedding")
        if not 0 <= row < rows:
            raise ShapeError(f"{self._at('words')}: no row {row} in {list(x.shape)}")
        words = self._write("numbers", Words(row, size), (tokens,), x)
        places = self._write("places", Places(), (tokens,), words)
        shape = (tokens, self._whole("words", "features", features))
        return self.add(
            self._write("words", Embed(size, shape[1]), shape, words),
            self._write("place", Embed(tokens, shape[1]), shape, places),
        )

    def attention(
        self,
        query: Value,
        key: Value,
        value: Value,
        heads: int,
        *,
        causal: bool = False,
        name: str = "mix",
    ) -> Value:
        """Writes softmax attention of [tokens, features] to [keys, features]; it has no weights itself."""
        tokens, features = self._rows(query, "attention")
        keys = self._rows(key, "attention")[0]
        heads = self._whole(name, "heads", heads)
        if features % heads or key.shape != value.shape or key.shape[1] != features:
            raise ShapeError(
                f"{self._at(name)}: queries {list(query.shape)}, keys {list(key.shape)} and values "
                f"{list(value.shape)} of {heads} heads do not fit"
            )
        return self._write(
            name, Attention(features, heads, keys, causal), (tokens, features), query, key, value
        )

    def dropout(self, x: Value, rate: float, *, name: str = "dropout") -> Value:
        """Writes dropout; a rate of 0 writes nothing."""
        return self._write(name, Dropout(rate), x.shape, x) if rate else x

    def add(self, *values: Value, name: str = "add") -> Value:
        """Writes the sum of values of one shape."""
        if any(value.shape != values[0].shape for value in values):
            shapes = ", ".join(str(list(value.shape)) for value in values)
            raise ShapeError(
                f"{self._at(name)}: values of shapes {shapes} cannot be added; project them to one shape"
            )
        return values[0] if len(values) == 1 else self._write(name, Add(), values[0].shape, *values)

    def multiply(self, x: Value, gate: Value, *, name: str = "scale") -> Value:
        """Writes x * gate, where gate is [channels, 1, 1] or x's shape."""
        if gate.shape not in (x.shape, (x.channels, 1, 1)):
            raise ShapeError(f"{self._at(name)}: a gate of {list(gate.shape)} does not fit {list(x.shape)}")
        return self._write(name, Multiply(), x.shape, x, gate)

    def concat(self, *values: Value, name: str = "concat") -> Value:
        """Writes values of one height and width side by side in channels."""
        if len({value.shape[1:] for value in values}) != 1:
            shapes = ", ".join(str(list(value.shape)) for value in values)
            raise ShapeError(f"{self._at(name)}: values of shapes {shapes} cannot stand side by side")
        shape = (sum(value.channels for value in values), *values[0].shape[1:])
        return values[0] if len(values) == 1 else self._write(name, Concat(), shape, *values)

    def zero(self, x: Value, *, name: str = "zero") -> Value:
        """Writes zeros of x's shape."""
        return self._write(name, Zero(), x.shape, x)

    def pad(
        self,
        x: Value,
        *,
        rows: tuple[int, int] = (0, 0),
        columns: tuple[int, int] = (0, 0),
        channels: int = 0,
        name: str = "pad",
    ) -> Value:
        """Writes zeros at the edges of [channels, height, width]; a negative number takes so many away."""
        shape = tuple(
            side + sum(more)
            for side, more in zip(self._image(x, "padding"), ((channels,), rows, columns), strict=True)
        )
        if min(shape) < 1:
            raise ShapeError(
                f"{self._at(name)}: nothing is left of {list(x.shape)} without what is taken away"
            )
        return self._write(name, Pad(rows, columns, channels), shape, x)

    def take(self, x: Value, first: int, step: int, *, name: str = "take") -> Value:
        """Writes every `step`-th channel of [channels, height, width] from channel `first` on."""
        channels, *sides = self._image(x, "taking channels")
        if step < 1 or not 0 <= first < channels:
            raise ShapeError(
                f"{self._at(name)}: no channels from {first} on in steps of {step}; there are {channels}"
            )
        return self._write(name, Take(first, step), (len(range(first, channels, step)), *sides), x)

    def resize(
        self, x: Value, sides: tuple[int, int], kind: str = "bilinear", *, name: str = "resize"
    ) -> Value:
        """Writes an interpolation to (height, width) sides; nothing where the image has them already."""
        channels, *given = self._image(x, "an interpolation")
        if kind not in INTERPOLATIONS:
            known = " and ".join(INTERPOLATIONS)
            raise UnknownOp(f"{self._at(name)}: no interpolation {kind!r}; there are {known}")
        height, width = (
            self._whole(name, what, side) for what, side in zip(("rows", "columns"), sides, strict=True)
        )
        if [height, width] == given:
            return x
        return self._write(name, Resize(height, width, kind), (channels, height, width), x)

    def custom(self, x: Value, block: Builds, shape: Shape, *, name: str = "module") -> Value:
        """Writes a user's own module, whose output has `shape`."""
        return self._write(name, Custom(block, x.shape), shape, x)

    def _write(self, name: str, op: Op, shape: Shape, *inputs: Value) -> Value:
        full, key = _unique(self._prefix + name, self._names), _unique(self._key + name, self._keys)
        self.layers.append(Layer(full, op, tuple([value.layer for value in inputs]), shape, key))
        return Value(len(self.layers) - 1, shape)

    def _at(self, name: str) -> str:
        return self._prefix + name

    def _image(self, x: Value, what: str) -> tuple[int, int, int]:
        if len(x.shape) != 3:
            place = self._prefix.rstrip(".") or "the network"
            raise ShapeError(f"{place}: {what} reads [channels, height, width], not {list(x.shape)}")
        channels, height, width = x.shape
        return channels, height, width

    def _rows(self, x: Value, what: str) -> tuple[int, int]:
        if len(x.shape) != 2:
            place = self._prefix.rstrip(".") or "the network"
            raise ShapeError(f"{place}: {what} reads [tokens, features], not {list(x.shape)}")
        tokens, features = x.shape
        return tokens, features

    def _whole(self, name: str, what: str, number: float) -> int:
        if type(number) is int and number >= 1:
            return number
        if not isinstance(number, int | float) or number < 1 or number != int(number):
            raise ShapeError(f"{self._at(name)}: {number!r} {what}; it must be a whole number, at least 1")
        return int(number)

    def _window(
        self,
        name: str,
        sides: tuple[int, int],
        kernel: Sides,
        stride: Sides,
        *,
        dilation: int = 1,
        padded: bool = True,
    ) -> tuple[int, int]:
        """Output sides of a window of `kernel`, padded by half of it or not at all, moved by `stride`."""
        given = both(kernel), both(stride), dilation
        if not all(isinstance(one, int) and one >= 1 for one in (*given[0], *given[1], dilation)):
            raise ShapeError(
                f"{self._at(name)}: kernel {kernel!r} and stride {stride!r} must be whole numbers, at least 1"
            )
        size = window(sides, *given, padded=padded)
        if min(size) < 1:
            shown, whole = ("x".join(map(str, two)) for two in (both(kernel), sides))
            raise ShapeError(
                f"{self._at(name)}: a window of {shown} does not fit {whole}; "
                "there are too many strides before it for so small an image"
            )
        return size


class _Scope:
    __slots__ = ("key", "name", "outer", "outer_key", "wiring")

    def __init__(self, wiring: Wiring, name: str, key: str, outer: str, outer_key: str) -> None:
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
