"""What a predictor learns from: checked, in an order of its own, and on a scale that is easy to learn."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri  # type: ignore[import-untyped]
from scipy.stats import rankdata  # type: ignore[import-untyped]

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError

Column: TypeAlias = NDArray[np.float64]
ScaleName = Literal["linear", "rank"]

SCALES = ("linear", "rank")
LARGEST, SMALLEST = 1e150, 1e-150  # so that squares stay finite and above 0
FLAT = 1e-12  # share of the size of the values below which a difference is rounding


def in_order(
    architectures: Sequence[Architecture], values: NDArray[np.float64]
) -> tuple[list[Architecture], Column]:
    """Returns the examples sorted by architecture and value, so that the order they came in changes nothing.

    Raises:
        ConfigError: There are none, a value is not finite, or there are not as many values.
    """
    column = np.asarray(values, np.float64)
    if column.shape != (len(architectures),) or not len(architectures):
        raise ConfigError(
            f"{len(architectures)} architectures with values {list(column.shape)}; give one or more, "
            "with one value each"
        )
    if not np.isfinite(column).all():
        raise ConfigError("a value to learn from is not finite; leave out what failed")
    rows = sorted(range(len(column)), key=lambda i: (architectures[i].choices, column[i]))
    return [architectures[i] for i in rows], column[rows]


class Scale:
    """Brings values to mean 0 and spread 1, and guesses back to the values' unit.

    ``linear`` shifts and divides. ``rank`` gives each value the normal score of its rank, so that a few
    networks that diverged do not outweigh the differences between good ones; a guess is brought back along
    the line through the examples, which keeps the order of the guesses.

    Args:
        name: ``linear`` or ``rank``.

    Raises:
        ConfigError: Another name.
    """

    def __init__(self, name: ScaleName) -> None:
        if name not in SCALES:
            raise ConfigError(f"scale is {name!r}; it must be one of {', '.join(SCALES)}")
        self.name = name
        self._scores = self._values = np.zeros(2)  # corresponding knots, rising
        self._slope = 0.0  # beyond the knots

    def fit(self, values: Column) -> Column:
        """Returns the scores of the examples, [n]; zeros where all values are equal."""
        values = np.clip(values, -LARGEST, LARGEST)
        if np.ptp(values) <= FLAT * max(np.abs(values).max(), SMALLEST):
            self._scores, self._values, self._slope = np.zeros(1), values[:1], 0.0
            return np.zeros(len(values))
        if self.name == "rank":
            scores: Column = ndtri((rankdata(values) - 0.5) / len(values))
            scores = scores / scores.std()
        else:
            scores = (values - values.mean()) / values.std()
        self._scores, first = np.unique(scores, return_index=True)
        self._values = values[first]
        self._slope = float(np.ptp(values) / np.ptp(scores))
        return scores

    def back(self, mean: Column, std: Column) -> tuple[Column, Column]:
        """Returns guesses in the unit of the values: where the mean lies, and half of what one std spans."""
        return self._value(mean), (self._value(mean + std) - self._value(mean - std)) / 2

    def _value(self, score: Column) -> Column:
        """Returns the value at each score, on straight lines between the knots and beyond them."""
        inside = np.clip(score, self._scores[0], self._scores[-1])
        value: Column = np.interp(inside, self._scores, self._values) + self._slope * (score - inside)
        return value
