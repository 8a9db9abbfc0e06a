"""DrNAS (Chen et al. 2021, arXiv:2006.10355): mixtures drawn from learned Dirichlet distributions."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

from nasturtium.errors import ConfigError
from nasturtium.protocols import Strategy
from nasturtium.recipes.relaxed import RelaxedRecipe
from nasturtium.run.sharing import Problem
from nasturtium.seeds import seed_for
from nasturtium.strategy.drnas import DrNAS
from nasturtium.strategy.p_darts import FROZEN, kept
from nasturtium.strategy.succession import Succession


@dataclass(frozen=True)
class DirichletSearch(RelaxedRecipe):
    """A supernet of mixtures drawn from Dirichlet distributions, whose concentrations are learned.

    Differs: of two stages both run those channels that the space says (`pc_darts_search`: a quarter), where
    the paper goes from a sixth to a quarter.

    Attributes:
        stages: 1, the paper's on NAS-Bench-201; 2 goes on with the strongest 4 of 7 options of each decision,
            and leaves the concentrations as they are for the first 2/5 of each stage.
    """

    PUBLISHED: ClassVar[Mapping[str, Any]] = {
        "epochs": 50,
        "batch_size": 64,
        "lr": 0.1,
        "weight_decay": 3e-4,
        "clip_norm": 5.0,
    }
    RATE = 6e-4

    stages: Literal[1, 2] = 1

    def method(self, problem: Problem, steps: int, rate: float) -> Strategy:
        """A draw for every step."""
        made = partial(DrNAS, problem.space, learning_rate=rate)
        if self.stages not in (1, 2):
            raise ConfigError(f"stages is {self.stages}; it must be 1 or 2")
        if self.stages == 1:
            return made(seed=problem.seed)
        half = max(1, steps // 2)
        first = made(seed=problem.seed, warmup=int(FROZEN * half))

        def second() -> DrNAS:
            narrow = made(seed=seed_for(problem.seed, "drnas/stage", 1), warmup=int(FROZEN * half))
            narrow.alpha = first.alpha
            narrow.narrow(kept(problem.space, first.mixture(), 4 / 7))
            return narrow

        return Succession(first, half, second)
