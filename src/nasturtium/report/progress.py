"""How far a search had come after each trial, and who was ahead at the end: the method or random search."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasturtium.front.dominance import hypervolume, non_dominated
from nasturtium.report.contents import Contents, Point

CLOSE = 0.01  # a lead of less than a hundredth of the box, or of the error, is called none


@dataclass(frozen=True, slots=True)
class Box:
    """The part of the objectives in which fronts are compared, the same as that of `Run.hypervolume`.

    Attributes:
        ideal: Lowest value of each objective over search and baseline.
        reference: From where hypervolumes are measured.
    """

    ideal: tuple[float, ...]
    reference: tuple[float, ...]

    def share(self, values: NDArray[np.float64]) -> float:
        """Share of the box that `values`, [points, objectives], dominate: 0..1."""
        ideal, reference = np.array(self.ideal), np.array(self.reference)
        size = np.where(reference > ideal, reference - ideal, 1.0)
        return hypervolume((values - ideal) / size, [1.0] * len(size))


@dataclass(frozen=True, slots=True)
class Course:
    """What a stage had reached after each trial that counts.

    Attributes:
        trials: How many trials had been told, failed ones included.
        spent: Training seconds by then.
        reached: Lowest objective so far or, with several, share of the box that the front dominates.
    """

    trials: tuple[int, ...]
    spent: tuple[float, ...]
    reached: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Final result of the method and of random search.

    Attributes:
        method: Lowest objective (one objective) or share of the box dominated (several).
        baseline: The same of random search.
        several: Which of the two it is; more is better with several.
    """

    method: float
    baseline: float
    several: bool

    @property
    def lead(self) -> int:
        """1 when the method is ahead, -1 when random search is, 0 when they are about equal."""
        gain = self.method - self.baseline if self.several else self.baseline - self.method
        scale = 1.0 if self.several else max(abs(self.baseline), abs(self.method))
        if abs(gain) <= CLOSE * scale:
            return 0
        return 1 if gain > 0 else -1


def box_of(contents: Contents) -> Box | None:
    """Returns the box around all trials of search and baseline that count; None while there is none."""
    rows = contents.values([*contents.usable(contents.search), *contents.usable(contents.baseline)])
    return Box(tuple(rows.min(axis=0).tolist()), contents.reference) if len(rows) else None


def course(contents: Contents, points: Sequence[Point], box: Box) -> Course:
    """Returns what `points` (usable ones, in order) had reached after each of them."""
    values = contents.values(points)
    reached = _best(values) if values.shape[1] == 1 else _shares(values, box)
    trials = tuple(point.number + 1 for point in points)
    return Course(trials, tuple(point.spent for point in points), tuple(reached))


def compare(contents: Contents) -> Comparison | None:
    """Returns how the search did beside its baseline; None where one of them has no usable trial."""
    box = box_of(contents)
    ours, theirs = contents.usable(contents.search), contents.usable(contents.baseline)
    if box is None or not ours or not theirs:
        return None
    results = [contents.values(points) for points in (ours, theirs)]
    if len(contents.objectives) == 1:
        return Comparison(float(results[0].min()), float(results[1].min()), several=False)
    return Comparison(box.share(results[0]), box.share(results[1]), several=True)


def _best(values: NDArray[np.float64]) -> list[float]:
    return [float(value) for value in np.minimum.accumulate(values[:, 0])]


def _shares(values: NDArray[np.float64], box: Box) -> list[float]:
    """Share of the box after each row; computed anew only where the row changes the front."""
    front = np.empty((0, values.shape[1]))
    shares: list[float] = []
    for row in values:
        if len(front) and (front <= row).all(axis=1).any():
            shares.append(shares[-1])
            continue
        front = np.vstack([front, row])
        front = front[non_dominated(front)]
        shares.append(box.share(front))
    return shares
