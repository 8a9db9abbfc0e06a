"""What blocks write themselves into: it infers every shape, so nobody types a number of input channels."""

from dataclasses import dataclass

from nasturtium.errors import ShapeError, UnknownOp
from nasturtium.space.layers import (
    ACTIVATIONS,
    INTERPOLATIONS,
    Activation,
    Add,
    Attention,
    BatchNorm,
    Builds,
    Concat,
    Conv2d,
    Custom,
    Dropout,
    Embed,
    Flatten,
    GlobalPool,
    LastToken,
    LayerNorm,
    Linear,
    Multiply,
    Pad,
    Places,
    Pool,
    Resize,
    Shape,
    Sides,
    Take,
    TokenMean,
    Tokens,
    Transposed,
    Words,
    Zero,
    both,
    window,
)
from nasturtium.space.ledger import Blend, Ledger, Value

__all__ = ["Blend", "Value", "Wiring"]


@dataclass(slots=True)
class Wiring(Ledger):
    """Takes down the layers that blocks write, and infers their shapes; its attributes are a `Ledger`'s."""

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

    def transposed(self, x: Value, *, name: str = "transposed") -> Value:
        """Writes [tokens, features] as [features, tokens], which is how losses take scores of every token."""
        tokens, features = self._rows(x, "transposing")
        return self._write(name, Transposed(), (features, tokens), x)

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
        height, width = self._whole(name, "rows", sides[0]), self._whole(name, "columns", sides[1])
        if [height, width] == given:
            return x
        return self._write(name, Resize(height, width, kind), (channels, height, width), x)

    def custom(self, x: Value, block: Builds, shape: Shape, *, name: str = "module") -> Value:
        """Writes a user's own module, whose output has `shape`."""
        return self._write(name, Custom(block, x.shape), shape, x)

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
