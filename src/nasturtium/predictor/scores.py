"""Scores that are known of architectures before any training, as columns that predictors learn from."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri  # type: ignore[import-untyped]
from scipy.stats import rankdata  # type: ignore[import-untyped]

from nasturtium.architecture import Architecture

Array = NDArray[np.float64]
Scores: TypeAlias = Callable[[Architecture], Mapping[str, float]]

LARGEST_CACHE = 50_000
LARGEST = float(np.finfo(float).max)  # what infinity counts as


class ScoreColumns:
    """Turns scores into columns that are normal over the examples, whatever scale they have.

    A score that spans thirty orders of magnitude (synflow) and one of a few per cent (NASWOT) then count
    alike. Between examples a score lies on a straight line, beyond them it is that of the outermost; one that
    is not a number, or missing, is that of the middle.

    Args:
        scores: Gives the scores of an architecture, by name; called once for each. A `Proxy` is one.
    """

    def __init__(self, scores: Scores) -> None:
        self._scores = scores
        self._known: dict[Architecture, Mapping[str, float]] = {}
        self._knots: dict[str, tuple[Array, Array]] = {}  # values, rising, and what they become

    def fit(self, architectures: Sequence[Architecture]) -> Array:
        """Learns the names and scales from examples, and returns the columns of these: [n, scores]."""
        rows = [self._row(one) for one in architectures]
        names = sorted({name for row in rows for name in row})
        self._knots = {name: _knots(np.array([row.get(name, np.nan) for row in rows])) for name in names}
        return self(architectures)

    def __call__(self, architectures: Sequence[Architecture]) -> Array:
        """Returns the columns of some architectures, [n, scores]."""
        rows = [self._row(one) for one in architectures]
        columns = [
            _placed([row.get(name, np.nan) for row in rows], *self._knots[name]) for name in self._knots
        ]
        return np.array(columns, float).reshape(len(columns), len(rows)).T

    def _row(self, architecture: Architecture) -> Mapping[str, float]:
        row = self._known.get(architecture)
        if row is None:
            if len(self._known) >= LARGEST_CACHE:
                self._known.clear()
            row = self._known[architecture] = self._scores(architecture)
        return row


def _knots(values: Array) -> tuple[Array, Array]:
    """Returns the different values of the examples, rising, and the normal score of each."""
    given = np.clip(values[~np.isnan(values)], -LARGEST, LARGEST)
    known, first = np.unique(given, return_index=True)
    if len(known) < 2:  # it tells nothing apart
        return np.zeros(1), np.zeros(1)
    places: Array = ndtri((rankdata(given) - 0.5) / len(given))
    return known, (places / places.std())[first]


def _placed(values: Sequence[float], known: Array, places: Array) -> Array:
    column = np.clip(np.array(values, float), -LARGEST, LARGEST)
    absent = np.isnan(column)
    column[absent] = known[0]
    # Differences of numbers of 1e308 are infinite; of their halves and quarters they are not.
    inside: Array = np.interp(column / 4, known / 4, places)
    inside[absent] = 0.0
    return inside
