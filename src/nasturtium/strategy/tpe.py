"""Tree-structured Parzen estimator, through Optuna's sampler."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.protocols import Candidate, Trial
from nasturtium.seeds import seed_for
from nasturtium.space.decisions import Decision, exists
from nasturtium.space.space import Space
from nasturtium.strategy.archive import Archive

if TYPE_CHECKING:
    import optuna


class TPE:
    """Draws from a density of the good networks, and keeps what is least likely among the others.

    Bergstra, Bardenet, Bengio and Kegl 2011 (section 4) and Bergstra, Yamins and Cox 2013: decisions are
    drawn in order, only those that exist, each by the densities of the networks that had it. Several
    objectives are split by front and hypervolume (Ozaki et al. 2020, MOTPE). What is being evaluated counts
    as bad, so that many can be asked at once.

    Differs: as Optuna does it. The good ones are a tenth, at most 25, and the densities are joint over
    decisions that exist together (Falkner et al. 2018) where `joint` says so. A failed or infeasible network
    teaches nothing.

    Args:
        space: Where to search.
        seed: The same seed and the same tells give the same asks.
        objectives: What is made small.
        startup: Networks told before the densities are used; random ones until then.
        candidates: Draws from the density of the good ones for every ask.
        joint: Whether decisions are drawn together; otherwise each by itself.
        ordered: Whether options that are rising numbers are steps of a scale; otherwise they are labels.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        startup: int = 10,
        candidates: int = 24,
        joint: bool = True,
        ordered: bool = True,
    ) -> None:
        if startup < 1 or candidates < 1:
            raise ConfigError(f"startup is {startup} and candidates {candidates}; both must be 1 or more")
        self.space = space
        self.seed = seed
        self.startup = startup
        self.candidates = candidates
        self.joint = joint
        self.ordered = ordered
        self._archive = Archive(objectives)
        self._waiting: dict[Architecture, list[int]] = {}  # numbers of Optuna's trials, oldest first
        self._asked = 0

    def ask(self, n: int) -> list[Candidate]:
        """Returns `n` candidates."""
        return [self._next() for _ in range(n)]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results, those of networks that were never asked for included."""
        for trial in trials:
            worth = self._archive.record(trial)
            numbers = self._waiting.get(trial.architecture)
            if numbers:
                self._finish(numbers.pop(0), worth)
            elif worth is not None:
                self._add(trial.architecture, worth)

    def best(self, k: int) -> list[Architecture]:
        """Returns up to `k` distinct architectures, best first."""
        return self._archive.best(k)

    def _next(self) -> Candidate:
        self._study.sampler = self._sampler()
        drawn = self._study.ask()
        choices = [0] * len(self.space.decisions)
        for i, decision in enumerate(self.space.decisions):
            if decision.path in self._scales and exists(decision.places, choices):
                choices[i] = self._option(drawn, decision)
        architecture = Architecture(self.space.fingerprint, tuple(choices))
        self._waiting.setdefault(architecture, []).append(drawn.number)
        self._asked += 1
        return Candidate(architecture)

    def _option(self, drawn: optuna.Trial, decision: Decision) -> int:
        last = len(decision.labels) - 1
        if self.ordered and rises(decision):
            return drawn.suggest_int(decision.path, 0, last)
        return int(drawn.suggest_categorical(decision.path, tuple(range(last + 1))))

    def _sampler(self) -> optuna.samplers.BaseSampler:
        """Returns a sampler whose generator depends on the number of the ask alone."""
        import optuna

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return optuna.samplers.TPESampler(
                seed=seed_for(self.seed, "tpe", self._asked) % 2**32,  # what numpy's older generator takes
                n_startup_trials=self.startup,
                n_ei_candidates=self.candidates,
                multivariate=self.joint,
                group=self.joint,
                constant_liar=True,
            )

    def _finish(self, number: int, worth: tuple[float, ...] | None) -> None:
        import optuna

        if worth is None:
            self._study.tell(number, state=optuna.trial.TrialState.FAIL)
        else:
            self._study.tell(number, worth)

    def _add(self, architecture: Architecture, worth: tuple[float, ...]) -> None:
        import optuna

        rows = zip(self.space.decisions, architecture.choices, self.space.active(architecture), strict=True)
        taken = {d.path: option for d, option, here in rows if here and d.path in self._scales}
        scales = {path: self._scales[path] for path in taken}
        self._study.add_trial(optuna.create_trial(values=worth, params=taken, distributions=scales))

    @cached_property
    def _study(self) -> optuna.Study:
        import optuna

        with _silent():
            return optuna.create_study(directions=["minimize"] * len(self._archive.objectives))

    @cached_property
    def _scales(self) -> dict[str, optuna.distributions.BaseDistribution]:
        """The scale of every decision that has a second option, by its path."""
        from optuna.distributions import CategoricalDistribution, IntDistribution

        return {
            decision.path: IntDistribution(0, len(decision.labels) - 1)
            if self.ordered and rises(decision)
            else CategoricalDistribution(tuple(range(len(decision.labels))))
            for decision in self.space.decisions
            if len(decision.labels) > 1
        }


def rises(decision: Decision) -> bool:
    """Whether the options are numbers in rising order."""
    numbers = [o for o in decision.options if isinstance(o, int | float) and not isinstance(o, bool)]
    return len(numbers) == len(decision.options) and all(a < b for a, b in pairwise(numbers))


@contextmanager
def _silent() -> Iterator[None]:
    """Keeps Optuna from announcing a new study on the terminal."""
    from optuna import logging

    before = logging.get_verbosity()
    logging.set_verbosity(logging.WARNING)
    try:
        yield
    finally:
        logging.set_verbosity(before)
