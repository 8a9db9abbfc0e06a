"""Ridge regression: a linear model, exact and quick, with the uncertainty of its posterior."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.predictor.examples import Scale, ScaleName, in_order
from nasturtium.predictor.features import Encoding, Features
from nasturtium.predictor.scores import Scores
from nasturtium.space.space import Space


class Ridge:
    """A weight for every feature, kept small (Hoerl and Kennard 1970).

    The standard deviation is that of the mean under the posterior of a linear model with prior
    w ~ N(0, variance / penalty), the variance of the noise being its estimate under that prior.

    Args:
        space: Of the architectures.
        seed: Changes nothing: the solution is exact.
        encoding: What the features are; see `Features`.
        penalty: Of squared weights, against squared differences of values that have variance 1.
        scale: ``linear``, or ``rank`` to learn the normal scores of the ranks.
        scores: Numbers known of an architecture before any training, as further features; see `ScoreColumns`.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        encoding: Encoding = "auto",
        penalty: float = 1.0,
        scale: ScaleName = "linear",
        scores: Scores | None = None,
    ) -> None:
        if penalty <= 0:
            raise ConfigError(f"penalty is {penalty}; it must be more than 0")
        self.seed = seed
        self.penalty = penalty
        self._features = Features(space, encoding, scores)
        self._scale = Scale(scale)
        self._centre = self._weights = np.zeros(0)
        self._axes, self._stretch = np.zeros((0, 0)), np.zeros(0)
        self._variance = 0.0
        self._examples = 1

    def fit(self, architectures: Sequence[Architecture], values: NDArray[np.float64]) -> None:
        """Solves for the weights."""
        examples, column = in_order(architectures, values)
        rows, scores = self._features.fit(examples), self._scale.fit(column)
        self._centre, self._examples = rows.mean(axis=0), len(rows)
        left, stretch, axes = np.linalg.svd(rows - self._centre, full_matrices=False)
        self._axes, self._stretch = axes, stretch
        shrunk = stretch / (stretch**2 + self.penalty)
        self._weights = axes.T @ (shrunk * (left.T @ scores))
        wrong = scores - (rows - self._centre) @ self._weights
        self._variance = float(wrong @ wrong + self.penalty * self._weights @ self._weights) / len(rows)

    def predict(
        self, architectures: Sequence[Architecture]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns means and standard deviations, both [n]."""
        rows = self._features(architectures) - self._centre
        along = rows @ self._axes.T
        # x' (X'X + penalty)^-1 x by the axes that the examples span, and the rest, of which they say nothing.
        beyond = np.maximum((rows**2).sum(axis=1) - (along**2).sum(axis=1), 0.0)
        spread = (along**2 / (self._stretch**2 + self.penalty)).sum(axis=1) + beyond / self.penalty
        std = np.sqrt(self._variance * (spread + 1 / self._examples))
        return self._scale.back(rows @ self._weights, std)
