"""Warm start: architectures to try first, and results of earlier searches as experience."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri  # type: ignore[import-untyped]

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError, SpaceError
from nasturtium.front.dominance import order
from nasturtium.front.objectives import ERROR, Objective, values
from nasturtium.protocols import Candidate, Strategy, Trial
from nasturtium.seeds import seed_for
from nasturtium.space.space import Space
from nasturtium.strategy.archive import Archive
from nasturtium.strategy.evolution import RegularizedEvolution
from nasturtium.strategy.proposals import Method

METRIC = "warm_quantile"  # of each objective: what the inner strategy makes small where there is a prior


class Warmstarted:
    """Asks given architectures first, and tells the inner strategy of earlier tasks before this one.

    The scales of tasks need not agree: what the inner strategy is told are normal quantiles of ranks, task by
    task (Salinas, Shen and Perrone 2020, section 3, arXiv:1909.13595). The quantiles of this task are moved
    so that architectures known from an earlier task have, on average, the quantile that they had there: the
    first results of a search that begins among the good would else pass for average. Earlier results are
    told worst first, so that a population is left with the best of them.

    Differs: ranks take the place of the paper's learnt quantiles, and any strategy that of its Thompson
    sampling. As the ranks of the first results change, the inner strategy is made anew and told everything
    again each time the number of results has doubled.

    Without a prior the inner strategy is told values as they are.

    Args:
        space: Where to search.
        seed: The same seed and the same tells give the same asks.
        objectives: What is made small.
        inner: Makes the strategy.
        seeds: Architectures to ask first, in this order.
        prior: Trials of earlier tasks, a sequence for each, with the metrics of the objectives; see `carried`
            for those of another space.
        first: How many of the best of each earlier task are asked before the inner strategy is.
        told: Whether the inner strategy is told of the earlier tasks; not where it was given them already.

    Raises:
        ConfigError: A seed or an earlier trial is not of this space.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        inner: Method = RegularizedEvolution,
        seeds: Sequence[Architecture] = (),
        prior: Sequence[Sequence[Trial]] = (),
        first: int = 5,
        told: bool = True,
    ) -> None:
        if first < 0:
            raise ConfigError(f"first is {first}; it must be 0 or more")
        given = [*seeds, *(trial.architecture for trials in prior for trial in trials)]
        if strangers := sum(one not in space for one in given):
            raise ConfigError(
                f"{strangers} of the {len(given)} architectures given are not of {space.name}; carry trials "
                "over by their text: carried(old_space, space, trials)"
            )
        self.space, self.seed, self.objectives, self.inner = space, seed, tuple(objectives), inner
        tasks = (rank(self.objectives, trials) for trials in prior)
        ranked = [task for task in tasks if task.quantiles]
        best = (one for task in ranked for one in task.order[:first])
        self._tasks = ranked if told else []
        self._queue = list(dict.fromkeys([*seeds, *best]))
        self._archive = Archive(objectives)
        self._told: list[Trial] = []
        self._known = 0  # how many of these the inner strategy was told
        self._doubled = 2  # results at which the next inner strategy is made
        self._strategy = self._make(seed)

    def ask(self, n: int) -> list[Candidate]:
        """Returns the next `n`: seeds, the best of earlier tasks, then what the inner strategy asks for."""
        queued, self._queue = self._queue[:n], self._queue[n:]
        found = [Candidate(one) for one in queued]
        if len(found) < n:
            self._inform()
            found += self._strategy.ask(n - len(found))
        return found

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results of this task."""
        for trial in trials:
            self._archive.record(trial)
            self._told.append(trial)

    def best(self, k: int) -> list[Architecture]:
        """Returns up to `k` distinct architectures of this task, best first."""
        return self._archive.best(k)

    def _make(self, seed: int) -> Strategy:
        """Returns a fresh inner strategy that knows the earlier tasks."""
        if not self._tasks:
            return self.inner(self.space, seed=seed, objectives=self.objectives)
        objectives = tuple(Objective(f"{METRIC}{i}") for i in range(len(self.objectives)))
        strategy = self.inner(self.space, seed=seed, objectives=objectives)
        for task in self._tasks:
            strategy.tell(task.worst_first())
        return strategy

    def _inform(self) -> None:
        """Tells the inner strategy what it does not know, or a fresh one everything if that has doubled."""
        count, told = len(self._told), self._told
        if self._tasks and self._known < count:
            task = rank(self.objectives, self._told)
            told = task.moved(self._lift(task))
            if count >= self._doubled:
                self._doubled = 2 * count
                # Another seed, or a strategy that samples would ask for the same samples again.
                self._strategy = self._make(seed_for(self.seed, "warm start", count))
                self._known = 0
        self._strategy.tell(told[self._known :])
        self._known = count

    def _lift(self, task: "Ranked") -> NDArray[np.float64]:
        """Returns what to add to the quantiles of this task, [objectives]; see the class."""
        lifts = [
            before - now
            for earlier in self._tasks
            for one, now in task.quantiles.items()
            if (before := earlier.quantiles.get(one)) is not None
        ]
        return np.mean(lifts, axis=0) if lifts else np.zeros(len(self.objectives))


@dataclass(frozen=True, slots=True)
class Ranked:
    """The trials of one task, with the normal quantiles of their ranks.

    Attributes:
        trials: In the order told.
        quantiles: Of each architecture that has values, [objectives]; low is good.
        order: Those architectures, best first.
    """

    trials: tuple[Trial, ...]
    quantiles: dict[Architecture, NDArray[np.float64]]
    order: tuple[Architecture, ...]

    def worst_first(self) -> list[Trial]:
        """Returns a trial for each architecture that has values."""
        return [Trial(Candidate(one), _metrics(self.quantiles[one])) for one in reversed(self.order)]

    def moved(self, lift: NDArray[np.float64]) -> list[Trial]:
        """Returns the trials as they were told, with the quantiles and `lift` as further metrics."""
        found = ((trial, self.quantiles.get(trial.architecture)) for trial in self.trials)
        return [
            trial if own is None else replace(trial, metrics={**trial.metrics, **_metrics(own + lift)})
            for trial, own in found
        ]


def rank(objectives: Sequence[Objective], trials: Sequence[Trial]) -> Ranked:
    """Returns the trials of one task, ranked; of an architecture told several times the last value counts."""
    known = {trial.architecture: values(objectives, trial) for trial in trials}
    known = {one: worth for one, worth in known.items() if np.isfinite(worth).all()}
    if not known:
        return Ranked(tuple(trials), {}, ())
    worths = np.array(list(known.values()))
    quantiles = np.stack([_normal_quantiles(column) for column in worths.T], axis=1)
    names = list(known)
    best_first = tuple(names[i] for i in order(worths))
    return Ranked(tuple(trials), dict(zip(names, quantiles, strict=True)), best_first)


def carried(old: Space, new: Space, trials: Iterable[Trial]) -> list[Trial]:
    """Returns the trials whose architectures the new space has, too: those that it can read as text.

    Args:
        old: Space of the trials.
        new: Space to carry them to.
        trials: Of the old space.
    """
    found = []
    for trial in trials:
        try:
            point = new.parse(old.text(trial.architecture))
        except (SpaceError, ConfigError):  # it lacks a decision, or an option of one
            continue
        found.append(replace(trial, candidate=replace(trial.candidate, point=point, parent=None)))
    return found


def _metrics(quantiles: NDArray[np.float64]) -> dict[str, float]:
    return {f"{METRIC}{i}": value for i, value in enumerate(quantiles.tolist())}


def _normal_quantiles(column: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the standard normal quantile of (rank - 1/2) / n, equal values sharing their mean rank, [n]."""
    _, place, counts = np.unique(column, return_inverse=True, return_counts=True)
    shared = counts.cumsum() - (counts - 1) / 2
    quantiles: NDArray[np.float64] = ndtri((shared[place] - 0.5) / len(column))
    return quantiles
