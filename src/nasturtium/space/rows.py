"""Layers of rows of tokens: what pictures cut into tokens and texts go through."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tokens:
    """[channels, height, width] to [height * width, channels]: a row for each place of the picture."""


@dataclass(frozen=True, slots=True)
class Transposed:
    """Rows as columns: [tokens, features] to [features, tokens]."""


@dataclass(frozen=True, slots=True)
class TokenMean:
    """Mean over the rows: [tokens, features] to [features]."""


@dataclass(frozen=True, slots=True)
class LastToken:
    """The last row: [tokens, features] to [features]."""


@dataclass(frozen=True, slots=True)
class LayerNorm:
    """Normalisation of each row of [tokens, features], with scale and shift."""

    features: int


@dataclass(frozen=True, slots=True)
class Attention:
    """Rows of values, mixed by how much queries and keys agree.

    Vaswani et al. 2017 (arXiv:1706.03762), eq. 1. Reads queries [tokens, features], keys and values
    [keys, features]; has no weights.

    Attributes:
        features: Of all heads together.
        heads: Parts of the features, each of which mixes for itself.
        keys: Number of rows that are mixed.
        causal: Whether a token takes no rows but those up to its own place.
    """

    features: int
    heads: int
    keys: int
    causal: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """One row of [rows, tokens] as whole numbers: the numbers of words, modulo the size of the vocabulary.

    Attributes:
        row: Which text.
        size: Of the vocabulary.
    """

    row: int
    size: int


@dataclass(frozen=True, slots=True)
class Places:
    """Numbers of places, 0, 1, 2 ..., of its input's shape, [tokens]."""


@dataclass(frozen=True, slots=True)
class Embed:
    """Rows of a table, by their numbers: [tokens] to [tokens, features]."""

    size: int
    features: int
