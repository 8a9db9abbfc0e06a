"""Vectors of architectures, for a Gaussian process, that hold what is known of them before any training."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Architecture
from nasturtium.predictor.embedding import Embedding, squared
from nasturtium.predictor.scores import ScoreColumns, Scores
from nasturtium.space.space import Space

Array = NDArray[np.float64]


class ScoredEmbedding:
    """An `Embedding` with a further coordinate, and way to differ, for each score; `fit` comes first.

    Args:
        space: Of the architectures.
        scores: Gives the scores of an architecture, by name.

    Attributes:
        ways: Which coordinates each way has, [ways, coordinates].
        prior: Weight of each way before anything is known; scores share 1, like the ways of the space.
    """

    def __init__(self, space: Space, scores: Scores) -> None:
        self._embedding = Embedding(space)
        self._columns = ScoreColumns(scores)
        self.ways, self.prior = self._embedding.ways, self._embedding.prior

    def fit(self, architectures: Sequence[Architecture]) -> None:
        """Learns from examples how the scores are scaled."""
        columns = self._columns.fit(architectures).shape[1]
        known = self._embedding.ways
        # A column of spread 1 differs by 2 between two examples, and each way by 1 on average.
        self.ways = np.block(
            [
                [known, np.zeros((len(known), columns))],
                [np.zeros((columns, known.shape[1])), np.eye(columns) / 2],
            ]
        )
        self.prior = np.concatenate([self._embedding.prior, np.full(columns, 1 / max(columns, 1))])

    def __call__(self, architectures: Sequence[Architecture]) -> Array:
        """Returns the vector of each architecture, [n, coordinates]."""
        return np.hstack([self._embedding(architectures), self._columns(architectures)])

    def distances(self, vectors: Array) -> Array:
        """Returns the distances between all pairs of vectors, one by one way: [ways, n, n]."""
        width = self._embedding.ways.shape[1]
        scores = [squared(column[:, None], column[:, None]) / 2 for column in vectors[:, width:].T]
        known = self._embedding.distances(vectors[:, :width])
        return np.concatenate([known, np.array(scores).reshape(-1, len(vectors), len(vectors))])
