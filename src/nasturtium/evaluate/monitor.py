"""Watches what a supernet is trained on, to tell when its networks can no longer be trusted."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Architecture, Mixture
from nasturtium.evaluate.course import Course
from nasturtium.protocols import Trial
from nasturtium.space.operations import operations_of
from nasturtium.strategy.derive import derived

if TYPE_CHECKING:
    from nasturtium.space.space import Space

SAMPLES = 50  # values of a series; as many as the published searches have epochs
PATHS = 50  # single paths whose options make a distribution
Rows = tuple[tuple[float, ...], ...]


class Monitor:
    """Folds the steps of a training into a `Course`; learns from nothing but what is told of them.

    The distribution that is looked at is the mean of what was trained: the mixtures since the last look or,
    where single paths are trained, the options of the last 50 of them. Fifty uniform paths through five
    options have an entropy of 0.975 of the largest, not 1: they are a sample.

    Args:
        space: Bound to a task.
        total: Steps of the training.
        pick: Gives the network that its method would pick now, or nothing (`Strategy.best`); None is the one
            that the mixture stands for. A mixture may have more in it than what is learned, as DARTS- does.
    """

    def __init__(
        self, space: Space, total: int, pick: Callable[[int], Sequence[Architecture]] | None = None
    ) -> None:
        self.space, self.total, self.pick = space, total, pick
        self.every = max(1, math.ceil(total / SAMPLES))
        self.step = 0
        self._operations = operations_of(space)
        self._sizes = tuple(len(d.labels) for d in space.decisions)
        self._counts = [np.zeros(size, np.int64) for size in self._sizes]
        self._recent: deque[Rows] = deque(maxlen=max(PATHS, self.every))
        self._since: list[Trial] = []
        self._steps: list[int] = []
        self._values: list[tuple[float, float, float, float, float]] = []
        self._eigenvalues: list[tuple[int, float]] = []
        self._learned = self._ended = False
        self._derived: tuple[int, ...] = ()

    def fold(self, trials: Sequence[Trial]) -> bool:
        """Takes what came of one step; returns whether it was time for a look.

        Trials of fidelity 0 trained nothing: they are rewards of a policy, and no step.
        """
        trained = [trial for trial in trials if trial.candidate.fidelity != 0]
        if not trained:
            return False
        self.step += 1
        for trial in trained:
            self._take(trial)
        if self.step % self.every and self.step != self.total:
            return False
        self._look()
        return True

    def end(self) -> None:
        """Takes a last look, where the training ended between two."""
        if self._since:
            self._look()
        self._ended = True

    @property
    def course(self) -> Course:
        """What was seen so far."""
        columns = zip(*self._values, strict=True) if self._values else ((),) * 5
        loss, error, narrow, skips, weightless = (tuple(column) for column in columns)
        return Course(
            self.total,
            tuple((d.path, d.labels) for d in self.space.decisions),
            tuple(self._steps),
            loss=loss,
            error=error,
            entropy=narrow,
            skips=skips,
            weightless=weightless,
            eigenvalues=tuple(self._eigenvalues),
            counts=tuple(tuple(row.tolist()) for row in self._counts),
            learned=self._learned,
            derived=self._derived,
            ended=self._ended,
        )

    def _take(self, trial: Trial) -> None:
        point = trial.candidate.point
        self._since.append(trial)
        self._recent.append(self._rows(point))
        self._learned |= trial.gradient is not None
        if isinstance(point, Architecture):
            for number, exists in enumerate(self.space.active(point)):
                self._counts[number][point.choices[number]] += exists
        else:
            for row, options in zip(self._counts, point.running, strict=True):
                row[list(options)] += 1
        eigenvalue = trial.metrics.get("eigenvalue", math.nan)
        if math.isfinite(eigenvalue):
            self._eigenvalues.append((self.step, eigenvalue))

    def _look(self) -> None:
        rows = shown = self._distribution()
        if self._learned:
            network = self._picked(rows)
            self._derived = network.choices
            shown = [np.array(row) for row in self._rows(network)]
        good = [trial for trial in self._since if trial.status == "ok"]
        losses = [trial.metrics.get("train_loss", trial.metrics.get("loss", math.nan)) for trial in good]
        errors = [trial.metrics.get("error", math.nan) for trial in good if trial.gradient is not None]
        self._steps.append(self.step)
        self._values.append((_mean(losses), _mean(errors), entropy(rows), *self._shares(shown)))
        self._since = []

    def _picked(self, rows: Sequence[NDArray[np.float64]]) -> Architecture:
        for network in self.pick(1) if self.pick is not None else ():
            return network
        mixture = Mixture(self.space.fingerprint, tuple(tuple(row.tolist()) for row in rows))
        return derived(self.space, mixture)

    def _distribution(self) -> list[NDArray[np.float64]]:
        """Mean weights of the options of each decision; a decision that was never there has none."""
        recent = list(self._recent)
        if any(max(row, default=1.0) < 1 for row in recent[-1] if sum(row)):  # a mixture says it all itself
            recent = recent[-max(1, len(self._since)) :]
        columns = zip(*recent, strict=True)
        sums = [np.sum(np.array(column, np.float64), axis=0) for column in columns]
        return [row / row.sum() if row.sum() else row for row in sums]

    def _rows(self, point: Architecture | Mixture) -> Rows:
        """Weights of the options, 1 in all for each decision that exists, else 0."""
        if isinstance(point, Mixture):
            totals = [sum(row) or 1.0 for row in point.weights]
            return tuple(
                tuple(weight / total for weight in row)
                for row, total in zip(point.weights, totals, strict=True)
            )
        active = self.space.active(point)
        return tuple(
            tuple(float(exists and option == choice) for option in range(size))
            for size, choice, exists in zip(self._sizes, point.choices, active, strict=True)
        )

    def _shares(self, rows: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
        """Shares of skips and of operations without weights, of all through which something flows."""
        skips = weightless = flowing = there = 0.0
        for number in self._operations.decisions:
            row, kinds = rows[number], self._operations
            flows = row * ~np.array(kinds.nothing[number])
            there += row.sum()
            flowing += flows.sum()
            skips += flows[np.array(kinds.skips[number])].sum()
            weightless += flows[np.array(kinds.weightless[number])].sum()
        if not there:
            return math.nan, math.nan
        # A network of nothing but ``none`` is as far gone as one of skips.
        return (float(skips / flowing), float(weightless / flowing)) if flowing else (0.0, 1.0)


def entropy(rows: Sequence[NDArray[np.float64]]) -> float:
    """Returns the entropy of distributions over the largest possible, their mean: 0..1.

    Rows of one option, or without any weight, have nothing to decide and are left out; NaN is none left.
    """
    found = []
    for row in rows:
        some = row[row > 0]
        if len(row) > 1 and len(some):
            found.append(float(-(some * np.log(some)).sum() / math.log(len(row))))
    return _mean(found)


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return sum(known) / len(known) if known else math.nan
