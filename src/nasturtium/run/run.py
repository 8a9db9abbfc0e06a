"""A run: what a search wrote into its folder, read back."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from nasturtium.errors import NasturtiumError, StoreError
from nasturtium.front.dominance import hypervolume, non_dominated
from nasturtium.front.objectives import Constraint, Objective, parse_constraint, parse_objective
from nasturtium.protocols import Trial
from nasturtium.run.final import final_stage
from nasturtium.run.front import Front, Pick
from nasturtium.run.names import space_named, task_named
from nasturtium.run.picks import Choice, feasible, picked
from nasturtium.run.retrained import Retrained
from nasturtium.run.spec import Spec
from nasturtium.run.stages import BASELINE, SEARCH
from nasturtium.run.typed import from_table
from nasturtium.store.journal import Journal
from nasturtium.store.records import Ended, Event, Told

if TYPE_CHECKING:
    from nasturtium.space.space import Space
    from nasturtium.tasks.supervised import Supervised


class Run:
    """Everything that is known of a search. Made by `search` and `Run.load`.

    Attributes:
        folder: Where it is kept.
        header: What the journal says of itself.
        sessions: The processes that worked on it, with devices and versions.
        spec: What was asked, resolved.
        objectives: What is made small.
        constraints: What must hold.
    """

    def __init__(
        self, folder: str | Path, *, space: Space | None = None, task: Supervised | None = None
    ) -> None:
        self.folder = folder = Path(folder)
        with Journal.read(folder) as journal:
            self.header = journal.header
            self.sessions = journal.sessions()
            self._events: dict[str, list[Event]] = {
                stage: journal.events(stage) for stage in journal.stages()
            }
        self.spec = from_table(Spec, self.header.spec, str(journal.path))
        self.objectives: tuple[Objective, ...] = tuple(map(parse_objective, self.spec.minimize))
        self.constraints: tuple[Constraint, ...] = tuple(map(parse_constraint, self.spec.subject_to))
        self._space, self._task = space, task

    @classmethod
    def load(cls, folder: str | Path, *, space: Space | None = None, task: Supervised | None = None) -> Self:
        """Returns the run of a folder, also while it is going on.

        Args:
            folder: The `out` of a search.
            space: The space, where the search was given one that has no name.
            task: The same for its data.

        Raises:
            JournalError: there is no run in it, or its journal is not sound.
        """
        return cls(Path(folder), space=space, task=task)

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r}, {len(self.trials())} trials, {len(self.front)} on the front)"

    @cached_property
    def space(self) -> Space:
        """The space, bound to the shapes of the data.

        Raises:
            StoreError: it has no name by which it could be made again, or that name now means another space.
        """
        advice = f"give it: Run.load({str(self.folder)!r}, space=...)"
        try:
            space: Space = self._space or space_named(self.spec.space)
        except NasturtiumError as error:
            raise StoreError(
                f"the space {self.spec.space!r} cannot be made from its name; {advice}"
            ) from error
        if space.fingerprint != self.header.space:
            raise StoreError(f"the space {self.spec.space!r} is not the one that was searched; {advice}")
        return space.bind(self.header.input_shape, self.header.outputs)

    @cached_property
    def task(self) -> Supervised:
        """The data, read again where it was not given.

        Raises:
            StoreError: it has no name by which it could be found again.
        """
        try:
            return self._task or task_named(self.spec.data, self.spec.seed)
        except NasturtiumError as error:
            advice = f"give it: Run.load({str(self.folder)!r}, task=...)"
            raise StoreError(f"the data {self.spec.data!r} cannot be read: {error}; {advice}") from error

    def trials(self, stage: str = SEARCH) -> tuple[Trial, ...]:
        """Returns the trials of a stage (``search``, ``baseline``, ``retrain``) as they were told."""
        return tuple(t for e in self.events(stage) if isinstance(e, Told) for t in e.trials)

    def events(self, stage: str = SEARCH) -> tuple[Event, ...]:
        """Returns everything that happened in a stage, in order."""
        return tuple(self._events.get(stage, ()))

    def seconds(self, stage: str = SEARCH) -> float:
        """Wall time that a stage took, over all sessions."""
        events = self.events(stage)
        return events[-1].seconds if events else 0.0

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages that began, in order."""
        return tuple(self._events)

    @property
    def complete(self) -> bool:
        """Whether every stage that was asked for has ended."""
        compared = self.spec.baseline and any(trial.status == "ok" for trial in self.trials())
        wanted = [SEARCH, *([BASELINE] if compared else [])]
        if self.header.task and self.spec.retrain.picks:
            wanted.append(self._final)
        ends = [self.events(stage)[-1:] for stage in wanted]
        return all(end and isinstance(end[0], Ended) for end in ends)

    @cached_property
    def front(self) -> Front:
        """The front of the search."""
        return self.front_of(SEARCH)

    @property
    def baseline(self) -> Front:
        """The front that random search found at equal cost; empty where it was not run."""
        return self.front_of(BASELINE)

    @property
    def best(self) -> Pick:
        """The network of the lowest error on the front."""
        return self.front.pick()

    def front_of(self, stage: str) -> Front:
        """Returns the front of a stage, among the trials that succeeded and meet the constraints."""
        trials, points = self.feasible(stage)
        rows = np.flatnonzero(non_dominated(points)).tolist()
        names = {c.row: c.name for c in self._choices} if stage == SEARCH else {}
        order = sorted(rows, key=lambda row: tuple(points[row]))
        return Front([self._pick(trials[row], names.get(row)) for row in order])

    @cached_property
    def picks(self) -> tuple[Pick, ...]:
        """The networks chosen to be trained again, with what came of it where it has happened."""
        trials, _ = self.feasible()
        return tuple(self._pick(trials[choice.row], choice.name) for choice in self._choices)

    def feasible(self, stage: str = SEARCH) -> tuple[list[Trial], NDArray[np.float64]]:
        """Returns the trials of a stage that `picks.feasible` keeps, and their objectives [n, m]."""
        return feasible(self.trials(stage), self.objectives, self.constraints)

    @cached_property
    def reference(self) -> tuple[float, ...]:
        """The point from which hypervolumes are measured, the same for search and baseline.

        In each objective the worst value over all trials of both that succeeded and meet the constraints,
        and a tenth of the range beyond it, so that the extremes of a front count.
        """
        points = self._both()
        if not len(points):
            return (float("nan"),) * len(self.objectives)
        worst = points.max(axis=0)
        beyond = np.maximum(0.1 * (worst - points.min(axis=0)), 1e-12 * np.abs(worst))
        return tuple(float(value) for value in worst + beyond)

    def hypervolume(self, stage: str = SEARCH) -> float:
        """Returns the share that a front dominates of the box from ideal to reference point, 0..1.

        The ideal point has the lowest value in each objective over both stages; see `reference`.
        """
        _, points = self.feasible(stage)
        if not len(points):
            return 0.0
        ideal, reference = self._both().min(axis=0), np.array(self.reference)
        size = np.where(reference > ideal, reference - ideal, 1.0)
        return hypervolume((points - ideal) / size, [1.0] * len(self.objectives))

    def _both(self) -> NDArray[np.float64]:
        return np.concatenate([self.feasible(SEARCH)[1], self.feasible(BASELINE)[1]])

    @cached_property
    def _choices(self) -> list[Choice]:
        retrain = self.spec.retrain
        return picked(*self.feasible(), self.objectives, retrain.picks, retrain.budgets)

    @cached_property
    def _final(self) -> str:
        trials, _ = self.feasible()
        chosen = [trials[choice.row].architecture for choice in self._choices]
        return final_stage(self.events, chosen, self.spec.retrain)

    def _pick(self, trial: Trial, name: str | None) -> Pick:
        again = tuple(t for t in self.trials(self._final) if t.architecture == trial.architecture)
        return Pick(
            self, trial, name or f"trial-{trial.candidate.number}", Retrained(again) if again else None
        )
