"""The blocks of networks, and the words that a space is written with: ``b.conv(choice(16, 32))``."""

from dataclasses import dataclass
from typing import ClassVar

from nasturtium.errors import ShapeError
from nasturtium.space.block import Block, CustomBlock, Identity, Repeat, Sequence, optional, repeat, sequence
from nasturtium.space.dense import Dense
from nasturtium.space.language import CausalTransformer, Embedding, NextToken
from nasturtium.space.mobile import InvertedResidual, MbConv, MobileHead, Se, strided
from nasturtium.space.settings import Settings, settings
from nasturtium.space.transformer import Patches, TokenClassifier, Transformer
from nasturtium.space.wiring import Value, Wiring

__all__ = [
    "AvgPool",
    "BasicBlock",
    "Block",
    "Bottleneck",
    "CausalTransformer",
    "Classifier",
    "Conv",
    "CustomBlock",
    "Dense",
    "Embedding",
    "Identity",
    "InvertedResidual",
    "MaxPool",
    "MbConv",
    "MobileHead",
    "NextToken",
    "Patches",
    "Repeat",
    "Resize",
    "Se",
    "Separable",
    "Sequence",
    "Settings",
    "TokenClassifier",
    "Transformer",
    "avg_pool",
    "basic_block",
    "bottleneck",
    "causal_transformer",
    "classifier",
    "conv",
    "dense",
    "embedding",
    "identity",
    "inverted_residual",
    "max_pool",
    "mb_conv",
    "mobile_head",
    "next_token",
    "optional",
    "patches",
    "repeat",
    "resize",
    "se",
    "separable",
    "sequence",
    "settings",
    "token_classifier",
    "transformer",
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
        return f"conv {self.kernel}x{self.kernel} -> {self.out}{strided(self.stride)}"


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
        return f"separable {self.kernel}x{self.kernel} -> {self.out}{strided(self.stride)}"


@dataclass(frozen=True)
class BasicBlock(Block):
    """Two 3x3 convolutions around a shortcut (He et al. 2016, arXiv:1512.03385, fig. 5 left).

    Attributes:
        out: Channels of the output.
        stride: Of the first convolution; the shortcut is projected by 1x1 (option B) where shapes differ.
        kernel: Side of both kernels.
        inner: Channels between the two; 0 for `out`.
    """

    widths: ClassVar[tuple[str, ...]] = ("out", "inner")

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
        return f"basic block {self.kernel}x{self.kernel}{inner} -> {self.out}{strided(self.stride)}"


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
        return f"bottleneck {self.kernel}x{self.kernel} x{self.ratio:g} -> {self.out}{strided(self.stride)}"


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
class Resize(Block):
    """Scales the picture: a choice of sides in a first block makes the resolution a decision.

    Attributes:
        side: Of the shorter side of the output; the other keeps the proportions.
        interpolation: ``bilinear`` or ``bicubic``, both without antialiasing.
    """

    side: int
    interpolation: str = "bilinear"

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes an interpolation, nothing where the picture has that side already."""
        if len(x.shape) != 3:
            raise ShapeError(f"resize reads [channels, height, width], not {list(x.shape)}")
        height, width = x.shape[1:]
        scale = self.side / min(height, width)
        return net.resize(x, (round(height * scale), round(width * scale)), self.interpolation)

    @property
    def label(self) -> str:
        """For example ``resize to 24``."""
        return f"resize to {self.side}"


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


# The names that a space is written with: b.conv(...), b.inverted_residual(...).
avg_pool = AvgPool
basic_block = BasicBlock
bottleneck = Bottleneck
causal_transformer = CausalTransformer
classifier = Classifier
conv = Conv
dense = Dense
embedding = Embedding
identity = Identity
inverted_residual = InvertedResidual
max_pool = MaxPool
mb_conv = MbConv
mobile_head = MobileHead
next_token = NextToken
patches = Patches
resize = Resize
se = Se
separable = Separable
token_classifier = TokenClassifier
transformer = Transformer
