"""SPOS (Guo et al. 2020, arXiv:1904.00420): train single paths at random, then evolve with their weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

from nasturtium.errors import unknown
from nasturtium.protocols import Strategy
from nasturtium.recipes.shared import SizedRecipe
from nasturtium.run.experiment import Method
from nasturtium.run.sharing import Problem
from nasturtium.strategy.cost_paths import CostUniformPaths
from nasturtium.strategy.generations import GenerationalEvolution
from nasturtium.strategy.paths import UniformPaths


@dataclass(frozen=True)
class SPOS(SizedRecipe):
    """A supernet trained on one random path a step, then evolution with its weights (single path one-shot).

    Norms are recalibrated by the paper's 200 batches of 128 where `recalibration` says 25,600. ``published``
    trains its 150,000 steps, 120 epochs (but a cosine, not a line).

    Attributes:
        population: Networks of a generation; the best ten of all generations are parents.
        mutation: Probability per decision.
        over: What is uniform: ``decisions``, as in the paper, or ``macs``, as in the authors' code.
        macs: The band of those, lowest and highest (290 to 360 million in that code); None is where the
            middle 90 % of random networks lie.
    """

    PUBLISHED: ClassVar[Mapping[str, Any]] = {
        "epochs": 120,
        "batch_size": 1024,
        "lr": 0.5,
        "nesterov": False,
        "warmup": 0.0,
        "weight_decay": 4e-5,
        "label_smoothing": 0.1,
    }

    population: int = 50
    mutation: float = 0.1
    over: Literal["decisions", "macs"] = "decisions"
    macs: tuple[float, float] | None = None

    def sampler(self, problem: Problem, steps: int) -> Strategy:
        """Each decision drawn uniformly, or the MACs of the network."""
        if self.over not in ("decisions", "macs"):
            raise unknown("what is uniform", self.over, ("decisions", "macs"))
        if self.over == "macs":
            return CostUniformPaths(problem.space, problem.macs, seed=problem.seed, band=self.macs)
        return UniformPaths(problem.space, seed=problem.seed)

    def searcher(self, problem: Problem, sampler: Strategy) -> Method:
        """Half of each generation crossed, half mutated."""
        half, size = self.population // 2, self.population
        return partial(GenerationalEvolution, population=size, crossovers=half, mutation=self.mutation)
