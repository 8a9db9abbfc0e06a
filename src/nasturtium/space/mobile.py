"""The blocks of mobile networks: inverted residuals, their gates, and the head of MobileNetV3."""

from dataclasses import dataclass
from typing import ClassVar

from nasturtium.errors import ShapeError, UnknownOp
from nasturtium.space.block import Block
from nasturtium.space.wiring import Value, Wiring

GATES = ("hardsigmoid", "sigmoid")
SHORTCUTS = ("same", "projected")


@dataclass(frozen=True)
class Se(Block):
    """Squeeze and excite (Hu et al. 2018, arXiv:1709.01507): scales channels by gates made from all of them.

    Attributes:
        ratio: Width of the inner layer as a share of the channels.
        inner: Width of the inner layer, where it is given as a number instead (0 takes the ratio).
        gate: Activation of the gate.
    """

    widths: ClassVar[tuple[str, ...]] = ("inner",)

    ratio: float = 0.25
    inner: int = 0
    gate: str = "sigmoid"

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes pool, two 1x1 convolutions with bias, and the product."""
        inner = self.inner or max(1, round(x.channels * self.ratio))
        return excited(net, x, inner, gate=self.gate)

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
        y = _expanded(net, x, round(x.channels * self.expand), self)
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
        return f"inverted residual {kernel} x{self.expand:g} -> {self.out}{gate}{strided(self.stride)}"


@dataclass(frozen=True)
class MbConv(Block):
    """Inverted residual as in MobileNetV3 (Howard et al. 2019, arXiv:1905.02244, fig. 4) and its descendants.

    Differs: from `InvertedResidual`, in the inner width (a multiple of 8), the gate and the shortcut.

    Attributes:
        out: Channels of the output.
        kernel: Side of the depthwise kernel.
        expand: Width of the inside as a multiple of the input; 1 leaves the first convolution out.
        stride: Of the depthwise convolution.
        se: Width of squeeze-and-excite as a share; 0 for none.
        act: Activation of the two inner convolutions; the projection has none.
        gate: ``hardsigmoid``: the share is of the inside, a multiple of 8, behind relu (MobileNetV3).
            ``sigmoid``: the share is of the block's input, behind `act` (EfficientNet).
        shortcut: ``same``: the input is added where shape and stride allow. ``projected``: always; it is
            pooled to the stride and projected by a 1x1 convolution where that is needed (AttentiveNAS).
    """

    out: int
    kernel: int = 3
    expand: float = 6
    stride: int = 1
    se: float = 0
    act: str = "hardswish"
    gate: str = "hardsigmoid"
    shortcut: str = "same"

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes the block.

        Raises:
            UnknownOp: No such gate or shortcut.
        """
        for name, given, known in (("gate", self.gate, GATES), ("shortcut", self.shortcut, SHORTCUTS)):
            if given not in known:
                raise UnknownOp(f"mb_conv: no {name} {given!r}; there are {' and '.join(known)}")
        hidden = x.channels if self.expand == 1 else divisible(x.channels * self.expand)
        y = _expanded(net, x, hidden, self)
        if self.se:
            with net.scope("se"):
                y = self._squeezed(net, x, y)
        with net.scope("project"):
            y = net.norm(net.conv(y, self.out))
        past = x if self.shortcut == "same" else self._projected(net, x)
        return net.add(past, y) if y.shape == past.shape else y

    def _squeezed(self, net: Wiring, x: Value, y: Value) -> Value:
        if self.gate == "hardsigmoid":
            return excited(net, y, divisible(y.channels * self.se), gate=self.gate)
        return excited(net, y, max(1, int(x.channels * self.se)), act=self.act, gate=self.gate)

    def _projected(self, net: Wiring, x: Value) -> Value:
        with net.scope("shortcut"):
            if self.stride > 1:
                # As many places as the strided convolution has, whether the sides are even or odd.
                odd = x.shape[1] % self.stride or x.shape[2] % self.stride
                x = net.pool(x, "avg", self.stride + bool(odd), stride=self.stride)
            return x if x.channels == self.out else net.norm(net.conv(x, self.out))

    @property
    def label(self) -> str:
        """For example ``mb conv 5x5 x6 -> 24, stride 2``."""
        gate = ", se" if self.se else ""
        return (
            f"mb conv {self.kernel}x{self.kernel} x{self.expand:g} -> {self.out}{gate}{strided(self.stride)}"
        )


@dataclass(frozen=True)
class MobileHead(Block):
    """The efficient last stage of MobileNetV3 (Howard et al. 2019, section 5.1, fig. 5): wide after the mean.

    Attributes:
        features: Units between the mean over the picture and the classes.
        expand: Width of the last convolution as a multiple of its input.
        act: Activation.
        bias: Whether the features have one (MobileNetV3's have, OFA's and AttentiveNAS' have not).
        dropout: Rate before the last layer, 0 for none.
        outputs: Number of classes; 0 takes the task's.
    """

    widths: ClassVar[tuple[str, ...]] = ("features",)

    features: int
    expand: float = 6
    act: str = "hardswish"
    bias: bool = False
    dropout: float = 0
    outputs: int = 0

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes conv, norm, act, mean, linear, act, dropout, linear."""
        outputs = self.outputs or net.outputs
        if not outputs:
            raise ShapeError(
                "the head does not know how many classes: say mobile_head(..., outputs=10), or bind a task"
            )
        with net.scope("expand"):
            x = net.act(net.norm(net.conv(x, divisible(x.channels * self.expand))), self.act)
        x = net.flatten(net.global_pool(x))
        x = net.act(net.linear(x, self.features, bias=self.bias, name="features"), self.act)
        return net.linear(net.dropout(x, self.dropout), outputs)

    @property
    def label(self) -> str:
        """For example ``head -> 1280``."""
        return f"head -> {self.features}"


def divisible(channels: float, by: int = 8) -> int:
    """Returns the nearest multiple, at least one of them and never below 90 % of `channels`.

    As MobileNets round their widths (Sandler et al. 2018, section 6.1, and the authors' released code).
    """
    rounded = max(by, int(channels + by / 2) // by * by)
    return rounded if rounded >= 0.9 * channels else rounded + by


def excited(net: Wiring, x: Value, inner: int, *, act: str = "relu", gate: str = "sigmoid") -> Value:
    """Writes squeeze-and-excite: mean, two 1x1 convolutions with bias, and the product."""
    y = net.act(net.conv(net.global_pool(x), inner, bias=True, name="reduce"), act)
    y = net.act(net.conv(y, x.channels, bias=True, name="expand"), gate, name="gate")
    return net.multiply(x, y)


def strided(stride: int) -> str:
    """Returns what a label says of a stride."""
    return f", stride {stride}" if stride != 1 else ""


def _expanded(net: Wiring, x: Value, hidden: int, block: InvertedResidual | MbConv) -> Value:
    """Writes the expansion, where there is one, and the depthwise convolution."""
    if hidden != x.channels:
        with net.scope("expand"):
            x = net.act(net.norm(net.conv(x, hidden)), block.act)
    with net.scope("depthwise"):
        x = net.conv(x, hidden, block.kernel, stride=block.stride, groups=hidden)
        return net.act(net.norm(x), block.act)
