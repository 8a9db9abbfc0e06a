"""A learned model of latency: the look-up table's sums, and what the decisions add to them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Architecture
from nasturtium.cost.table import PLACED, WORK
from nasturtium.cost.work import Work
from nasturtium.predictor.features import Row, counts, one_hot
from nasturtium.predictor.grouped import Group, GroupedRidge
from nasturtium.space.space import Space

Array = NDArray[np.float64]

# What may explain latency: the columns of the table; how often each option is taken; where; and two by two.
COLUMNS = (WORK, PLACED, Group(0.1, alike=False), Group(1.0, alike=False), Group(0.1, alike=False))
PAIRS = Group(0.03, alike=False, power=2)


def latency_regression() -> GroupedRidge:
    """Returns the model that `LatencyColumns` are for; noise is a share of the latency."""
    return GroupedRidge((*COLUMNS, PAIRS), relative=True)


class LatencyModel:
    """Predicts latency from the work of the layers and from the decisions that led to them.

    Where a cell has branches, or a runtime drops what nothing reads, a layer's time depends on its place; the
    decisions say which. How far to trust each of six groups of columns is decided by the evidence, so a
    dozen measurements are enough to start with and hundreds are used in full.

    Args:
        space: Bound to the shapes of a task.

    Attributes:
        left_out: What the other examples say of each, [n].
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self._columns = LatencyColumns(space)
        self._model = latency_regression()
        self.left_out: Array = np.zeros(0)
        self._off = 0.0

    def fit(self, architectures: Sequence[Architecture], values: Array) -> None:
        """Learns from networks and their latencies in milliseconds, [n]."""
        matrices = self._columns(architectures, learn=True)
        self._model.fit(matrices, values)
        self.left_out = self._model.left_out
        self._off = float(np.sqrt(np.mean((self.left_out / values - 1) ** 2)))

    def predict(self, architectures: Sequence[Architecture]) -> tuple[Array, Array]:
        """Returns milliseconds, [n], and as error bars what examples were off when left out, [n]."""
        mean = self._model.predict(self._columns(architectures))
        return mean, self._off * np.abs(mean)


class LatencyColumns:
    """Turns architectures into the six matrices of `LatencyModel`, one row for each.

    Args:
        space: Bound to the shapes of a task.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self.work = Work(space)
        self._names: list[list[str]] = [[] for _ in range(5)]

    def __call__(self, architectures: Sequence[Architecture], learn: bool = False) -> list[Array]:
        """Returns the matrices; where `learn` is set, the columns are those that these architectures have."""
        rows = [self._parts(one) for one in architectures]
        if learn:
            self._names = [sorted({name for row in rows for name in row[i]}) for i in range(5)]
        matrices = [
            np.array([[row[i].get(name, 0.0) for name in names] for row in rows], float)
            for i, names in enumerate(self._names)
        ]
        shaped = [one.reshape(len(rows), -1) for one in matrices]
        return [*shaped, shaped[-1]]

    def _parts(self, architecture: Architecture) -> tuple[Row, Row, Row, Row, Row]:
        kinds = self.work.kinds(architecture)
        work: dict[str, float] = {}
        for kind, times in kinds.items():
            for name, amount in self.work.known[kind].items():
                work[name] = work.get(name, 0.0) + times * amount
        summed = {name: amount for name, amount in work.items() if "@" not in name}
        placed = {name: amount for name, amount in work.items() if "@" in name}
        taken = counts(self.space, architecture), one_hot(self.space, architecture)
        return summed, placed, dict(kinds), *taken
