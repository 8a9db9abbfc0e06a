"""What a search knows from elsewhere: trials of earlier runs and of tables, fixed when it begins."""

import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError, JournalError
from nasturtium.front.objectives import Objective
from nasturtium.protocols import Candidate, Trial
from nasturtium.run.experiment import Experiment
from nasturtium.run.names import TABLES, is_table, table_named
from nasturtium.run.run import Run
from nasturtium.space.space import Space
from nasturtium.store import records
from nasturtium.store.journal import FILE, Journal
from nasturtium.store.schema import storing
from nasturtium.strategy.warmstart import carried, rank

PRIOR = "prior.json"
LARGEST = 500  # networks kept of each earlier task
LISTABLE = 100_000  # networks of a table that are looked through

Prior = list[list[Trial]]  # a list of trials for each earlier task


def experience(experiment: Experiment, journal: Journal) -> Prior:
    """Returns what an experiment starts from, from the copy in its folder where it has begun.

    The copy is written before the first ask, so that a resume does not depend on what has become of the
    earlier runs since.

    Raises:
        ConfigError: There is nothing to start from in one of the sources.
        JournalError: The copy of a search that has begun cannot be read.
    """
    path = journal.path.with_name(PRIOR)
    if not experiment.warm_from:
        return []
    if journal.stages():
        return _read(path, experiment.space)
    prior = [task for source in experiment.warm_from for task in _told(source, experiment)]
    _write(path, prior)
    return prior


def prior_trials(source: str | Path | Run, space: Space) -> Prior:
    """Returns the trials of an earlier search or a table that `space` has.

    Args:
        source: Folder of a run, the run, or the name of a table. Of a run it is its search, a list for each
            fidelity, highest first; of a table its own fidelity.
        space: What they are carried over to, by their text.

    Raises:
        JournalError: The folder holds no sound run.
        StoreError: The run's space cannot be made again.
        ConfigError: There is no such folder or table, or `space` has none of its architectures.
    """
    found = _of_run(source, space) if isinstance(source, Run) else _of_word(str(source), space)
    if not found:
        raise ConfigError(
            f"{named(source)} has no trial of a network that {space.name} has, so there is nothing to start "
            "from: a network must have the same decisions and options in both spaces"
        )
    levels = {trial.candidate.fidelity for trial in found}
    rising = sorted(levels, key=lambda level: float("inf") if level is None else level, reverse=True)
    return [[trial for trial in found if trial.candidate.fidelity == level] for level in rising]


def named(source: str | Path | Run) -> str:
    """Returns what to call a source of earlier trials."""
    return (source.folder if isinstance(source, Run) else Path(source)).as_posix()


def _of_word(word: str, space: Space) -> list[Trial]:
    if Path(word).is_dir():
        return _of_run(Run.load(word), space)
    if is_table(word):
        return _of_table(word, space)
    raise ConfigError(
        f"warm_from: there is no folder {word}, and no table of that name. Give the folder that a search "
        f"wrote to (the one with {FILE}), your results as FILE.csv:SPACE, or a table: {', '.join(TABLES)}"
    )


def _of_run(run: Run, space: Space) -> list[Trial]:
    if run.header.space == space.fingerprint:
        return list(run.trials())
    return carried(run.space, space, run.trials())


def _of_table(word: str, space: Space) -> list[Trial]:
    table = table_named(word)
    every = list(islice(table.architectures(), LISTABLE + 1))
    if len(every) > LISTABLE:
        raise ConfigError(
            f"warm_from: {word} has more than {LISTABLE} networks; give those that matter as FILE.csv:SPACE"
        )
    trials = [table.trial(Candidate(one)) for one in every]
    return trials if table.space.fingerprint == space.fingerprint else carried(table.space, space, trials)


def _told(source: str | Path | Run, experiment: Experiment) -> Prior:
    """Returns the trials of a source that say something about the objectives."""
    folder = source.folder if isinstance(source, Run) else Path(source)
    if folder.resolve() == experiment.folder.resolve():
        raise ConfigError(f"warm_from: {named(source)} is the folder of this search; give another one's")
    tasks = prior_trials(source, experiment.space)
    found = [kept for task in tasks if (kept := _thinned(experiment.objectives, task))]
    if not found:
        has = sorted({name for task in tasks for trial in task for name in trial.metrics})
        wanted = ", ".join(objective.text for objective in experiment.objectives)
        raise ConfigError(
            f"warm_from: no trial of {named(source)} has what this search minimizes ({wanted}); "
            f"they have {', '.join(has) or 'no metrics'}"
        )
    return found


def _thinned(objectives: Sequence[Objective], trials: Sequence[Trial]) -> list[Trial]:
    """Returns a trial for each network that has values, best first.

    Of more than `LARGEST` they are the best half of so many, and the others at even steps through the rest.
    """
    newest = {trial.architecture: trial for trial in trials}
    order = rank(objectives, trials).order
    half = LARGEST // 2
    rest = range(half, len(order))
    steps = [rest[i * len(rest) // half] for i in range(half)] if len(order) > LARGEST else rest
    return [newest[order[i]] for i in (*range(min(half, len(order))), *steps)]


def _write(path: Path, prior: Prior) -> None:
    """Writes the copy; it appears under its name whole or not at all."""
    tasks = [
        [
            {
                "point": trial.architecture.choices,
                "fidelity": trial.candidate.fidelity,
                "metrics": records.write_metrics(trial.metrics),
            }
            for trial in task
        ]
        for task in prior
    ]
    draft = path.with_name(path.name + ".new")
    with storing(path):
        draft.write_text(json.dumps(tasks), encoding="utf-8")
        draft.replace(path)


def _read(path: Path, space: Space) -> Prior:
    try:
        tasks: list[list[dict[str, Any]]] = json.loads(path.read_text(encoding="utf-8"))
        return [[_trial(row, space) for row in task] for task in tasks]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise JournalError(
            f"{path}, the copy of what this search started from, cannot be read ({error}), so the search "
            "cannot go on. Restore it from a copy, or start afresh in another folder."
        ) from error


def _trial(row: dict[str, Any], space: Space) -> Trial:
    point = Architecture(space.fingerprint, tuple(row["point"]))
    return Trial(Candidate(point, row["fidelity"]), records.read_metrics(row["metrics"]))
