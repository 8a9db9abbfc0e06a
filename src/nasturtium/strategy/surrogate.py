"""A predictor that follows a search: it is fitted now and then, and knows at every ask what was told."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.predictor.protocol import Predictor
from nasturtium.predictor.warp import HalfRank
from nasturtium.strategy.improvement import log_expected_improvement
from nasturtium.strategy.observed import Observed
from nasturtium.strategy.scalar import scalar

Floats = NDArray[np.float64]


class Conditional(Predictor, Protocol):
    """A predictor that can take examples without learning its hyper-parameters again, which is dear."""

    def condition(self, architectures: Sequence[Architecture], values: NDArray[np.float64]) -> None:
        """Takes other examples under the hyper-parameters that `fit` learnt."""
        ...


class Surrogate:
    """Says how promising architectures are, given all that was told and all that is awaited.

    What is awaited counts as if it had come out as expected (the Kriging believer of Ginsbourger et al. 2010,
    hallucinations in NASBOT), so that asking again asks for something else. Values are warped by `HalfRank`,
    for a few diverged trainings would hide all other differences from the model.

    Args:
        predictor: The model.
        refit: New results after which hyper-parameters are learnt again; later on, a fifth of the results.
    """

    def __init__(self, predictor: Conditional, refit: int) -> None:
        if refit < 1:
            raise ConfigError(f"refit is {refit}; it must be 1 or more")
        self.predictor, self.refit = predictor, refit
        self._fitted = 0  # how many results there were when hyper-parameters were learnt
        self._incumbent = 0.0

    def update(self, observed: Observed, rng: np.random.Generator) -> None:
        """Learns what was told; there must be a result.

        Args:
            observed: The results.
            rng: Draws the weights of several objectives.
        """
        known, worth = observed.examples()
        values = HalfRank(scalar(worth, rng)).values
        if not self._fitted or len(known) >= self._fitted + max(self.refit, self._fitted // 5):
            self.predictor.fit(known, values)
            self._fitted = len(known)
        else:
            self.predictor.condition(known, values)
        # The lowest expected value of a network that was seen: the lowest value seen may be luck.
        self._incumbent = float(self.predictor.predict(known)[0].min())
        if awaited := observed.pending():
            expected = self.predictor.predict(awaited)[0]
            self.predictor.condition([*known, *awaited], np.concatenate([values, expected]))

    def log_improvement(self, architectures: Sequence[Architecture]) -> Floats:
        """Returns the logarithm of the expected improvement of each architecture, [n]."""
        mean, std = self.predictor.predict(architectures)
        return log_expected_improvement(mean, std, self._incumbent)
