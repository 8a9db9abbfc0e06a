"""What every predictor does."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Architecture


class Predictor(Protocol):
    """Learns the value of architectures from examples, and guesses it for others.

    A predictor is made with its space and a seed; the same examples then always give the same guesses.
    """

    def fit(self, architectures: Sequence[Architecture], values: NDArray[np.float64]) -> None:
        """Learns from examples, forgetting what it learnt before.

        Args:
            architectures: One or more of the space, repeats allowed.
            values: What each is worth, finite, in any unit, [n]; low is good wherever that matters.
        """
        ...

    def predict(
        self, architectures: Sequence[Architecture]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns expected values and their standard deviations, both [n], in the unit of `fit`."""
        ...
