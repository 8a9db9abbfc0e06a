"""A Gaussian process with the arc kernel, for spaces whose decisions depend on each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular  # type: ignore[import-untyped]

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.predictor.arc import ArcEmbedding, ArcKernel
from nasturtium.predictor.examples import in_order
from nasturtium.space.space import Space

Floats = NDArray[np.float64]


class ArcGP:
    """Learns values by a Gaussian process whose kernel knows which decisions exist.

    Swersky et al. 2013 (arXiv:1409.4011): Matern 5/2 on `ArcEmbedding`, an omega and a rho for each decision,
    learnt by marginal likelihood.

    Differs: the likelihood is weighed by broad priors (normal, of log omega, logit rho, log scale and log
    noise), since a space has more hyper-parameters than a search has early results.

    Args:
        space: Of the architectures.
        seed: Draws the starts of the optimiser beyond the first.
        steps: Iterations of L-BFGS for one start.
        starts: Starts; the first is the mode of the priors.

    Attributes:
        kernel: The hyper-parameters learnt; None before `fit`.

    Raises:
        ConfigError: GPyTorch is not installed, or a number is too small.
    """

    def __init__(self, space: Space, *, seed: int = 0, steps: int = 50, starts: int = 1) -> None:
        from nasturtium.predictor.arc_model import learnt  # imports torch

        if steps < 0 or starts < 1:
            raise ConfigError(f"steps is {steps} and starts {starts}; they must be at least 0 and 1")
        self.space, self.seed, self.steps, self.starts = space, seed, steps, starts
        self.embedding = ArcEmbedding(space)
        self.kernel: ArcKernel | None = None
        self._learnt = learnt
        self._mean, self._scale = 0.0, 1.0
        self._placed, self._factor, self._weights = np.zeros((0, 0)), np.zeros((0, 0)), np.zeros(0)

    def fit(self, architectures: Sequence[Architecture], values: Floats) -> None:
        """Learns hyper-parameters and values from examples, forgetting what it learnt before."""
        known, column = in_order(architectures, values)
        coordinates = self.embedding.coordinates(known)
        self.kernel = self._learnt(
            self.embedding,
            coordinates,
            self._scaled(column),
            seed=self.seed,
            steps=self.steps,
            starts=self.starts,
        )
        self.condition(known, column)

    def condition(self, architectures: Sequence[Architecture], values: Floats) -> None:
        """Takes other examples under the hyper-parameters that `fit` learnt."""
        kernel = self._fitted()
        known, column = in_order(architectures, values)
        self._placed = self._embedded(known, kernel)
        covariances = kernel(self._placed, self._placed)
        covariances[np.diag_indices_from(covariances)] += kernel.noise
        self._factor = cholesky(covariances, lower=True)
        self._weights = cho_solve((self._factor, True), self._scaled(column) - kernel.mean)

    def predict(self, architectures: Sequence[Architecture]) -> tuple[Floats, Floats]:
        """Returns expected values and their standard deviations without noise, both [n]."""
        kernel = self._fitted()
        cross = kernel(self._embedded(architectures, kernel), self._placed)
        explained = solve_triangular(self._factor, cross.T, lower=True)
        variance = np.clip(kernel.variance - (explained**2).sum(axis=0), 1e-12, None)
        mean = kernel.mean + cross @ self._weights
        return self._mean + self._scale * mean, self._scale * np.sqrt(variance)

    def _embedded(self, architectures: Sequence[Architecture], kernel: ArcKernel) -> Floats:
        coordinates = self.embedding.coordinates(architectures)
        placed: Floats = self.embedding.embed(coordinates, kernel.omega, kernel.rho)
        return placed

    def _scaled(self, values: Floats) -> Floats:
        """Returns the values with mean 0 and standard deviation 1, and keeps what brings them back."""
        self._mean, self._scale = float(values.mean()), float(values.std()) if np.ptp(values) else 1.0
        return (values - self._mean) / self._scale

    def _fitted(self) -> ArcKernel:
        if self.kernel is None:
            raise ConfigError("this ArcGP has learnt nothing yet; call fit(architectures, values) first")
        return self.kernel
