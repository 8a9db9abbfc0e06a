"""Linear regression whose weights have one prior variance per group of columns, found from the examples."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack  # type: ignore[import-untyped]
from scipy.optimize import minimize  # type: ignore[import-untyped]

from nasturtium.errors import ConfigError

Array = NDArray[np.float64]

ITERATIONS = 30
SPREAD = 1.0  # standard deviation of the logarithms of all variances under their prior
NOISE = 0.02  # expected share of the variance that no column explains
OFFSET = 1.0  # variance of the constant; values are standardised


@dataclass(frozen=True, slots=True)
class Group:
    """Columns whose weights are alike in size.

    Attributes:
        variance: Share of the variance of the values that they are expected to explain.
        alike: Whether each column is brought to the same spread; if not, those that vary more explain more.
        power: 1 for the columns themselves, 2 for their products, two by two.
    """

    variance: float
    alike: bool = True
    power: int = 1


class GroupedRidge:
    """A Bayesian linear model: the evidence decides how much each group of columns may explain.

    Weights are normal with mean 0 and the variance of their group; variances maximise the marginal likelihood
    times a log-normal prior (MacKay 1992, Bayesian interpolation; Rasmussen and Williams 2006, eqs. 2.30 and
    5.9). Noise grows with the values where `relative`: its standard deviation is a share of them, as it is
    for times.

    Args:
        groups: One for each matrix that `fit` and `predict` are given.
        relative: Whether noise is a share of the values.

    Attributes:
        left_out: What the others say of each example, the variances being those of all (Rasmussen and
            Williams 2006, eq. 5.12), [n].
    """

    def __init__(self, groups: Sequence[Group], *, relative: bool = False) -> None:
        self.groups = tuple(groups)
        self.relative = relative
        self._scales: list[_Scaled] = []
        self._rows: list[Array] = []
        self._solved: list[Array] = []  # per group, what each example's covariance with a new row is worth
        self._constant = 0.0
        self.left_out: Array = np.zeros(0)

    def fit(self, matrices: Sequence[Array], values: Array) -> None:
        """Learns from examples: a matrix [n, columns] per group, and what they are worth, [n].

        Raises:
            ConfigError: Another number of matrices than of groups.
        """
        if len(matrices) != len(self.groups):
            raise ConfigError(f"{len(matrices)} matrices for {len(self.groups)} groups; give one each")
        self._scales = [_Scaled(one, group.alike) for one, group in zip(matrices, self.groups, strict=True)]
        rows = [scale(one) for scale, one in zip(self._scales, matrices, strict=True)]
        centre, spread = float(values.mean()), float(values.std()) or 1.0
        noise = np.ones(len(values))
        if self.relative:
            noise = (values / np.sqrt((values**2).mean())) ** 2
        powers = [group.power for group in self.groups]
        grams = np.array([(one @ one.T) ** power for one, power in zip(rows, powers, strict=True)])
        target = (values - centre) / spread
        variances, solved, inverse = _solve(grams, noise, target, self.groups)
        self.left_out = values - spread * solved / np.diagonal(inverse)
        self._rows, self._solved = rows, [spread * variance * solved for variance in variances]
        self._constant = centre + spread * OFFSET * float(solved.sum())

    def predict(self, matrices: Sequence[Array]) -> Array:
        """Returns what rows are worth, [n], in the unit of `fit`."""
        total = np.full(len(matrices[0]), self._constant)
        parts = zip(self.groups, self._scales, self._rows, self._solved, matrices, strict=True)
        for group, scale, rows, solved, one in parts:
            if group.power == 1:
                total += scale(one) @ (rows.T @ solved)
            else:
                total += (scale(one) @ rows.T) ** group.power @ solved
        return total

    def weights(self) -> tuple[float, list[Array]]:
        """Returns the constant and, per group, what one unit of each column adds to the value.

        Raises:
            ConfigError: A group has products of columns.
        """
        if any(group.power != 1 for group in self.groups):
            raise ConfigError("a model with products of columns has no weight per column")
        constant, found = self._constant, []
        for scale, rows, solved in zip(self._scales, self._rows, self._solved, strict=True):
            raw = (rows.T @ solved) * scale.factors
            constant -= float(scale.centre @ raw)
            found.append(raw)
        return constant, found


class _Scaled:
    """Centres columns, and brings the examples' mean squared length to 1."""

    def __init__(self, matrix: Array, alike: bool) -> None:
        self.centre = matrix.mean(axis=0)
        spread = matrix.std(axis=0)
        varies = spread > 1e-12 * np.maximum(np.abs(self.centre), 1e-300)
        if alike:
            self.factors = varies / np.where(varies, spread, 1.0) / np.sqrt(max(varies.sum(), 1))
        else:
            self.factors = varies / (np.sqrt((spread[varies] ** 2).sum()) or 1.0)

    def __call__(self, matrix: Array) -> Array:
        scaled: Array = (matrix - self.centre) * self.factors
        return scaled


def _solve(grams: Array, noise: Array, target: Array, groups: Sequence[Group]) -> tuple[Array, Array, Array]:
    """Returns the variance of each group, the inverse covariance times the target, [n], and that, [n, n]."""
    start = np.log([*(group.variance for group in groups), NOISE])
    bounds = [(mean - 4 * SPREAD, mean + 4 * SPREAD) for mean in start]
    found = minimize(
        _loss,
        start,
        args=(grams, noise, target, start),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": ITERATIONS},
    )
    inverse = np.asarray(np.linalg.inv(_covariance(np.exp(found.x), grams, noise)), np.float64)
    return np.exp(found.x[:-1]), inverse @ target, inverse


def _covariance(variances: Array, grams: Array, noise: Array) -> Array:
    covariance: Array = np.tensordot(variances[:-1], grams, axes=1) + OFFSET
    covariance[np.diag_indices_from(covariance)] += variances[-1] * noise
    return covariance


def _loss(logs: Array, grams: Array, noise: Array, target: Array, start: Array) -> tuple[float, Array]:
    """Returns the negative log posterior of the logarithms of the variances, and its gradient."""
    variances = np.exp(logs)
    lower, failed = lapack.dpotrf(_covariance(variances, grams, noise), lower=1, clean=1)
    if failed:
        return 1e10, np.zeros_like(logs)
    inverse, _ = lapack.dpotri(lower, lower=1)
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    solved = inverse @ target
    loss = 0.5 * target @ solved + np.log(np.diagonal(lower)).sum()
    outer = 0.5 * (inverse - np.outer(solved, solved))  # d loss / d covariance
    slopes = np.append(np.tensordot(grams, outer, axes=2), (np.diagonal(outer) * noise).sum())
    away = (logs - start) / SPREAD
    return float(loss + 0.5 * away @ away), variances * slopes + away / SPREAD
