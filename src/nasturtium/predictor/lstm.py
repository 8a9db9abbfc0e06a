"""An ensemble of LSTMs that read an architecture word by word."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.predictor.ensemble import Ensemble, Loss, Training, drawn
from nasturtium.predictor.examples import ScaleName
from nasturtium.predictor.words import Vocabulary, sentence
from nasturtium.space.space import Space

Words = Callable[[Architecture], Sequence[str]]


class LSTMEnsemble(Ensemble):
    """Recurrent networks side by side (Liu et al. 2018, PNAS, arXiv:1712.00559, section 4).

    The words of an architecture are embedded by one table, whatever their place, and read in order; a linear
    layer looks at the last state. Sentences may have any length, and words that no example had: these take
    the mean of the embeddings of their kind.

    Differs: the output is linear on scaled values instead of a sigmoid of an accuracy, so that any value can
    be learnt; the rate falls along a cosine; PNAS's had 100 units and embeddings, by default smaller here.

    Args:
        space: Of the architectures.
        seed: Of weights, folds and batches.
        members: LSTMs.
        hidden: Width of the state.
        embedding: Width of an embedded word.
        words_of: Gives the words of an architecture; None takes a word for each decision that exists.
        epochs: Passes over the examples.
        rate: Learning rate at the start.
        batch: Examples per step.
        decay: Weight decay.
        loss: ``l1``, ``l2`` or ``mape``; see `Training`.
        folds: Whether each member leaves out its share of the examples.
        scale: ``linear`` or ``rank``.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        members: int = 5,
        hidden: int = 64,
        embedding: int = 32,
        words_of: Words | None = None,
        epochs: int = 60,
        rate: float = 0.01,
        batch: int = 64,
        decay: float = 0.0,
        loss: Loss = "l1",
        folds: bool = False,
        scale: ScaleName = "linear",
    ) -> None:
        if min(hidden, embedding) < 1:
            raise ConfigError(f"hidden is {hidden} and embedding {embedding}; both must be 1 or more")
        self.hidden, self.embedding = hidden, embedding
        self._words: Words = words_of or (lambda architecture: sentence(space, architecture))
        self._vocabulary = Vocabulary(())
        super().__init__(seed, members, Training(epochs, rate, batch, decay, loss, folds, scale))

    def _inputs(self, architectures: Sequence[Architecture], *, examples: bool) -> tuple[Tensor, ...]:
        texts = [self._words(one) for one in architectures]
        if examples:
            self._vocabulary = Vocabulary([word for text in texts for word in text])
        return tuple(map(torch.from_numpy, self._rows(texts)))

    def _rows(self, texts: Sequence[Sequence[str]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Returns the row of each word, [n, longest, words], and 1 where there is one, [n, longest]."""
        longest = max(map(len, texts), default=0)
        rows = np.zeros((len(texts), longest, len(self._vocabulary)), np.float32)
        there = np.zeros((len(texts), longest), np.float32)
        for row, mask, text in zip(rows, there, texts, strict=True):
            mask[: len(text)] = 1
            for place, word in enumerate(text):
                row[place] = self._vocabulary.row(word)
        return rows, there

    def _drawn(self, generator: torch.Generator) -> list[Tensor]:
        m, h, e = self.members, self.hidden, self.embedding
        bias = torch.zeros(m, 1, 4 * h)
        bias[..., h : 2 * h] = 1  # remembers at first (Jozefowicz, Zaremba and Sutskever 2015)
        return [
            drawn(generator, m, len(self._vocabulary), e, bound=0.1 * (100 / e) ** 0.5),
            drawn(generator, m, e, 4 * h, bound=h**-0.5),
            drawn(generator, m, h, 4 * h, bound=h**-0.5),
            bias,
            drawn(generator, m, h, 1, bound=h**-0.5),
            torch.zeros(m, 1, 1),
        ]

    def _guessed(self, weights: Sequence[Tensor], data: Sequence[Tensor]) -> Tensor:
        table, entering, returning, bias, out, offset = weights
        rows, there = data  # [m, b, longest, words], [m, b, longest]
        # Embedding and entering the gates are one product, the same for every place of a word.
        entered = torch.matmul(rows, torch.matmul(table, entering)[:, None]) + bias[:, None]
        state = memory = torch.zeros(self.members, rows.shape[1], self.hidden)
        for place in range(rows.shape[2]):
            gates = entered[:, :, place] + torch.matmul(state, returning)  # [m, b, 4 hidden]
            into, keep, show, new = gates.chunk(4, dim=-1)
            changed = torch.sigmoid(keep) * memory + torch.sigmoid(into) * torch.tanh(new)
            shown = torch.sigmoid(show) * torch.tanh(changed)
            here = there[:, :, place, None]
            memory, state = memory + here * (changed - memory), state + here * (shown - state)
        return (torch.matmul(state, out) + offset).squeeze(-1)
