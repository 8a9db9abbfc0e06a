"""RobustDARTS (Zela et al. 2020, arXiv:1909.09656): DARTS that stops when the loss gets sharp."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from nasturtium.evaluate.gradient import Gradient
from nasturtium.evaluate.hessian import Curvature
from nasturtium.protocols import Strategy
from nasturtium.recipes.relaxed import RelaxedRecipe
from nasturtium.run.sharing import Problem
from nasturtium.strategy.darts import DARTS
from nasturtium.strategy.robust_darts import RobustDARTS


@dataclass(frozen=True)
class EarlyStopping(RelaxedRecipe):
    """DARTS, stopped where the dominant eigenvalue of the validation loss's Hessian begins to rise."""

    def gradient(self, steps: int) -> Gradient:
        """With the eigenvalue, fifty times in all, as the paper finds it after each of 50 epochs."""
        return Curvature(every=max(1, steps // 50))

    def method(self, problem: Problem, steps: int, settings: Mapping[str, Any]) -> Strategy:
        """Mixtures, until it stops."""
        return RobustDARTS(problem.space, seed=problem.seed, inner=partial(DARTS, **settings))
