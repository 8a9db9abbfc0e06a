"""Whether the supernet of a run ranked networks as their trainings alone did."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nasturtium.architecture import Architecture
from nasturtium.evaluate.agreement import Agreement, paired
from nasturtium.evaluate.alarms import Alarm, alarms
from nasturtium.evaluate.course import Course
from nasturtium.protocols import Trial
from nasturtium.run.monitored import read
from nasturtium.run.sharing import SAMPLE, looked_at
from nasturtium.run.stages import BASELINE, SEARCH

if TYPE_CHECKING:
    from nasturtium.run.run import Run

LAST = 0.1  # of a training, over which the error of its mixture is averaged


def agreement_of(run: Run, course: Course | None) -> Agreement:
    """Returns how far errors with the shared weights of a run say what trainings alone say.

    Networks of random search are compared where they were evaluated with shared weights, else the finalists.
    """
    shared = _errors([trial for stage in (*looked_at(run.stages), SAMPLE) for trial in run.trials(stage)])
    drawn, finalists = _errors(run.trials(BASELINE)), _errors(run.trials(SEARCH))
    drawn = {one: error for one, error in drawn.items() if one in shared}
    mixture = discrete = math.nan
    if course is not None and course.derived:
        known = [error for error in course.error if math.isfinite(error)]
        last = known[-math.ceil(LAST * len(known)) :]
        mixture = sum(last) / len(last) if last else math.nan
        discrete = shared.get(Architecture(run.header.space, course.derived), math.nan)
    return Agreement(paired(shared, drawn or finalists), bool(drawn), mixture, discrete)


def alarms_of(run: Run) -> list[Alarm]:
    """Returns what there is to warn of in a run: nothing where it trained no supernet."""
    course = read(run.folder)
    return alarms(course, agreement_of(run, course)) if course else []


def _errors(trials: Sequence[Trial]) -> dict[Architecture, float]:
    good = [trial for trial in trials if trial.status == "ok" and "error" in trial.metrics]
    return {
        trial.candidate.point: trial.metrics["error"]
        for trial in good
        if isinstance(trial.candidate.point, Architecture)
    }
