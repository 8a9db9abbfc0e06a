"""What a search knows from earlier ones: trials of run folders, and architectures given as text."""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from nasturtium.errors import ConfigError
from nasturtium.protocols import Trial
from nasturtium.run.experiment import Method
from nasturtium.run.run import Run
from nasturtium.space.space import Space
from nasturtium.strategy.warmstart import Warmstarted, carried


def warmed(
    method: Method, space: Space, *, warm_from: Sequence[str | Path] = (), seeds: Iterable[str] = ()
) -> Method:
    """Returns a method that starts from earlier runs and given architectures; the same where there are none.

    Args:
        method: Makes the strategy.
        space: Where it will search.
        warm_from: Folders of earlier runs, with the metrics of the new objectives.
        seeds: Architectures as `Space.text` writes them, asked first.
    """
    given = [space.parse(line) for line in seeds]
    prior = [task for folder in warm_from for task in prior_trials(folder, space)]
    return partial(Warmstarted, inner=method, seeds=given, prior=prior) if given or prior else method


def prior_trials(folder: str | Path, space: Space) -> list[list[Trial]]:
    """Returns the trials of an earlier search that `space` has, a list for each fidelity, highest first.

    Raises:
        JournalError: There is no run in the folder.
        StoreError: Its space cannot be made again.
        ConfigError: The space has none of its architectures.
    """
    run = Run.load(folder)
    trials = run.trials()
    if run.space.fingerprint != space.fingerprint:
        trials = tuple(carried(run.space, space, trials))
    if not trials:
        raise ConfigError(f"{folder} has no trial of a network that {space.name} has; nothing to start from")
    levels = {trial.candidate.fidelity for trial in trials}
    rising = sorted(levels, key=lambda level: float("inf") if level is None else level, reverse=True)
    return [[trial for trial in trials if trial.candidate.fidelity == level] for level in rising]
