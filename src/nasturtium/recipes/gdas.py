"""GDAS (Dong and Yang 2019, arXiv:1910.04465): one sampled path a step, descended through."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nasturtium.protocols import Strategy
from nasturtium.recipes.relaxed import RelaxedRecipe
from nasturtium.run.sharing import Problem
from nasturtium.strategy.gdas import GDAS


@dataclass(frozen=True)
class GumbelSearch(RelaxedRecipe):
    """A supernet that runs the strongest options of a Gumbel-softmax sample, whose weights are learned."""

    PUBLISHED = RelaxedRecipe.PUBLISHED | {"epochs": 250}
    MIXES = False

    def method(self, problem: Problem, steps: int, settings: Mapping[str, Any]) -> Strategy:
        """A temperature that falls from 10 to 0.1 over the training."""
        return GDAS(problem.space, seed=problem.seed, steps=steps, **settings)
