"""DrNAS (Chen et al. 2021, arXiv:2006.10355): mixtures drawn from learned Dirichlet distributions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from nasturtium.protocols import Strategy
from nasturtium.recipes.relaxed import RelaxedRecipe
from nasturtium.run.sharing import Problem
from nasturtium.strategy.drnas import DrNAS


@dataclass(frozen=True)
class DirichletSearch(RelaxedRecipe):
    """A supernet of mixtures drawn from Dirichlet distributions, whose concentrations are learned.

    Differs: one stage, whole channels, as the paper's on NAS-Bench-201.
    """

    PUBLISHED: ClassVar[Mapping[str, Any]] = {
        "epochs": 50,
        "batch_size": 64,
        "lr": 0.1,
        "weight_decay": 3e-4,
        "clip_norm": 5.0,
    }
    RATE = 6e-4

    def method(self, problem: Problem, steps: int, rate: float) -> Strategy:
        """A draw for every step."""
        return DrNAS(problem.space, seed=problem.seed, learning_rate=rate)
