"""Ensembles of multilayer perceptrons: over features (BANANAS), or over the mean of blocks (PNAS)."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.predictor.ensemble import Ensemble, Loss, Training, dense, drawn, layers
from nasturtium.predictor.examples import ScaleName
from nasturtium.predictor.features import Features
from nasturtium.predictor.scores import Scores
from nasturtium.predictor.words import Vocabulary, blocks
from nasturtium.space.space import Space

Blocks = Callable[[Architecture], Sequence[Sequence[str]]]


class MLPEnsemble(Ensemble):
    """Perceptrons side by side.

    With a vector encoding, those of BANANAS (White et al. 2021, arXiv:1910.11858, section 4: ten layers of
    20, Adam at 0.01). With ``blocks``, those of PNAS (Liu et al. 2018, arXiv:1712.00559, section 4): the
    words of a block are embedded, one after the other, and the mean over all blocks is the input, so that
    architectures of any number of blocks can be read.

    Differs: the output is linear on scaled values instead of a sigmoid of an accuracy, so that any value can
    be learnt; the rate falls along a cosine; PNAS's had 100 units and embeddings, by default smaller here.

    Args:
        space: Of the architectures.
        seed: Of weights, folds and batches.
        members: Perceptrons.
        encoding: ``blocks``, or what `Features` knows.
        width: Of hidden layers.
        depth: Hidden layers.
        embedding: Width of an embedded word, with ``blocks``.
        blocks_of: Gives the words of each block of an architecture, with ``blocks``; None takes neighbouring
            decisions of one place.
        epochs: Passes over the examples.
        rate: Learning rate at the start.
        batch: Examples per step.
        decay: Weight decay.
        loss: ``l1``, ``l2`` or ``mape``; see `Training`.
        folds: Whether each member leaves out its share of the examples.
        scale: ``linear`` or ``rank``.
        scores: Numbers known of an architecture before any training, as further features; see `ScoreColumns`.
            Not with ``blocks``.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        members: int = 5,
        encoding: Literal["auto", "means", "one_hot", "path", "rich", "blocks"] = "auto",
        width: int = 64,
        depth: int = 2,
        embedding: int = 32,
        blocks_of: Blocks | None = None,
        epochs: int = 150,
        rate: float = 0.01,
        batch: int = 32,
        decay: float = 0.0,
        loss: Loss = "l1",
        folds: bool = False,
        scale: ScaleName = "linear",
        scores: Scores | None = None,
    ) -> None:
        if min(width, embedding) < 1 or depth < 0:
            raise ConfigError(
                f"width is {width}, embedding {embedding} and depth {depth}; the first two must be 1 or "
                "more, depth at least 0"
            )
        if encoding == "blocks" and scores:
            raise ConfigError("with the encoding blocks there are no scores; take another encoding")
        self.width, self.depth, self.embedding = width, depth, embedding
        self._features = None if encoding == "blocks" else Features(space, encoding, scores)
        self._blocks: Blocks = blocks_of or (lambda architecture: blocks(space, architecture))
        self._vocabulary = Vocabulary(())
        self._slots = 1
        self._columns = 0
        super().__init__(seed, members, Training(epochs, rate, batch, decay, loss, folds, scale))

    def _inputs(self, architectures: Sequence[Architecture], *, examples: bool) -> tuple[Tensor, ...]:
        if self._features is None:
            return (torch.from_numpy(self._shares([self._blocks(one) for one in architectures], examples)),)
        rows = self._features.fit(architectures) if examples else self._features(architectures)
        self._columns = rows.shape[1]
        return (torch.from_numpy(rows).float(),)

    def _shares(self, texts: Sequence[Sequence[Sequence[str]]], examples: bool) -> NDArray[np.float32]:
        """Returns the share of the blocks that have a word in a slot, [n, slots, words].

        Embedding these is the mean of embedding every block, at a fraction of the cost.
        """
        if examples:
            self._vocabulary = Vocabulary([word for text in texts for block in text for word in block])
            self._slots = max((len(block) for text in texts for block in text), default=1)
        shares = np.zeros((len(texts), self._slots, len(self._vocabulary)), np.float32)
        for share, text in zip(shares, texts, strict=True):
            for block in text:
                for slot, word in enumerate(block[: self._slots]):
                    share[slot] += self._vocabulary.row(word) / len(text)
        return shares

    def _drawn(self, generator: torch.Generator) -> list[Tensor]:
        hidden = [self.width] * self.depth
        if self._features is not None:
            return layers(generator, self.members, [self._columns, *hidden, 1])
        # U(-0.1, 0.1) in the paper, which suits its width of 100; the sum of squares is the same here.
        bound = 0.1 * (100 / self.embedding) ** 0.5
        table = drawn(generator, self.members, 1, len(self._vocabulary), self.embedding, bound=bound)
        return [table, *layers(generator, self.members, [self._slots * self.embedding, *hidden, 1])]

    def _guessed(self, weights: Sequence[Tensor], data: Sequence[Tensor]) -> Tensor:
        (x,) = data
        if self._features is None:
            table, *weights = weights
            x = torch.matmul(x, table).flatten(2)  # [m, b, slots, words] to [m, b, slots * embedding]
        return dense(weights, x).squeeze(-1)
