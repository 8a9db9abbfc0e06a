"""Hardware-aware transformers: an elastic encoder and decoder (Wang et al. 2020, HAT, arXiv:2005.14187)."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from nasturtium.errors import ShapeError
from nasturtium.space.block import Block, Sequence, repeat
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.space.transformer import attended, widened
from nasturtium.space.wiring import Value, Wiring
from nasturtium.space.zoo import check_size


@dataclass(frozen=True)
class EncoderLayer(Block):
    """Attention of the source to itself, and two linear layers.

    Attributes:
        heads: Of the attention; they share `attention` features.
        inner: Features between the linear layers.
        attention: Features of all heads.
    """

    heads: int
    inner: int
    attention: int

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes the layer."""
        with net.scope("attention"):
            x = attended(net, x, self.attention, self.heads)
        with net.scope("mlp"):
            return widened(net, x, self.inner, act="relu")

    @property
    def label(self) -> str:
        """For example ``encoder layer, 4 heads, 64``."""
        return f"encoder layer, {self.heads} heads, {self.inner}"


@dataclass(frozen=True)
class DecoderLayer(Block):
    """Attention of the target to what it has, then to the source, and two linear layers.

    Attributes:
        heads: Of the attention to itself.
        cross_heads: Of the attention to the source.
        inner: Features between the linear layers.
        layers: How many of the last encoder layers it attends to, side by side.
        attention: Features of all heads.
    """

    heads: int
    cross_heads: int
    inner: int
    layers: int
    attention: int

    def follow(self, net: Wiring, x: Value, source: list[Value]) -> Value:
        """Writes the layer; `source` is what the encoder layers gave, in order."""
        with net.scope("attention"):
            x = attended(net, x, self.attention, self.heads, causal=True)
        with net.scope("cross"):
            memory = net.concat(*source[-self.layers :])
            x = attended(net, x, self.attention, self.cross_heads, memory=memory)
        with net.scope("mlp"):
            return widened(net, x, self.inner, act="relu")

    @property
    def label(self) -> str:
        """For example ``decoder layer, 2 and 4 heads, 64``."""
        return f"decoder layer, {self.heads} and {self.cross_heads} heads, {self.inner}"


@dataclass(frozen=True)
class EncoderDecoder(Block):
    """A transformer from two texts, [2, tokens], to the next word of the second one, [words].

    Attributes:
        encoder_width: Features of the source's words.
        decoder_width: Features of the target's words.
        encoder: Layers over the source.
        decoder: Layers over the target: a `repeat`.
    """

    encoder_width: int
    decoder_width: int
    encoder: tuple[EncoderLayer, ...]
    decoder: Any

    widths: ClassVar[tuple[str, ...]] = ("encoder_width", "decoder_width")

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes encoder, decoder, and the words that may come next."""
        if not net.outputs or len(x.shape) != 2 or x.shape[0] != 2:
            raise ShapeError(
                f"a transformer from text to text reads [2, tokens] and gives a word, not {list(x.shape)} "
                f"and {net.outputs} outputs; bind the space to ((2, tokens), words); for one text there is "
                "hat_decoder"
            )
        assert isinstance(self.decoder, Sequence)
        with net.scope("encoder"):
            with net.part("embedding", f"embedding -> {self.encoder_width}"):
                source = [net.embed(x, 0, net.outputs, self.encoder_width)]
            for number, layer in enumerate(self.encoder, 1):
                with net.part(f"layer{number}", layer.label):
                    source.append(layer.wire(net, source[-1]))
        with net.scope("decoder"):
            with net.part("embedding", f"embedding -> {self.decoder_width}"):
                y = net.embed(x, 1, net.outputs, self.decoder_width)
            for number, one in enumerate(self.decoder.blocks, 1):
                assert isinstance(one, DecoderLayer)
                with net.part(f"layer{number}", one.label):
                    y = one.follow(net, y, source[1:])
            with net.part("next", "next word"):
                return net.linear(net.last_token(net.layer_norm(y)), net.outputs, name="word")

    @property
    def label(self) -> str:
        """For example ``transformer, 6 and 3 layers``."""
        return f"transformer, {len(self.encoder)} and {len(self.decoder.blocks)} layers"


class Sizes(NamedTuple):
    """What is open, and for which texts.

    Attributes:
        widths: Features of a word, of encoder and decoder alike.
        attention: Features of all heads.
        heads: Numbers of heads.
        inner: Features between two linear layers.
        encoder: Layers of the encoder.
        decoder: Numbers of layers of the decoder.
        layers: How many encoder layers a decoder layer attends to.
        tokens: Length of a text.
        words: Size of the vocabulary.
    """

    widths: tuple[int, ...]
    attention: int
    heads: tuple[int, ...]
    inner: tuple[int, ...]
    encoder: int
    decoder: tuple[int, ...]
    layers: tuple[int, ...]
    tokens: int
    words: int


SMALL = Sizes((32, 48), 32, (2, 4), (32, 64), 2, (1, 2, 3), (1, 2), 16, 64)
PUBLISHED = Sizes(
    *((512, 640), 512, (4, 8), (1024, 2048, 3072), 6, (1, 2, 3, 4, 5, 6), (1, 2, 3)), tokens=30, words=32768
)


def hat(size: str = "small") -> Space:
    """Returns HAT's space: widths of encoder and decoder, depth of the decoder; per layer heads, inner width.

    A layer of the decoder attends to the last one, two or three layers of the encoder.

    Differs: Norms come before attention and linear layers, not after; places have learned features; tables of
    words are not shared between source, target and output; the network gives the next word alone.

    Args:
        size: ``published`` is the space for WMT'14 En-De: 93,312 encoders and widths, 4.48e9 decoders, 4.2e14
            architectures (bound to 32,768 words and 30 tokens); ``small`` has an encoder of two layers and a
            decoder of one to three, for texts of 16 tokens of 64 words.
    """
    check_size(size)
    one = SMALL if size == "small" else PUBLISHED

    def heads() -> Any:  # each is a decision of its own
        return choice(*one.heads)

    def inner() -> Any:
        return choice(*one.inner)

    return Space(
        transformer=EncoderDecoder(
            encoder_width=choice(*one.widths),
            decoder_width=choice(*one.widths),
            encoder=tuple(EncoderLayer(heads(), inner(), one.attention) for _ in range(one.encoder)),
            decoder=repeat(
                DecoderLayer(heads(), heads(), inner(), choice(*one.layers), one.attention),
                choice(*one.decoder),
            ),
        ),
        name="hat" if size == "small" else "hat-published",
        input_shape=(2, one.tokens),
        outputs=one.words,
    )
