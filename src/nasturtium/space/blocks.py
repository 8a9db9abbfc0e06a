"""Blocks: frozen dataclasses that write themselves into a network. Any field may be a choice.

A block of your own is one dataclass. Either write its layers, and every part of the toolkit understands it:

    @dataclass(frozen=True)
    class Bottleneck(Block):
        out: int
        def wire(self, net, x):
            y = net.act(net.norm(net.conv(x, self.out // 4, 1)))
            return net.add(x, net.norm(net.conv(y, self.out, 1)))

or, for a torch module of your own, give ``build(self, shape) -> torch.nn.Module`` instead (see `CustomBlock`).
"""

import re
from dataclasses import dataclass, fields, replace
from typing import Any

from nasturtium.errors import ShapeError, SpaceError, UnknownOp
from nasturtium.space.choice import choice
from nasturtium.space.layers import Shape, Value, Wiring


@dataclass(frozen=True)
class Block:
    """A part of a network. Subclasses are frozen dataclasses; once their choices are taken, `wire` is called."""

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes the block's layers into `net` and returns their output."""
        raise NotImplementedError(f"{type(self).__name__} must define wire(net, x)")

    def canonical(self) -> object:
        """Returns what blocks of the same function share: the block itself unless it knows more, None if it does nothing."""
        return self

    @property
    def label(self) -> str:
        """What a reader calls it: its kind and the fields that differ from their defaults."""
        given = [(one.name, getattr(self, one.name)) for one in fields(self)]
        return " ".join(
            (self.kind(), *(f"{name}={value}" for name, value in given if not isinstance(value, Block)))
        )

    @classmethod
    def kind(cls) -> str:
        """Returns its name in texts: ``InvertedResidual`` is ``inverted_residual``."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


@dataclass(frozen=True)
class CustomBlock(Block):
    """A block around a user's own ``torch.nn.Module``: subclass it and give ``build(self, shape)``."""

    def build(self, shape: Shape) -> Any:
        """Returns a ``torch.nn.Module`` for inputs of [*shape]."""
        raise NotImplementedError(f"{type(self).__name__} must define build(shape) -> torch.nn.Module")

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes the module as one layer; its output shape is found by running it without data."""
        from nasturtium.space.custom import output_shape

        return net.custom(x, self, output_shape(self, x.shape))


@dataclass(frozen=True)
class Identity(Block):
    """Passes its input on."""

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes nothing."""
        return x


@dataclass(frozen=True)
class Sequence(Block):
    """Blocks one after another. `names` may give each its part of the path."""

    blocks: tuple[Block, ...]
    names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.names is not None and len(self.names) != len(self.blocks):
            raise SpaceError(f"{len(self.names)} names for {len(self.blocks)} blocks; give one each, or none")

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes every block, each under its name."""
        for name, block in zip(child_names(self), self.blocks, strict=True):
            with net.scope(name):
                x = block.wire(net, x)
        return x


@dataclass(frozen=True)
class Repeat(Block):
    """Copies of one block, one after another. Made by `repeat`."""

    block: Any
    times: Any
    stride: int | None = None


@dataclass(frozen=True)
class Conv(Block):
    """Convolution, batch normalisation and activation; each of the last two may be left out."""

    out: int
    kernel: int = 3
    stride: int = 1
    groups: int = 1
    act: str = "relu"
    norm: bool = True

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes conv, norm, act."""
        x = net.conv(x, self.out, self.kernel, stride=self.stride, groups=self.groups, bias=not self.norm)
        return net.act(net.norm(x) if self.norm else x, self.act)

    @property
    def label(self) -> str:
        """For example ``conv 3x3 -> 16, stride 2``."""
        return f"conv {self.kernel}x{self.kernel} -> {self.out}{_strided(self.stride)}"


@dataclass(frozen=True)
class Separable(Block):
    """Depthwise then pointwise convolution (Howard et al. 2017, arXiv:1704.04861), each with norm and activation."""

    out: int
    kernel: int = 3
    stride: int = 1
    act: str = "relu"

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes depthwise, then pointwise."""
        with net.scope("depthwise"):
            y = net.conv(x, x.channels, self.kernel, stride=self.stride, groups=x.channels)
            y = net.act(net.norm(y), self.act)
        with net.scope("pointwise"):
            return net.act(net.norm(net.conv(y, self.out)), self.act)

    @property
    def label(self) -> str:
        """For example ``separable 3x3 -> 16``."""
        return f"separable {self.kernel}x{self.kernel} -> {self.out}{_strided(self.stride)}"


@dataclass(frozen=True)
class Se(Block):
    """Squeeze and excite (Hu et al. 2018, arXiv:1709.01507): scales each channel by a gate computed from all of them.

    Attributes:
        ratio: Width of the inner layer as a share of the channels.
        inner: Width of the inner layer, where it is given as a number instead (0 takes the ratio).
        gate: Activation of the gate.
    """

    ratio: float = 0.25
    inner: int = 0
    gate: str = "sigmoid"

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes pool, two 1x1 convolutions with bias, and the product."""
        inner = self.inner or max(1, round(x.channels * self.ratio))
        y = net.global_pool(x)
        y = net.act(net.conv(y, inner, bias=True, name="reduce"))
        y = net.act(net.conv(y, x.channels, bias=True, name="expand"), self.gate, name="gate")
        return net.multiply(x, y)

    @property
    def label(self) -> str:
        """For example ``squeeze-excite 1/4``."""
        return f"squeeze-excite {self.ratio:g}"


@dataclass(frozen=True)
class InvertedResidual(Block):
    """Inverted residual: expand 1x1, depthwise, project 1x1 (Sandler et al. 2018, arXiv:1801.04381, fig. 3).

    Attributes:
        out: Channels of the output.
        kernel: Side of the depthwise kernel.
        expand: Width of the inside as a multiple of the input; 1 leaves the first convolution out.
        stride: Of the depthwise convolution.
        se: Squeeze-and-excite width as a share of the block's input channels (Tan et al. 2019); 0 for none.
        act: Activation of the two inner convolutions; the projection has none.
    """

    out: int
    kernel: int = 3
    expand: float = 6
    stride: int = 1
    se: float = 0
    act: str = "relu6"

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes the block; its input is added when shape and stride allow."""
        hidden = round(x.channels * self.expand)
        y = x
        if hidden != x.channels:
            with net.scope("expand"):
                y = net.act(net.norm(net.conv(y, hidden)), self.act)
        with net.scope("depthwise"):
            y = net.conv(y, hidden, self.kernel, stride=self.stride, groups=hidden)
            y = net.act(net.norm(y), self.act)
        if self.se:
            with net.scope("se"):
                y = Se(inner=max(1, round(x.channels * self.se))).wire(net, y)
        with net.scope("project"):
            y = net.norm(net.conv(y, self.out))
        return net.add(x, y) if y.shape == x.shape else y

    @property
    def label(self) -> str:
        """For example ``inverted residual 5x5 x6 -> 24, stride 2``."""
        gate = ", se" if self.se else ""
        return f"inverted residual {self.kernel}x{self.kernel} x{self.expand:g} -> {self.out}{gate}{_strided(self.stride)}"


@dataclass(frozen=True)
class BasicBlock(Block):
    """Two 3x3 convolutions around a shortcut (He et al. 2016, arXiv:1512.03385, fig. 5 left).

    Attributes:
        out: Channels of the output.
        stride: Of the first convolution; the shortcut is projected by 1x1 (option B) where shapes differ.
        kernel: Side of both kernels.
        inner: Channels between the two; 0 for `out`.
    """

    out: int
    stride: int = 1
    kernel: int = 3
    inner: int = 0

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes conv-norm-act, conv-norm, the shortcut, the sum and the last activation."""
        with net.scope("first"):
            y = net.act(net.norm(net.conv(x, self.inner or self.out, self.kernel, stride=self.stride)))
        with net.scope("second"):
            y = net.norm(net.conv(y, self.out, self.kernel))
        return net.act(net.add(_shortcut(net, x, y, self.stride), y))

    @property
    def label(self) -> str:
        """For example ``basic block 3x3 -> 32, stride 2``."""
        inner = f" ({self.inner})" if self.inner and self.inner != self.out else ""
        return f"basic block {self.kernel}x{self.kernel}{inner} -> {self.out}{_strided(self.stride)}"


@dataclass(frozen=True)
class Bottleneck(Block):
    """1x1, 3x3, 1x1 around a shortcut (He et al. 2016, fig. 5 right), with the stride on the 3x3 (torchvision's v1.5).

    Attributes:
        out: Channels of the output.
        stride: Of the 3x3 convolution.
        ratio: Width of the inside as a share of `out`.
        kernel: Side of the middle kernel.
    """

    out: int
    stride: int = 1
    ratio: float = 0.25
    kernel: int = 3

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes the three convolutions, the shortcut, the sum and the last activation."""
        inner = max(1, round(self.out * self.ratio))
        with net.scope("reduce"):
            y = net.act(net.norm(net.conv(x, inner)))
        with net.scope("spatial"):
            y = net.act(net.norm(net.conv(y, inner, self.kernel, stride=self.stride)))
        with net.scope("expand"):
            y = net.norm(net.conv(y, self.out))
        return net.act(net.add(_shortcut(net, x, y, self.stride), y))

    @property
    def label(self) -> str:
        """For example ``bottleneck 3x3 /4 -> 256``."""
        return f"bottleneck {self.kernel}x{self.kernel} x{self.ratio:g} -> {self.out}{_strided(self.stride)}"


@dataclass(frozen=True)
class MaxPool(Block):
    """Max pooling."""

    kernel: int = 3
    stride: int = 1

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes the pooling."""
        return net.pool(x, "max", self.kernel, stride=self.stride)


@dataclass(frozen=True)
class AvgPool(Block):
    """Average pooling; padding is left out of the mean."""

    kernel: int = 3
    stride: int = 1

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes the pooling."""
        return net.pool(x, "avg", self.kernel, stride=self.stride)


@dataclass(frozen=True)
class Classifier(Block):
    """The end of an image network: mean over the picture, dropout, one linear layer.

    Attributes:
        outputs: Number of classes; 0 takes the task's.
        dropout: Rate, 0 for none.
    """

    outputs: int = 0
    dropout: float = 0

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes pool, flatten, dropout, linear."""
        outputs = self.outputs or net.outputs
        if not outputs:
            raise ShapeError(
                "the classifier does not know the number of classes: say classifier(outputs=10), or bind a task"
            )
        y = net.flatten(net.global_pool(x))
        return net.linear(net.dropout(y, self.dropout), outputs)

    @property
    def label(self) -> str:
        """``classifier``."""
        return "classifier"


def repeat(block: Any, times: Any, *, stride: int | None = None) -> Repeat:
    """Returns `times` copies of a block, one after another; `times` may be a choice.

    Copies decide afresh: the kernel of the second copy is another decision than that of the first, unless the choice
    has a name or is used outside this repeat as well.

    Args:
        block: A block, a choice of blocks, or a sequence.
        times: How many; with a choice, later copies exist only where it is large enough.
        stride: Given to the first copy; the others get 1. None leaves the block's own stride in every copy.
    """
    return Repeat(block, times, stride)


def optional(block: Any, *, name: str | None = None) -> Any:
    """Returns the choice between a block and nothing."""
    return choice(block, Identity(), name=name)


def sequence(*blocks: Any, **named: Any) -> Sequence:
    """Returns blocks one after another; a keyword gives a block its name in paths."""
    names = (*child_names(Sequence(blocks)), *named) if named else None
    return Sequence((*blocks, *named.values()), names)


def child_names(parent: Sequence) -> tuple[str, ...]:
    """Returns the part of the path of each block of a sequence: ``stem``, ``stage1``, ``stage2``, ``conv2``..."""
    if parent.names is not None:
        return parent.names
    kinds = [_child_kind(block) for block in parent.blocks]
    seen: dict[str, int] = {}
    names = []
    for kind in kinds:
        seen[kind] = seen.get(kind, 0) + 1
        numbered = kinds.count(kind) > 1 or kind == "stage"
        names.append(f"{kind}{seen[kind]}" if numbered else kind)
    return tuple(names)


def first_stride(block: Any, stride: int) -> Any:
    """Returns the block with `stride`; of a sequence, its first block gets it.

    Raises:
        SpaceError: The block has no field called ``stride``, and the stride asked for is not 1.
    """
    if isinstance(block, Sequence):
        return replace(block, blocks=(first_stride(block.blocks[0], stride), *block.blocks[1:]))
    if isinstance(block, Block) and any(one.name == "stride" for one in fields(block)):
        strided: Block = replace(block, **{"stride": stride})  # a field of the subclass, as just seen
        return strided
    if stride == 1:
        return block
    kind = block.kind() if isinstance(block, Block) else repr(block)
    raise SpaceError(f"repeat(..., stride={stride}) needs a block with a field `stride`; {kind} has none")


def unknown_op(where: str, given: str, known: tuple[str, ...]) -> UnknownOp:
    """Returns the error for an operation that a block does not have."""
    return UnknownOp(f"{where}: no op {given!r}; this space has {', '.join(known)}")


def _child_kind(block: Any) -> str:
    if isinstance(block, Repeat):
        return "stage"
    return block.kind() if isinstance(block, Block) else "choice"


def _shortcut(net: Wiring, x: Value, y: Value, stride: int) -> Value:
    if x.shape == y.shape:
        return x
    with net.scope("shortcut"):
        return net.norm(net.conv(x, y.channels, 1, stride=stride))


def _strided(stride: int) -> str:
    return f", stride {stride}" if stride != 1 else ""


# The names that a space is written with: b.conv(...), b.inverted_residual(...).
avg_pool = AvgPool
basic_block = BasicBlock
bottleneck = Bottleneck
classifier = Classifier
conv = Conv
identity = Identity
inverted_residual = InvertedResidual
max_pool = MaxPool
se = Se
separable = Separable
