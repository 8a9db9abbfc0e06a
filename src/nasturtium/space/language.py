"""The blocks of language models: a text as rows of features, layers that see the past, the next token."""

from dataclasses import dataclass
from typing import ClassVar

from nasturtium.errors import ShapeError
from nasturtium.space.block import Block
from nasturtium.space.transformer import attended, widened
from nasturtium.space.wiring import Value, Wiring


@dataclass(frozen=True)
class Embedding(Block):
    """A text, [1, tokens], as rows: of each token's number and of its place, both looked up and added.

    Attributes:
        out: Features of a token.
    """

    out: int

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes the two tables and their sum."""
        if len(x.shape) != 2 or x.shape[0] != 1 or not net.outputs:
            raise ShapeError(
                f"an embedding reads a text, [1, tokens], of as many different tokens as there are outputs, "
                f"not {list(x.shape)} with {net.outputs} outputs; take a task such as text:FILE"
            )
        return net.embed(x, 0, net.outputs, self.out)

    @property
    def label(self) -> str:
        """For example ``embedding -> 64``."""
        return f"embedding -> {self.out}"


@dataclass(frozen=True)
class CausalTransformer(Block):
    """Attention of a text to its own past, then two linear layers, each behind a norm, beside a shortcut.

    The decoder layer of Vaswani et al. 2017 (arXiv:1706.03762) for a text alone, without a source to attend
    to, its norms before and not after.

    Attributes:
        heads: Number of them; they share `attention` features.
        inner: Features between the linear layers.
        attention: Features of all heads.
        dropout: Rate behind attention and behind the linear layers, 0 for none.
    """

    heads: int
    inner: int
    attention: int
    dropout: float = 0

    widths: ClassVar[tuple[str, ...]] = ("inner",)

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes the block."""
        with net.scope("attention"):
            x = attended(net, x, self.attention, self.heads, causal=True, dropout=self.dropout)
        with net.scope("mlp"):
            return widened(net, x, self.inner, act="relu", dropout=self.dropout)

    @property
    def label(self) -> str:
        """For example ``causal transformer, 4 heads, 128``."""
        return f"causal transformer, {self.heads} heads, {self.inner}"


@dataclass(frozen=True)
class NextToken(Block):
    """The end of a language model: for each token of the text, scores of the one that follows it.

    Its output is [vocabulary, tokens], as a cross-entropy over every token wants it.
    """

    widths: ClassVar[tuple[str, ...]] = ()

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes norm, linear layer, and rows as columns."""
        if not net.outputs:
            raise ShapeError(
                "the end of a language model does not know how many tokens there are; bind a task"
            )
        return net.transposed(net.linear(net.layer_norm(x), net.outputs))

    @property
    def label(self) -> str:
        """``next token``."""
        return "next token"
