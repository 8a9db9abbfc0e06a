"""A Gaussian process over architectures, exact, on as many ways to tell them apart as the space offers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack, solve_triangular  # type: ignore[import-untyped]
from scipy.optimize import minimize  # type: ignore[import-untyped]

from nasturtium.architecture import Architecture
from nasturtium.predictor.embedding import Embedding, squared
from nasturtium.predictor.examples import in_order
from nasturtium.predictor.scored_embedding import ScoredEmbedding
from nasturtium.predictor.scores import Scores
from nasturtium.predictor.warp import HalfRank
from nasturtium.space.space import Space

Array = NDArray[np.float64]

SHAPE = 2.0  # of the rational quadratic: mixes scales, Gaussian-like when large
OFFSET = 1.0  # variance of the constant mean; values are standardised
ITERATIONS = 30
# Normal priors on logarithms: mean and standard deviation. That of a weight is in the embedding.
AMPLITUDE, NUGGET, WEIGHT_SPREAD = (0.0, 1.0), (float(np.log(0.1)), 1.5), 1.5


@dataclass(frozen=True, slots=True)
class Kernel:
    """Covariance of two architectures' values: amplitude (1 + sum_k weight_k (x_k - y_k)^2 / a)^-a + offset.

    A rational quadratic (Rasmussen and Williams 2006, eq. 4.19) with a weight per coordinate. With
    small weights and a large amplitude it is nearly additive over decisions; with large weights every
    decision interacts with every other.

    Attributes:
        weights: 0 or more, [coordinates].
        amplitude: Variance of what the coordinates explain.
        nugget: Variance of the rest: what another training would change, and what is peculiar to one network.
    """

    weights: Array
    amplitude: float
    nugget: float

    def __call__(self, left: Array, right: Array) -> Array:
        """Returns covariances, [left, right], of vectors, [left, coordinates] and [right, coordinates]."""
        used = np.flatnonzero(self.weights)
        roots = np.sqrt(self.weights[used])
        total = squared(left[:, used] * roots, right[:, used] * roots)
        covariance: Array = self.amplitude * (1 + total / SHAPE) ** -SHAPE + OFFSET
        return covariance

    @property
    def variance(self) -> float:
        """Variance of the value of one architecture, without the nugget."""
        return self.amplitude + OFFSET


def default_kernel(embedding: Embedding) -> Kernel:
    """Returns the kernel that the priors think likeliest."""
    return _kernel(_priors(embedding.prior)[0], embedding.ways)


def fit_kernel(embedding: Embedding | ScoredEmbedding, vectors: Array, values: Array) -> Kernel:
    """Returns the kernel under which the values are likeliest, its priors counted (MAP, by L-BFGS).

    Args:
        embedding: That the vectors are from.
        vectors: Of the architectures, [n, coordinates].
        values: Standardised, [n].
    """
    start, spread = _priors(embedding.prior)
    result = minimize(
        _loss,
        start,
        args=(embedding.distances(vectors), values, start, spread),
        jac=True,
        method="L-BFGS-B",
        bounds=[(mean - 4 * s, mean + 4 * s) for mean, s in zip(start, spread, strict=True)],
        options={"maxiter": ITERATIONS},
    )
    return _kernel(result.x, embedding.ways)


def log_likelihood(kernel: Kernel, vectors: Array, values: Array) -> float:
    """Returns the log marginal likelihood of the values (Rasmussen and Williams 2006, eq. 2.30)."""
    posterior = Posterior(kernel, vectors, values)
    fit = float(values @ posterior.solved)
    return -0.5 * fit - posterior.half_log_determinant - 0.5 * len(values) * float(np.log(2 * np.pi))


class Posterior:
    """What is believed of all architectures once some were told.

    Args:
        kernel: Covariances.
        vectors: Of those told, [n, coordinates].
        values: What was told, [n].
    """

    def __init__(self, kernel: Kernel, vectors: Array, values: Array) -> None:
        self.kernel, self.vectors, self.values = kernel, vectors, values
        covariance = kernel(vectors, vectors)
        covariance[np.diag_indices_from(covariance)] += kernel.nugget
        self._lower = np.asarray(np.linalg.cholesky(covariance), np.float64)
        self.solved = _solve(self._lower, values)

    @property
    def half_log_determinant(self) -> float:
        """Half the logarithm of the determinant of the covariance of what was told."""
        return float(np.log(np.diagonal(self._lower)).sum())

    def predict(self, vectors: Array) -> tuple[Array, Array]:
        """Returns mean and standard deviation, without the nugget, [m] each (eqs. 2.25 and 2.26).

        Args:
            vectors: Of the architectures in question, [m, coordinates].
        """
        covariance = self.kernel(vectors, self.vectors)
        half = solve_triangular(self._lower, covariance.T, lower=True, check_finite=False)
        variance = self.kernel.variance - np.einsum("ij,ij->j", half, half)
        return covariance @ self.solved, np.sqrt(np.maximum(variance, 1e-12))


class GaussianProcess:
    """Predicts the value of architectures by a Gaussian process whose kernel is fitted to the examples.

    Args:
        space: Of the architectures.
        seed: Not used: nothing is drawn.
        scores: Numbers known of an architecture before any training, by name; see `ScoreColumns`.
    """

    def __init__(self, space: Space, *, seed: int = 0, scores: Scores | None = None) -> None:
        self.space, self.seed = space, seed
        self._embedding = ScoredEmbedding(space, scores) if scores else Embedding(space)

    def fit(self, architectures: Sequence[Architecture], values: Array) -> None:
        """Learns from examples, forgetting what it learnt before; the time grows with their cube."""
        examples, column = in_order(architectures, values)
        self._warp = HalfRank(column)
        if isinstance(self._embedding, ScoredEmbedding):
            self._embedding.fit(examples)
        vectors = self._embedding(examples)
        kernel = fit_kernel(self._embedding, vectors, self._warp.values)
        self._posterior = Posterior(kernel, vectors, self._warp.values)

    def predict(self, architectures: Sequence[Architecture]) -> tuple[Array, Array]:
        """Returns expected values and their standard deviations, both [n], in the unit of `fit`."""
        mean, std = self._posterior.predict(self._embedding(architectures))
        low, high = self._warp.back(mean - std), self._warp.back(mean + std)
        return self._warp.back(mean), (high - low) / 2


def _priors(weights: Array) -> tuple[Array, Array]:
    """Returns means and standard deviations of the logarithms: weight of each way, amplitude, nugget."""
    means = np.array([*np.log(weights), AMPLITUDE[0], NUGGET[0]])
    return means, np.array([*([WEIGHT_SPREAD] * len(weights)), AMPLITUDE[1], NUGGET[1]])


def _kernel(logs: Array, ways: Array) -> Kernel:
    numbers = np.exp(logs)
    return Kernel(numbers[:-2] @ ways, float(numbers[-2]), float(numbers[-1]))


def _loss(logs: Array, distances: Array, values: Array, means: Array, spread: Array) -> tuple[float, Array]:
    """Returns the negative log posterior of the logarithms and its gradient (eqs. 2.30 and 5.9)."""
    *weights, amplitude, nugget = np.exp(logs)
    base = 1 + np.tensordot(weights, distances, axes=1) / SHAPE
    explained = amplitude * base**-SHAPE
    covariance = explained + OFFSET
    covariance[np.diag_indices_from(covariance)] += nugget
    lower, failed = lapack.dpotrf(covariance, lower=1, clean=1)
    if failed:
        return 1e10, np.zeros_like(logs)
    inverse, _ = lapack.dpotri(lower, lower=1)
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    solved = inverse @ values
    loss = 0.5 * values @ solved + np.log(np.diagonal(lower)).sum()
    outer = 0.5 * (inverse - np.outer(solved, solved))  # d loss / d covariance
    slopes = np.tensordot(distances, outer * explained / base, axes=2)
    gradient = np.array([*(-np.array(weights) * slopes), (outer * explained).sum(), nugget * np.trace(outer)])
    away = (logs - means) / spread
    return float(loss + 0.5 * away @ away), gradient + away / spread


def _solve(lower: Array, values: Array) -> Array:
    half = solve_triangular(lower, values, lower=True, check_finite=False)
    solved: Array = solve_triangular(lower, half, lower=True, trans=1, check_finite=False)
    return solved
