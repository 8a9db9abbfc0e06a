"""DARTS-PT (Wang et al. 2021, arXiv:2108.04392): DARTS, then options are worth what is lost without them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from nasturtium.evaluate.training import Training
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Strategy
from nasturtium.recipes.relaxed import RelaxedRecipe
from nasturtium.run.sharing import Problem
from nasturtium.strategy.darts import DARTS
from nasturtium.strategy.perturbation import Perturbation
from nasturtium.strategy.succession import Succession


@dataclass(frozen=True)
class SelectedByPerturbation(RelaxedRecipe):
    """DARTS whose decisions are settled one by one, by the error of the supernet without each option.

    Differs: tuning goes on with the optimiser and the falling learning rate of the search; an option is
    judged on `batches` validation minibatches, the same for all, not on the whole split.

    Attributes:
        tuned: Share of the steps that tune the supernet while it is settled.
        batches: Validation minibatches that options are compared on.
    """

    tuned: float = 0.3
    batches: int = 4

    def trained(self, problem: Problem, supernet: Supernet) -> Training:
        """Options are compared on the same images."""
        training = super().trained(problem, supernet)
        training.rewards, training.judged = "same", self.batches
        return training

    def method(self, problem: Problem, steps: int, settings: Mapping[str, Any]) -> Strategy:
        """A search by DARTS, then the questions of the selection."""
        first = DARTS(problem.space, seed=problem.seed, **settings)
        made = partial(Perturbation, problem.space, seed=problem.seed)
        tune = max(1, int(self.tuned * steps / max(1, made().questions)))
        search = max(1, steps - tune * made().questions)
        return Succession(first, search, lambda: made(start=first.mixture(), tune=tune))
