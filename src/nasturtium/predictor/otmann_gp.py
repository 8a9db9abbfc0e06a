"""A Gaussian process on the OTMANN distances of networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.predictor.examples import in_order
from nasturtium.predictor.otmann import NUS, Otmann
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space

Floats = NDArray[np.float64]
LEAST_NOISE = 1e-5  # of values scaled to a variance of 1
TYPES = 2  # the distance, and the normalised distance


@dataclass(frozen=True, slots=True)
class Kernel:
    """Sum over the two types of distance of alpha exp(-sum over nu of beta d ** p), p = 1 and 2.

    Kandasamy et al. 2018, section 4 (arXiv:1802.07191).

    Attributes:
        alpha: Variance of each type, [2].
        beta: Inverse length of each distance, [2, nus].
        noise: Variance of the noise.
    """

    alpha: Floats
    beta: Floats
    noise: float

    def __call__(self, far: Floats, normalised: Floats) -> Floats:
        """Returns the covariances for distances, both [nus, rows, columns]."""
        exponents = np.tensordot(self.beta[0], far, 1), np.tensordot(self.beta[1], normalised**2, 1)
        covariances: Floats = self.alpha[0] * np.exp(-exponents[0]) + self.alpha[1] * np.exp(-exponents[1])
        return covariances


@dataclass(frozen=True, slots=True)
class Spectrum:
    """A covariance matrix by its eigenvalues, with negative ones set to 0: the nearest semi-definite one.

    Attributes:
        values: Eigenvalues, noise added, [n].
        vectors: Eigenvectors, [n, n].
    """

    values: Floats
    vectors: Floats

    def log_likelihood(self, targets: Floats) -> float:
        """Returns the log density of targets of mean 0, a constant aside."""
        turned = self.vectors.T @ targets
        return float(-0.5 * (turned**2 / self.values + np.log(self.values)).sum())


class OtmannGP:
    """Learns values by a Gaussian process whose kernel falls with the OTMANN distance of networks.

    Kandasamy et al. 2018, NASBOT (arXiv:1802.07191). The kernel is not sure to be positive semi-definite, so
    its Gram matrix is projected, as in the authors' code. Hyper-parameters are those of the largest marginal
    likelihood among random ones, half of them drawn around the best so far.

    Differs: the likelihood is weighed by the (log-normal) prior that they are drawn from, centred at a length
    of the median distance.

    Args:
        space: Bound to a task.
        seed: Draws the hyper-parameters that are tried.
        samples: How many are tried.
        nus: Weights of the structural cost.

    Raises:
        ConfigError: The space does not know its input, or POT is not installed.
    """

    def __init__(self, space: Space, *, seed: int = 0, samples: int = 60, nus: Sequence[float] = NUS) -> None:
        if samples < 1:
            raise ConfigError(f"samples is {samples}; it must be 1 or more")
        self.space, self.seed, self.samples = space, seed, samples
        self.otmann = Otmann(space, nus=nus)
        self.kernel: Kernel | None = None
        self._examples: tuple[Architecture, ...] = ()
        self._mean, self._scale = 0.0, 1.0
        self._spectrum: Spectrum | None = None
        self._weights: Floats = np.zeros(0)  # of the eigenvectors, in the expected value

    def fit(self, architectures: Sequence[Architecture], values: NDArray[np.float64]) -> None:
        """Learns hyper-parameters and values from examples, forgetting what it learnt before."""
        known, column = in_order(architectures, values)
        far, normalised = self.otmann(known)
        targets = _scaled(column)[0]
        lengths = np.stack([_lengths(far), _lengths(normalised**2)])
        best, best_score = np.zeros(TYPES * (1 + lengths.shape[1]) + 1), -np.inf
        for sample in range(self.samples):
            rng = rng_for(self.seed, "otmann gp", sample)
            draw = rng.normal(size=len(best))
            if sample == 0:
                draw[:] = 0.0  # the centre of the prior
            elif sample % 2:
                draw = best + 0.4 * draw
            kernel = drawn(draw, lengths)
            score = spectrum(kernel(far, normalised), kernel.noise).log_likelihood(targets)
            score -= 0.5 * float(draw @ draw)
            if score > best_score:
                best, best_score = draw, score
        self.kernel = drawn(best, lengths)
        self.condition(known, column)

    def condition(self, architectures: Sequence[Architecture], values: NDArray[np.float64]) -> None:
        """Takes other examples under the hyper-parameters that `fit` learnt."""
        kernel = self._fitted()
        known, column = in_order(architectures, values)
        self._examples = tuple(known)
        targets, self._mean, self._scale = _scaled(column)
        self._spectrum = spectrum(kernel(*self.otmann(self._examples)), kernel.noise)
        self._weights = self._spectrum.vectors.T @ targets / self._spectrum.values

    def predict(
        self, architectures: Sequence[Architecture]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns expected values and their standard deviations without noise, both [n]."""
        kernel = self._fitted()
        assert self._spectrum is not None
        cross = kernel(*self.otmann(architectures, self._examples)) @ self._spectrum.vectors
        variance = kernel.alpha.sum() - (cross**2 / self._spectrum.values).sum(axis=1)
        std: Floats = np.sqrt(np.clip(variance, 1e-12, None))
        return self._mean + self._scale * (cross @ self._weights), self._scale * std

    def _fitted(self) -> Kernel:
        if self.kernel is None:
            raise ConfigError("this OtmannGP has learnt nothing yet; call fit(architectures, values) first")
        return self.kernel


def spectrum(covariances: Floats, noise: float) -> Spectrum:
    """Returns the projection of a symmetric matrix [n, n] onto semi-definite ones, plus noise."""
    values, vectors = np.linalg.eigh(covariances)
    return Spectrum(np.clip(values, 0.0, None) + noise, vectors)


def drawn(normal: Floats, lengths: Floats) -> Kernel:
    """Returns the kernel that a draw from a standard normal stands for.

    Args:
        normal: The draw, [2 + 2 * nus + 1].
        lengths: Typical value of each distance to its power, [2, nus].
    """
    nus = lengths.shape[1]
    alpha = 0.5 * np.exp(0.7 * normal[:TYPES])
    beta = np.exp(1.5 * normal[TYPES:-1].reshape(TYPES, nus)) / (nus * lengths)
    return Kernel(alpha, beta, LEAST_NOISE + 0.02 * float(np.exp(1.5 * normal[-1])))


def _lengths(distances: Floats) -> Floats:
    """Returns the median distance of two different networks under each weight, [nus]; 1 where all are one."""
    return np.array([np.median(row[row > 0]) if (row > 0).any() else 1.0 for row in distances])


def _scaled(values: NDArray[np.float64]) -> tuple[Floats, float, float]:
    mean, scale = float(values.mean()), float(values.std()) if np.ptp(values) else 1.0
    return (values - mean) / scale, mean, scale
