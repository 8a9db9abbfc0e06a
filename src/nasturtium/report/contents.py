"""What a report page says, as plain data: all that the page reads, so that any run can fill it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasturtium.front.dominance import non_dominated
from nasturtium.front.objectives import Constraint, Objective
from nasturtium.protocols import Status
from nasturtium.report.supernet import Supernet
from nasturtium.run.exported import Exported
from nasturtium.run.retrained import Retrained
from nasturtium.space.layers import Network

Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Point:
    """One trial.

    Attributes:
        number: Which one of its stage, from 0.
        text: The architecture, in the space's human-readable form.
        metrics: Name to value.
        spent: Training seconds of its stage up to and with this trial, and of all that the stage builds on;
            NaN where nobody counted.
        status: As of the trial.
        problem: Why the status is not ``ok``.
        fidelity: What was spent on it, in the evaluator's unit; inf is all there is.
    """

    number: int
    text: str
    metrics: Mapping[str, float]
    spent: float = math.nan
    status: Status = "ok"
    problem: str | None = None
    fidelity: float = math.inf


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a run.

    Attributes:
        name: Of the stage.
        points: Its trials, in the order they were told.
        seconds: Its wall time.
        before: Training seconds of the stages that it builds on: of a supernet and the search with its
            weights.
    """

    name: str
    points: tuple[Point, ...] = ()
    seconds: float = math.nan
    before: float = 0.0


@dataclass(frozen=True, slots=True)
class Pick:
    """A network chosen from the front, and what came of training it again on all training data.

    Attributes:
        name: What the run calls it.
        text: The architecture.
        found: Metrics of the trial that it was chosen for; ``error`` is on the validation split.
        again: Its final trainings, tested on the test split; None while there was none.
        network: What to draw; None draws nothing.
        model: Where the trained weights are, as a user would type it; None where none were kept.
    """

    name: str
    text: str
    found: Mapping[str, float]
    again: Retrained | None = None
    network: Network | None = None
    model: str | None = None

    @property
    def tested(self) -> Retrained | None:
        """The final trainings, where at least one of them succeeded."""
        return self.again if self.again and self.again.errors else None


@dataclass(frozen=True, slots=True)
class Contents:
    """All that a report page says.

    Attributes:
        title: Heading of the page.
        asked: What was asked for, as label and text.
        method: Name of the method.
        objectives: What was made small.
        reference: The point from which hypervolumes are measured, as the run says; with one objective unused.
        constraints: What was to be respected.
        budgets: Within each of which a network was to be picked.
        search: The search itself.
        baseline: Random search at equal cost; None where there was none.
        later: Other stages, such as the final trainings, for their cost and failures.
        picks: Networks chosen and trained again.
        facts: Seeds, versions, device, dates, as label and text.
        folder: The run folder, as a user would type it.
        finished: Whether all that was asked for has been done.
        command: What to type to do it again.
        specification: The same as TOML.
        test_images: Size of the test split; None where unknown.
        answers: What a network is asked about: images, or characters.
        files: Exported files of the picks.
        supernet: What its monitor saw; None of a run without one.
    """

    title: str
    asked: Facts
    method: str
    objectives: tuple[Objective, ...]
    search: Stage
    reference: tuple[float, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    budgets: tuple[Constraint, ...] = ()
    baseline: Stage | None = None
    later: tuple[Stage, ...] = ()
    picks: tuple[Pick, ...] = ()
    facts: Facts = ()
    folder: str = ""
    finished: bool = True
    command: str = ""
    specification: str = ""
    test_images: int | None = None
    answers: str = "images"
    files: tuple[Exported, ...] = ()
    supernet: Supernet | None = None

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Search, baseline and later stages, as far as there are any."""
        return (self.search, *((self.baseline,) if self.baseline else ()), *self.later)

    def usable(self, stage: Stage | None) -> list[Point]:
        """The trials of a stage that are ok, meet every constraint and have every objective.

        Of several fidelities only the highest: neither a score nor an error after one epoch stands beside
        errors of whole trainings.
        """
        points = [point for point in stage.points if point.status == "ok"] if stage else []
        highest = max((point.fidelity for point in points), default=math.inf)
        return [
            point
            for point in points
            if point.fidelity == highest
            and all(constraint.holds(point.metrics) for constraint in self.constraints)
            and all(math.isfinite(objective(point.metrics)) for objective in self.objectives)
        ]

    def values(self, points: Sequence[Point]) -> NDArray[np.float64]:
        """Objectives of trials, [points, objectives]."""
        rows = [[objective(point.metrics) for objective in self.objectives] for point in points]
        return np.asarray(rows, np.float64).reshape(len(points), len(self.objectives))

    def front(self, points: Sequence[Point]) -> list[Point]:
        """Those of `points` that no other dominates, one of equals, sorted by the last objective."""
        values = self.values(points)
        kept: dict[tuple[float, ...], Point] = {}
        for point, row, good in zip(points, values, non_dominated(values) if points else (), strict=True):
            if good:
                kept.setdefault(tuple(row), point)
        return [kept[row] for row in sorted(kept, key=lambda row: row[::-1])]
