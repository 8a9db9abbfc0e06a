"""Samplers of Optuna as strategies, for benches: every decision is a categorical parameter."""

import warnings
from collections.abc import Sequence

import optuna

from nasturtium.architecture import Architecture
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.protocols import Candidate, Trial
from nasturtium.space.space import Space
from nasturtium.strategy.archive import Archive

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


class OptunaGP:
    """Optuna's Gaussian process sampler, with its defaults; a decision that does not exist is still drawn.

    Args:
        space: Where to search.
        seed: Of the sampler.
        objectives: What is made small; one.
    """

    def __init__(self, space: Space, *, seed: int = 0, objectives: Sequence[Objective] = ERROR) -> None:
        self.space = space
        self._study = optuna.create_study(sampler=optuna.samplers.GPSampler(seed=seed))
        self._choices = {
            decision.path: optuna.distributions.CategoricalDistribution(range(len(decision.labels)))
            for decision in space.decisions
        }
        self._archive = Archive(objectives)
        self._waiting: dict[Architecture, list[int]] = {}

    def ask(self, n: int) -> list[Candidate]:
        """Returns `n` candidates."""
        return [self._next() for _ in range(n)]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results of what was asked."""
        for trial in trials:
            worth = self._archive.record(trial)
            number = self._waiting[trial.architecture].pop(0)
            if worth is None:
                self._study.tell(number, state=optuna.trial.TrialState.FAIL)
            else:
                self._study.tell(number, worth[0])

    def best(self, k: int) -> list[Architecture]:
        """Returns up to `k` distinct architectures, best first."""
        return self._archive.best(k)

    def _next(self) -> Candidate:
        drawn = self._study.ask(self._choices)
        options = [drawn.params[decision.path] for decision in self.space.decisions]
        for i, here in enumerate(self.space.active(Architecture(self.space.fingerprint, tuple(options)))):
            options[i] = options[i] if here else 0
        architecture = Architecture(self.space.fingerprint, tuple(options))
        self._waiting.setdefault(architecture, []).append(drawn.number)
        return Candidate(architecture)
