"""P-DARTS (Chen et al. 2019, arXiv:1904.12760): ever deeper supernets with ever fewer operations."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from nasturtium.evaluate.staged import Staged, seen_as
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Strategy
from nasturtium.recipes.relaxed import RelaxedRecipe
from nasturtium.run.sharing import Problem
from nasturtium.seeds import seed_for
from nasturtium.strategy.p_darts import STAGES, staged


@dataclass(frozen=True)
class ProgressiveDARTS(RelaxedRecipe):
    """Three supernets, each deeper than the one before and of the operations that were strongest in it.

    The last is as deep as the space; the paper's 5, 11 and 17 cells need one of 17
    (`darts_search_of(16, thirds(17), ...)`). In a space without search cells all have the same depth.

    Attributes:
        skips: The most skip connections that the normal cell may have.
    """

    PUBLISHED = RelaxedRecipe.PUBLISHED | {"epochs": 25, "batch_size": 96, "floor": 0.0}
    RATE = 6e-4
    SUPERNETS = len(STAGES)

    skips: int = 2

    def training(self, problem: Problem, supernet: Supernet) -> Staged:
        """One supernet after another, the last with the weights of the one given; dropout falls by epoch."""
        epochs = self.recipe(problem, self.SUPERNETS * problem.widest).epochs
        spaces = [[stage.space(problem.space, one, epochs) for one in range(epochs)] for stage in STAGES]
        trainings = []
        for number, (space, *_) in enumerate(spaces):
            seed = seed_for(problem.seed, "p-darts/stage", number)
            stage = replace(problem, space=space, seed=seed)
            last = number == len(STAGES) - 1
            trainings.append(self.trained(stage, seen_as(supernet, space) if last else self.supernet(stage)))
        every = trainings[0].steps // epochs
        inner = [space for one in spaces for space in one]
        return Staged(trainings, [(number * every, space) for number, space in enumerate(inner)])

    def method(self, problem: Problem, steps: int, settings: Mapping[str, Any]) -> Strategy:
        """DARTS in three stages."""
        each = steps // len(STAGES)
        return staged(problem.space, each, seed=problem.seed, skips=self.skips, **settings)
