"""DARTS (Liu et al. 2019, arXiv:1806.09055): descend the validation loss over mixtures of all options."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nasturtium.evaluate.gradient import Gradient, first_order
from nasturtium.evaluate.unrolled import second_order
from nasturtium.protocols import Strategy
from nasturtium.recipes.relaxed import RelaxedRecipe
from nasturtium.run.sharing import Problem
from nasturtium.strategy.darts import DARTS


@dataclass(frozen=True)
class DifferentiableSearch(RelaxedRecipe):
    """A supernet in which all options are mixed, their weights learned by gradient descent.

    Attributes:
        order: 1 takes the weights as they are, 2 looks a step of theirs ahead.
    """

    order: int = 1

    def gradient(self, steps: int) -> Gradient:
        """Of the order that is asked for."""
        return first_order if self.order == 1 else second_order

    def method(self, problem: Problem, steps: int, settings: Mapping[str, Any]) -> Strategy:
        """A softmax over the options of every decision."""
        return DARTS(problem.space, seed=problem.seed, **settings)
