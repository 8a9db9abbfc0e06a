"""The blocks of vision transformers: a picture as rows of features, and layers over these."""

from dataclasses import dataclass
from typing import ClassVar

from nasturtium.errors import ShapeError
from nasturtium.space.block import Block
from nasturtium.space.wiring import Value, Wiring


@dataclass(frozen=True)
class Patches(Block):
    """Cuts a picture into squares, a token for each (Dosovitskiy et al. 2021, arXiv:2010.11929, eq. 1).

    Where a patch was is said by a depthwise convolution that is added, which knows the edges and takes any
    resolution (Chu et al. 2021, arXiv:2102.10882, section 3.3), in place of one learned row for each place.

    Attributes:
        out: Features of a token.
        size: Side of a patch.
        kernel: Side of the convolution that tells places.
    """

    out: int
    size: int = 16
    kernel: int = 3

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes the convolution that cuts, the one that tells places, and the rows."""
        x = net.conv(x, self.out, self.size, stride=self.size, bias=True, padded=False, name="cut")
        place = net.conv(x, self.out, self.kernel, groups=self.out, bias=True, name="place")
        return net.tokens(net.add(x, place))

    @property
    def label(self) -> str:
        """For example ``patches 16x16 -> 192``."""
        return f"patches {self.size}x{self.size} -> {self.out}"


@dataclass(frozen=True)
class Transformer(Block):
    """Attention, then two linear layers, each behind a norm and beside a shortcut.

    Dosovitskiy et al. 2021 (arXiv:2010.11929), eq. 2 and 3.

    Attributes:
        heads: Number of them.
        head: Features of each, so that more heads are more features (Chen et al. 2021, arXiv:2107.00651,
            section 3.3).
        ratio: Width between the two linear layers as a multiple of the features.
        act: Activation between them.
        dropout: Rate behind attention and behind the linear layers, 0 for none.
    """

    heads: int = 3
    head: int = 64
    ratio: float = 4
    act: str = "gelu"
    dropout: float = 0

    widths: ClassVar[tuple[str, ...]] = ()

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes the block."""
        with net.scope("attention"):
            x = attended(net, x, self.heads * self.head, self.heads, dropout=self.dropout)
        with net.scope("mlp"):
            return widened(net, x, round(x.shape[-1] * self.ratio), act=self.act, dropout=self.dropout)

    @property
    def label(self) -> str:
        """For example ``transformer, 3 heads, x4``."""
        return f"transformer, {self.heads} heads, x{self.ratio:g}"


@dataclass(frozen=True)
class TokenClassifier(Block):
    """The end of a vision transformer: norm, mean over the tokens, dropout, one linear layer.

    Attributes:
        outputs: Number of classes; 0 takes the task's.
        dropout: Rate, 0 for none.
    """

    outputs: int = 0
    dropout: float = 0

    widths: ClassVar[tuple[str, ...]] = ()

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes norm, mean, dropout, linear."""
        outputs = self.outputs or net.outputs
        if not outputs:
            raise ShapeError(
                "the classifier does not know how many classes: say token_classifier(10), or bind a task"
            )
        x = net.token_mean(net.layer_norm(x))
        return net.linear(net.dropout(x, self.dropout), outputs)

    @property
    def label(self) -> str:
        """``classifier``."""
        return "classifier"


def attended(
    net: Wiring,
    x: Value,
    inner: int,
    heads: int,
    *,
    memory: Value | None = None,
    causal: bool = False,
    dropout: float = 0,
) -> Value:
    """Writes a norm, attention, its projection and the shortcut.

    Args:
        net: Takes down the layers.
        x: [tokens, features].
        inner: Features of all heads.
        heads: Number of them.
        memory: What is attended to, [keys, any features]; None for x itself.
        causal: Whether a token sees no later ones.
        dropout: Rate of the projection.
    """
    y = net.layer_norm(x)
    memory = memory or y
    query = net.linear(y, inner, name="query")
    key, value = (net.linear(memory, inner, name=name) for name in ("key", "value"))
    y = net.linear(net.attention(query, key, value, heads, causal=causal), x.shape[-1], name="project")
    return net.add(x, net.dropout(y, dropout))


def widened(net: Wiring, x: Value, inner: int, *, act: str = "gelu", dropout: float = 0) -> Value:
    """Writes a norm, two linear layers with `inner` features between them, and the shortcut."""
    y = net.linear(net.layer_norm(x), inner, name="expand")
    y = net.linear(net.act(y, act), x.shape[-1], name="project")
    return net.add(x, net.dropout(y, dropout))
