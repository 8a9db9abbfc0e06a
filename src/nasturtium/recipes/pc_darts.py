"""PC-DARTS (Xu et al. 2020, arXiv:1907.05737): a part of the channels is mixed, edges have weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nasturtium.protocols import Strategy
from nasturtium.recipes.relaxed import RelaxedRecipe
from nasturtium.run.sharing import Problem
from nasturtium.strategy.pc_darts import PCDARTS


@dataclass(frozen=True)
class PartialChannels(RelaxedRecipe):
    """DARTS with weights for edges, on a space of partial channels (``pc_darts_search``).

    In another space it is DARTS with a warm-up of the weights.
    """

    PUBLISHED = RelaxedRecipe.PUBLISHED | {"batch_size": 256, "lr": 0.1, "floor": 0.0}
    RATE = 6e-4

    def method(self, problem: Problem, steps: int, settings: Mapping[str, Any]) -> Strategy:
        """The weights alone for the first 15 of 50 epochs."""
        return PCDARTS(problem.space, seed=problem.seed, warmup=3 * steps // 10, **settings)
