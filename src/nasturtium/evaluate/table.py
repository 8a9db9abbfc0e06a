"""The evaluator that looks results up in a table of trainings made by others (a tabular benchmark)."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError, DataError, unknown
from nasturtium.evaluate.one_by_one import OneByOne
from nasturtium.protocols import Candidate, Trial
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space

Column: TypeAlias = NDArray[np.float64]

LOOKED_THROUGH = 20_000  # architectures of a space that are asked, in a second or two, which row is theirs


@dataclass(frozen=True, slots=True)
class Level:
    """What a table knows of all architectures at one fidelity; NaN where it knows nothing.

    An infinite number is what a training that broke down leaves: it becomes NaN.

    Attributes:
        once: Metric to values, [rows]: costs, and results that are means of several trainings.
        runs: Metric to values, [rows, trainings]; a training is one place on the last axis, in all metrics.
    """

    once: Mapping[str, Column]
    runs: Mapping[str, Column]

    def __post_init__(self) -> None:
        object.__setattr__(self, "once", {name: _finite(column) for name, column in self.once.items()})
        object.__setattr__(self, "runs", {name: _finite(column) for name, column in self.runs.items()})


class Table(OneByOne):
    """Gives every candidate the result that its training had, and the seconds that it took.

    Trials are like those of `Scratch`: ``error`` (0..1), ``train_seconds`` (simulated: what the training took
    then, not the look-up), ``epochs``, and whatever else the table has. A candidate's `fidelity` picks the
    level; a `parent` changes nothing, since the trainings of one level were not continued from those of
    another.

    Args:
        space: Of the architectures.
        levels: What is known, by fidelity (epochs of training).
        row: Number of an architecture's row, None where the table has none; called only with architectures
            of the space.
        epochs: Level of a candidate that names no fidelity.
        seed: Which of the trainings of an architecture is seen: with a seed it is one, drawn by the seed and
            the row, so that an architecture always shows the same; None sees their mean, which no single
            training costs and no search could have afforded.
        objective: The metric that a search of this table should make small.
        listed: The architectures that have a row; None looks through the space for them.

    Raises:
        ConfigError: There is no level of that many epochs.
        UnknownName: That level has no metric called `objective`.
    """

    def __init__(
        self,
        space: Space,
        levels: Mapping[int, Level],
        row: Callable[[Architecture], int | None],
        *,
        epochs: int,
        seed: int | None = None,
        objective: str = "error",
        listed: Iterable[Architecture] | None = None,
    ) -> None:
        self.space, self.levels, self.row = space, levels, row
        self._listed = None if listed is None else tuple(listed)
        self.epochs, self.seed, self.objective = epochs, seed, objective
        self._optima: dict[str, float] = {}
        if problem := self._lacks(epochs):
            raise ConfigError(problem)
        self._need(objective)

    @property
    def metrics(self) -> frozenset[str]:
        """Names of what it knows at its own fidelity, ``epochs`` aside."""
        level = self.levels[self.epochs]
        return frozenset({*level.once, *level.runs})

    @cached_property
    def fingerprint(self) -> str:
        """What tells it from another table: its numbers, whose they are, and which of them are seen."""
        digest = blake2b(digest_size=8)
        digest.update(" ".join(map(str, (self.space.fingerprint, self.epochs, self.seed))).encode())
        digest.update(self.objective.encode())
        for epochs, level in sorted(self.levels.items()):
            for kind, columns in (("once", level.once), ("runs", level.runs)):
                for name, column in sorted(columns.items()):
                    values = np.where(np.isnan(column), np.nan, column).astype("<f8")  # one NaN for all NaNs
                    digest.update(f"{epochs} {kind} {name} {values.shape}".encode())
                    digest.update(values.tobytes())
        for architecture, row in (self._rows or {}).items():
            digest.update(f"{architecture.choices} {row}".encode())
        return digest.hexdigest()

    def architectures(self) -> Iterator[Architecture]:
        """Yields the architectures that have a row; those of a large space may take long."""
        every = self.space if self._listed is None else self._listed
        return (one for one in every if self.row(one) is not None)

    def trial(self, candidate: Candidate) -> Trial:
        """Returns what came of one candidate; one that the table does not have is a failed trial."""
        point = candidate.point
        epochs = self.epochs if candidate.fidelity is None else candidate.fidelity
        if not isinstance(point, Architecture) or point not in self.space:
            return Trial(
                candidate, status="failed", error=f"{point} is not an architecture of {self.space.name}"
            )
        if problem := self._lacks(epochs):
            return Trial(candidate, status="failed", error=problem)
        row = self.row(point)
        if row is None:
            absent = f"the table has no training of {self.space.text(point)}"
            return Trial(candidate, status="failed", error=absent)
        level = self.levels[epochs]
        seen = {name: float(column[row]) for name, column in level.once.items()} | self._seen(level, row)
        metrics = {name: value for name, value in seen.items() if math.isfinite(value)}
        metrics["epochs"] = float(epochs)
        if self.objective in seen and self.objective not in metrics:
            lost = f"the recorded training of {epochs} epochs has no {self.objective}"
            return Trial(candidate, metrics, status="failed", error=lost)
        return Trial(candidate, metrics)

    def truth(self, architecture: Architecture) -> dict[str, float]:
        """Returns the metrics of an architecture at the table's own fidelity, means over its trainings.

        What a search was told, with a seed, is one training; this is what its findings are judged by. NaN
        where the table has no number.

        Raises:
            DataError: The table does not have the architecture.
        """
        row = self.row(architecture) if architecture in self.space else None
        if row is None:
            raise DataError(f"the table of {self.space.name} has no row for {architecture}")
        level = self.levels[self.epochs]
        once = {name: float(column[row]) for name, column in level.once.items()}
        return once | {name: float(means(column[row])) for name, column in level.runs.items()}

    def optimum(self, metric: str | None = None) -> float:
        """Returns the lowest `truth` of all architectures in `metric`, by default the objective.

        NaN where no architecture has that metric. Where architectures are not listed and the space is too
        large to be looked through, every row is taken for that of an architecture.

        Raises:
            UnknownName: The table has no such metric.
        """
        name = self.objective if metric is None else metric
        if name not in self._optima:
            self._need(name)
            level = self.levels[self.epochs]
            column = level.once[name] if name in level.once else means(level.runs[name])
            if self._rows is not None:
                column = column[np.fromiter(self._rows.values(), int)]
            known = column[~np.isnan(column)]
            self._optima[name] = float(known.min()) if known.size else math.nan
        return self._optima[name]

    @cached_property
    def _rows(self) -> dict[Architecture, int] | None:
        """The row of each architecture that has one; None where that is every row, or nobody can say."""
        if self._listed is None and (self.row == self.space.rank or self.space.count > LOOKED_THROUGH):
            return None
        every = ((one, self.row(one)) for one in (self.space if self._listed is None else self._listed))
        return {one: row for one, row in every if row is not None}

    def _seen(self, level: Level, row: int) -> dict[str, float]:
        """Returns the metrics of one training, or the means of all, of an architecture's trainings."""
        trainings = {name: column[row] for name, column in level.runs.items()}
        if self.seed is None or not trainings:
            return {name: float(means(values)) for name, values in trainings.items()}
        there = np.flatnonzero(~np.isnan(np.stack(list(trainings.values()))).all(axis=0))
        if not there.size:
            return dict.fromkeys(trainings, math.nan)
        run = there[int(rng_for(self.seed, "table", row).random() * there.size)]
        return {name: float(values[run]) for name, values in trainings.items()}

    def _need(self, metric: str) -> None:
        if metric not in self.metrics:
            raise unknown("metric", metric, self.metrics, where=f"the table of {self.space.name}")

    def _lacks(self, epochs: int) -> str | None:
        if epochs in self.levels:
            return None
        known = ", ".join(map(str, sorted(self.levels)))
        return f"no training of {epochs} epochs in the table of {self.space.name}; it has {known} epochs"


def _finite(column: Column) -> Column:
    infinite = np.isinf(column)
    return np.where(infinite, np.nan, column) if infinite.any() else column


def means(runs: Column) -> Column:
    """Returns the mean over the last axis of what is not NaN there; NaN where all is."""
    there = ~np.isnan(runs)
    counts = there.sum(axis=-1)
    with np.errstate(invalid="ignore"):  # 0 / 0 where there is nothing
        mean: Column = np.where(there, runs, 0.0).sum(axis=-1) / counts
    return mean
