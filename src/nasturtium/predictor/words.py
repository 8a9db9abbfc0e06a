"""Architectures as sentences whose words mean the same wherever they stand, for embeddings to be shared."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Architecture
from nasturtium.predictor.features import kind as kind_of
from nasturtium.space.space import Space

SIDES = frozenset({"left", "right", "first", "second"})  # of a block: what they take is drawn from one table


def sentence(space: Space, architecture: Architecture) -> list[str]:
    """Returns a word for each decision that exists, such as ``op=sep_conv_3x3``, in the order of the space.

    The word says what kind of decision it is (its path, without where it is) and which option is taken.
    """
    return [word for block in blocks(space, architecture) for word in block]


def blocks(space: Space, architecture: Architecture) -> list[list[str]]:
    """Returns the words of `sentence`, those of neighbouring decisions of one block together."""
    rows = zip(space.decisions, architecture.choices, space.active(architecture), strict=True)
    taken = [(d.path, f"{kind(d.path)}={d.labels[option]}") for d, option, here in rows if here]
    grouped = groupby(taken, key=lambda row: row[0].rpartition(".")[0] or row[0])
    return [[word for _, word in group] for _, group in grouped]


def kind(path: str) -> str:
    """Returns what decisions of a path like this are about: ``left_op`` and ``right_op`` are both ``op``."""
    parts = [part for part in kind_of(path).split("_") if part not in SIDES]
    return "_".join(parts) or "state"


class Vocabulary:
    """The words of some examples, and what to make of a word that none of them has.

    A word is a row of weights over the known ones: itself, or, for an unknown one, equal parts of those of
    its kind (all that stands before the ``=``), of all where the kind is new. So a word that could not be
    learnt takes the mean of the embeddings of its kind: PNAS reads cells of one block more than it learnt
    from, with inputs that it never saw (Liu et al. 2018, arXiv:1712.00559, section 4).

    Args:
        words: Of the examples, repeats allowed.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(sorted(set(words)))
        self._rows: dict[str, NDArray[np.float32]] = dict(
            zip(self.words, np.eye(len(self.words), dtype=np.float32), strict=True)
        )

    def __len__(self) -> int:
        return len(self.words)

    def row(self, word: str) -> NDArray[np.float32]:
        """Returns the weights of the known words that stand for `word`, [words], sum 1."""
        row = self._rows.get(word)
        if row is None:
            start = word.partition("=")[0] + "="
            alike = [known.startswith(start) for known in self.words]
            if not any(alike):
                alike = [True] * len(self.words)
            row = self._rows[word] = (np.array(alike) / max(sum(alike), 1)).astype(np.float32)
        return row
