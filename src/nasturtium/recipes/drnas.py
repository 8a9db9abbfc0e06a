"""DrNAS (Chen et al. 2021, arXiv:2006.10355): mixtures drawn from learned Dirichlet distributions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from nasturtium.errors import ConfigError
from nasturtium.evaluate.staged import Staged, seen_as
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Strategy
from nasturtium.recipes.relaxed import RelaxedRecipe
from nasturtium.run.sharing import Problem
from nasturtium.run.steps import Stepwise
from nasturtium.space.zoo.darts_stages import narrowed
from nasturtium.strategy.drnas import DrNAS, progressive


@dataclass(frozen=True)
class DirichletSearch(RelaxedRecipe):
    """A supernet of mixtures drawn from Dirichlet distributions, whose concentrations are learned.

    Attributes:
        stages: 1, the paper's on NAS-Bench-201; 2 is the paper's on the space of DARTS: half of the steps on
            fewer channels, where the space mixes a part of them, then all of that part and the strongest 4 of
            7 options (`darts_search_of(36, thirds(20), ..., ops=OPS[1:], partial=4)`; a sixth comes first).
    """

    PUBLISHED = RelaxedRecipe.PUBLISHED | {"lr": 0.1, "floor": 0.0}
    RATE = 6e-4

    stages: Literal[1, 2] = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stages not in (1, 2):
            raise ConfigError(f"stages is {self.stages}; it must be 1 or 2")

    def training(self, problem: Problem, supernet: Supernet) -> Stepwise:
        """One supernet; the channels that come in begin with their first weights."""
        if self.stages == 1:
            return self.trained(problem, supernet)
        # The one with the thinnest convolutions decides how both are executed.
        training = self.trained(problem, seen_as(supernet, narrowed(problem.space)))
        first = training.supernet.space
        return Staged([training], [(0, first), (training.steps // 2, problem.space)])

    def method(self, problem: Problem, steps: int, settings: Mapping[str, Any]) -> Strategy:
        """A draw for every step."""
        if self.stages == 1:
            return DrNAS(problem.space, seed=problem.seed, **settings)
        return progressive(problem.space, steps // 2, seed=problem.seed, **settings)
