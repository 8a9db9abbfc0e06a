"""DARTS- (Chu et al. 2021, arXiv:2009.01027): a skip beside every mixture, which fades."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nasturtium.protocols import Strategy
from nasturtium.recipes.relaxed import RelaxedRecipe
from nasturtium.run.sharing import Problem
from nasturtium.strategy.darts_minus import DARTSMinus


@dataclass(frozen=True)
class AuxiliarySkip(RelaxedRecipe):
    """DARTS whose skips need not help the training: an auxiliary one does, and fades over it."""

    def method(self, problem: Problem, steps: int, settings: Mapping[str, Any]) -> Strategy:
        """An auxiliary skip that fades over the training."""
        return DARTSMinus(problem.space, seed=problem.seed, steps=steps, **settings)
