"""The blocks of image networks, and the words that a space is written with: ``b.conv(choice(16, 32))``."""

from dataclasses import dataclass

from nasturtium.errors import ShapeError
from nasturtium.space.block import Block, CustomBlock, Identity, Repeat, Sequence, optional, repeat, sequence
from nasturtium.space.dense import Dense
from nasturtium.space.settings import Settings, settings
from nasturtium.space.wiring import Value, Wiring

__all__ = [
    "AvgPool",
    "BasicBlock",
    "Block",
    "Bottleneck",
    "Classifier",
    "Conv",
    "CustomBlock",
    "Dense",
    "Identity",
    "InvertedResidual",
    "MaxPool",
    "Repeat",
    "Se",
    "Separable",
    "Sequence",
    "Settings",
    "avg_pool",
    "basic_block",
    "bottleneck",
    "classifier",
    "conv",
    "dense",
    "identity",
    "inverted_residual",
    "max_pool",
    "optional",
    "repeat",
    "se",
    "separable",
    "sequence",
    "settings",
]


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
    """Depthwise and pointwise convolution, each with norm, act (Howard et al. 2017, arXiv:1704.04861)."""

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
    """Squeeze and excite (Hu et al. 2018, arXiv:1709.01507): scales channels by gates made from all of them.

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
        kernel = f"{self.kernel}x{self.kernel}"
        return f"inverted residual {kernel} x{self.expand:g} -> {self.out}{gate}{_strided(self.stride)}"


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
    """1x1, 3x3, 1x1 around a shortcut (He et al. 2016, fig. 5 right), stride on the 3x3 as in torchvision.

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
                "the classifier does not know how many classes: say classifier(outputs=10), or bind a task"
            )
        y = net.flatten(net.global_pool(x))
        return net.linear(net.dropout(y, self.dropout), outputs)

    @property
    def label(self) -> str:
        """``classifier``."""
        return "classifier"


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
dense = Dense
identity = Identity
inverted_residual = InvertedResidual
max_pool = MaxPool
se = Se
separable = Separable
