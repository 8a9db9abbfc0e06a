"""A network as a flat list of layers: the one form that counting, building, drawing and exporting read."""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from nasturtium.space.rows import (
    Attention,
    Embed,
    LastToken,
    LayerNorm,
    Places,
    TokenMean,
    Tokens,
    Transposed,
    Words,
)
from nasturtium.space.window import Sides, both, window

__all__ = [
    "ACTIVATIONS", "INTERPOLATIONS", "Activation", "Add", "Attention", "BatchNorm", "BlockSpan",
    "Builds", "Concat", "Conv2d", "Custom", "Dropout", "Embed", "Flatten", "GlobalPool", "LastToken",
    "Layer", "LayerNorm", "Linear", "Mix", "Multiply", "Network", "Op", "Pad", "Places", "Pool",
    "Resize", "Shape", "Sides", "Take", "Term", "TokenMean", "Tokens", "Transposed", "Words", "Zero",
    "both", "window",
]  # fmt: skip

Shape: TypeAlias = tuple[int, ...]
Term: TypeAlias = tuple[tuple[int, int], ...]  # (decision, option) pairs, in order of the decisions
ACTIVATIONS: tuple[str, ...] = (
    *("relu", "relu6", "hardswish", "hardsigmoid", "sigmoid", "silu", "gelu"),
    *("tanh", "elu", "leaky_relu"),
)
INTERPOLATIONS = ("bilinear", "bicubic")


@dataclass(frozen=True, slots=True)
class Conv2d:
    """Convolution, padded so that a stride of 1 keeps the sides; or not at all, as a cut into patches."""

    inputs: int
    outputs: int
    kernel: Sides = 3
    stride: Sides = 1
    groups: int = 1
    bias: bool = False
    dilation: int = 1
    padded: bool = True

    @property
    def padding(self) -> Sides:
        """Zeros above and below, and left and right."""
        if not self.padded:
            return 0
        height, width = (self.dilation * (side - 1) // 2 for side in both(self.kernel))
        return height if height == width else (height, width)


@dataclass(frozen=True, slots=True)
class BatchNorm:
    """Batch normalisation over channels, with scale and shift."""

    features: int


@dataclass(frozen=True, slots=True)
class Activation:
    """An elementwise nonlinearity."""

    kind: str


@dataclass(frozen=True, slots=True)
class Pool:
    """Max or average pooling, padded like a convolution; the average leaves padding out."""

    kind: str
    kernel: int
    stride: int

    @property
    def padding(self) -> int:
        """Cells on every side."""
        return (self.kernel - 1) // 2


@dataclass(frozen=True, slots=True)
class GlobalPool:
    """Mean over height and width, kept as [channels, 1, 1]."""


@dataclass(frozen=True, slots=True)
class Flatten:
    """[channels, height, width] to [channels * height * width]."""


@dataclass(frozen=True, slots=True)
class Linear:
    """A fully connected layer, of [features] or of each row of [tokens, features]."""

    inputs: int
    outputs: int
    bias: bool = True


@dataclass(frozen=True, slots=True)
class Dropout:
    """Zeroes a share of the values while training."""

    rate: float


@dataclass(frozen=True, slots=True)
class Add:
    """Sum of its inputs."""


@dataclass(frozen=True, slots=True)
class Multiply:
    """Product of two inputs; a [channels, 1, 1] one is broadcast."""


@dataclass(frozen=True, slots=True)
class Concat:
    """Its inputs side by side in channels."""


@dataclass(frozen=True, slots=True)
class Zero:
    """Zeros of its input's shape, through which nothing flows."""


@dataclass(frozen=True, slots=True)
class Pad:
    """Zeros added at the edges; a negative number takes so many away.

    Attributes:
        rows: Above and below.
        columns: Left and right.
        channels: Behind the last channel.
    """

    rows: tuple[int, int] = (0, 0)
    columns: tuple[int, int] = (0, 0)
    channels: int = 0


@dataclass(frozen=True, slots=True)
class Take:
    """Every `step`-th channel from `first` on: of a step of 2, the even ones or the odd ones."""

    first: int
    step: int


@dataclass(frozen=True, slots=True)
class Resize:
    """An image scaled to other sides, by interpolation between the centres of its pixels.

    Attributes:
        height: Of the output.
        width: Of the output.
        kind: ``bilinear`` or ``bicubic``.
    """

    height: int
    width: int
    kind: str


@dataclass(frozen=True, slots=True)
class Mix:
    """Weighted sum of its inputs: a supernet's layer, where several options of a decision run.

    Attributes:
        terms: Per input, the (decision, option) pairs whose weights are multiplied to its own.
    """

    terms: tuple[Term, ...]


class Builds(Protocol):
    """A user's own block: one dataclass that builds a module."""

    def build(self, shape: Shape) -> object:
        """Returns a ``torch.nn.Module`` for inputs of [*shape]."""
        ...


@dataclass(frozen=True, slots=True)
class Custom:
    """A user's own block, opaque to every interpreter but `build`."""

    block: Builds
    input_shape: Shape


Op: TypeAlias = (
    Conv2d
    | BatchNorm
    | Activation
    | Pool
    | GlobalPool
    | Flatten
    | Linear
    | Dropout
    | Add
    | Multiply
    | Concat
    | Zero
    | Pad
    | Take
    | Resize
    | Tokens
    | TokenMean
    | LayerNorm
    | Attention
    | Words
    | Places
    | Embed
    | LastToken
    | Transposed
    | Mix
    | Custom
)


@dataclass(frozen=True, slots=True)
class Layer:
    """One operation of a network.

    Attributes:
        name: Dotted path, for example ``stage1.block2.expand.conv``.
        op: What it does.
        inputs: Indices of the layers that it reads; -1 is the network's input.
        shape: Output shape, without the batch.
        key: Name of its weights: layers of two architectures that have the same key share them in a supernet.
    """

    name: str
    op: Op
    inputs: tuple[int, ...]
    shape: Shape
    key: str = ""


@dataclass(frozen=True, slots=True)
class BlockSpan:
    """Which layers one block of the space became.

    Attributes:
        path: Dotted path of the block, for example ``stage1.block2``.
        label: What a reader calls it, for example ``inverted residual 5x5 x6 -> 24``.
        first: Index of its first layer.
        last: Index of its last layer, itself included.
    """

    path: str
    label: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Network:
    """One architecture with all shapes known.

    Attributes:
        input_shape: Shape of one input, without the batch.
        layers: In an order in which they can run; the last one is the output.
        blocks: The blocks of the space that they came from, in order.
    """

    input_shape: Shape
    layers: tuple[Layer, ...]
    blocks: tuple[BlockSpan, ...] = ()
