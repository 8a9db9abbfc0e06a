"""A device known from a dozen measurements, as a mixture of devices that are known well."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls  # type: ignore[import-untyped]

from nasturtium.errors import ConfigError
from nasturtium.predictor.grouped import Group, GroupedRidge

Array = NDArray[np.float64]

PULL = 0.1  # towards equal weights, in squared standard deviations of the new device's log latency
UNLIKE = 2.0  # how many times worse a mixture must be, on examples left out, before signs are allowed
NOISE = 0.01  # of a measurement, as a share of the variance over networks
SMALLEST = 1e-6  # ms; what a model says below this is taken as this


@dataclass(frozen=True, slots=True)
class Mixture:
    """A weight of each known device's standardised log latency, and a constant.

    Attributes:
        weights: One per known device.
        constant: Of the new device's log latency.
        centres: Mean log latency of each known device over many networks.
        spreads: Its standard deviation.
        left_out: Root mean squared error of the log latency, examples left out one by one.
    """

    weights: tuple[float, ...]
    constant: float
    centres: tuple[float, ...]
    spreads: tuple[float, ...]
    left_out: float

    def __call__(self, latencies_ms: Array) -> Array:
        """Returns milliseconds on the new device, [n], from those on the known devices, [devices, n]."""
        logs = np.log(np.maximum(latencies_ms, SMALLEST))
        shares = np.array(self.weights) / np.array(self.spreads)
        found: Array = np.exp(self.constant + shares @ (logs - np.array(self.centres)[:, None]))
        return found


def transferred(known_ms: Array, rows: Array, values_ms: Array) -> Mixture:
    """Returns what a few measurements of a new device make of the models of others.

    First as a mixture with weights of 0 and more (least squares with a pull to equal weights): a device is
    slow at what slow devices like it are slow at, never the reverse of another. That is a strong and mostly
    right belief, so ten measurements suffice for twenty devices. Where it is wrong, leaving out one
    measurement after the other shows: then the weights are those of a Bayesian linear model on the mean
    device and the principal components around it, of any sign.

    Args:
        known_ms: What models of the known devices say of many networks of the space, [devices, networks];
            they give the scale of each device.
        rows: Which of these networks were measured, [n].
        values_ms: How long they took on the new device, [n], above 0.

    Raises:
        ConfigError: Fewer than 3 measurements, or no known device.
    """
    if len(values_ms) < 3 or not len(known_ms):
        raise ConfigError(
            f"{len(values_ms)} measurements and {len(known_ms)} known devices; transfer needs 3 and 1"
        )
    logs = np.log(np.maximum(known_ms, SMALLEST))
    centres, spreads = logs.mean(axis=1), np.maximum(logs.std(axis=1), 1e-9)
    standard = (logs - centres[:, None]) / spreads[:, None]
    values = np.log(values_ms)
    weights, constant, wrong = _positive(standard[:, rows], values)
    signed = _signed(standard, rows, values)
    if wrong > UNLIKE**0.5 * signed[2]:
        weights, constant, wrong = signed
    return Mixture(tuple(weights.tolist()), constant, tuple(centres.tolist()), tuple(spreads.tolist()), wrong)


def telling(known_ms: Array, count: int) -> Array:
    """Returns which networks to measure on a new device, [count]: those that tell known devices best apart.

    One after the other the network of which least is known, had the ones before been measured: the rows of a
    pivoted Cholesky factor of the covariance over devices, with noise.

    Args:
        known_ms: What models of the known devices say of many networks, [devices, networks].
        count: How many to choose, at most all of them.
    """
    logs = np.log(np.maximum(known_ms, SMALLEST))
    standard = (logs - logs.mean(axis=1, keepdims=True)) / np.maximum(logs.std(axis=1, keepdims=True), 1e-9)
    standard /= np.sqrt(len(standard))
    left = (standard**2).sum(axis=0)
    factor: list[Array] = []
    chosen: list[int] = []
    for _ in range(min(count, logs.shape[1])):
        left[chosen] = -np.inf
        row = int(np.argmax(left))
        covariance = standard[:, row] @ standard
        for earlier in factor:
            covariance = covariance - earlier[row] * earlier
        column = covariance / np.sqrt(covariance[row] + NOISE)
        left = left - column**2
        factor.append(column)
        chosen.append(row)
    return np.array(chosen)


def _positive(measured: Array, values: Array) -> tuple[Array, float, float]:
    """Returns weights of 0 and more, the constant, and the error on examples left out."""
    weights, constant = _mixed(measured, values)
    errors = []
    for i in range(len(values)):
        others = np.delete(np.arange(len(values)), i)
        some, offset = _mixed(measured[:, others], values[others])
        errors.append(offset + some @ measured[:, i] - values[i])
    return weights, constant, float(np.sqrt(np.mean(np.square(errors))))


def _mixed(measured: Array, values: Array) -> tuple[Array, float]:
    count = len(measured)
    centre, spread = values.mean(), values.std() or 1.0
    about = measured - measured.mean(axis=1, keepdims=True)
    pull = np.sqrt(PULL)
    left = np.vstack([about.T, pull * np.eye(count)])
    right = np.concatenate([(values - centre) / spread, np.full(count, pull / count)])
    weights: Array = spread * nnls(left, right)[0]
    return weights, float(centre - weights @ measured.mean(axis=1))


def _signed(standard: Array, rows: Array, values: Array) -> tuple[Array, float, float]:
    """Returns the same three for weights of any sign."""
    mean = standard.mean(axis=0)
    mean /= mean.std() or 1.0
    along = standard @ mean / len(mean)
    around, stretch, _ = np.linalg.svd(standard - np.outer(along, mean), full_matrices=False)
    used = stretch > 1e-9 * max(stretch.max(), 1e-9)
    # Rows of `turn` give the mean device and its components as sums of the known devices.
    scale = standard.mean(axis=0).std() or 1.0
    turn = np.vstack([np.full(len(standard), 1 / len(standard) / scale), around[:, used].T])
    columns = turn @ standard[:, rows]
    model = GroupedRidge((Group(1.0), Group(0.3, alike=False)))
    model.fit([columns[:1].T, columns[1:].T], values)
    constant, (first, rest) = model.weights()
    weights = np.concatenate([first, rest]) @ turn
    return weights, constant, float(np.sqrt(np.mean((model.left_out - values) ** 2)))
