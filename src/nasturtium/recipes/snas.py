"""SNAS (Xie et al. 2019, arXiv:1812.09926): mixtures drawn ever closer to single paths."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nasturtium.evaluate.gradient import Gradient
from nasturtium.evaluate.single_level import single_level
from nasturtium.protocols import Strategy
from nasturtium.recipes.relaxed import RelaxedRecipe
from nasturtium.run.sharing import Problem
from nasturtium.strategy.snas import SNAS


@dataclass(frozen=True)
class StochasticSearch(RelaxedRecipe):
    """A supernet of relaxed samples, whose distribution is learned on the training images themselves."""

    PUBLISHED = RelaxedRecipe.PUBLISHED | {"epochs": 150}

    def gradient(self, steps: int) -> Gradient:
        """One level: weights and distribution learn from the same images."""
        return single_level

    def method(self, problem: Problem, steps: int, settings: Mapping[str, Any]) -> Strategy:
        """A temperature that falls over the training."""
        return SNAS(problem.space, seed=problem.seed, steps=steps, **settings)
