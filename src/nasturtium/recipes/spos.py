"""SPOS (Guo et al. 2020, arXiv:1904.00420): train single paths at random, then evolve with their weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from nasturtium.evaluate.training import Training
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Evaluator, Strategy
from nasturtium.run.experiment import Method
from nasturtium.run.sharing import Problem
from nasturtium.space.zoo import check_size
from nasturtium.strategy.generations import GenerationalEvolution
from nasturtium.strategy.paths import UniformPaths


@dataclass(frozen=True)
class SPOS:
    """A supernet trained on one random path a step, then evolution with its weights (single path one-shot).

    Attributes:
        epochs: Of the supernet; None is ten times those of a network alone.
        population: Networks of a generation; the best ten of all generations are parents.
        mutation: Probability per decision.
        recalibration: Training images for the norms of each network (the paper's 200 batches of 128).
        finalists: Networks trained alone at the end.
        size: ``small``, or ``published``: 150,000 steps are 120 epochs (but a cosine, not a line).
    """

    PUBLISHED: ClassVar[Mapping[str, Any]] = {
        "epochs": 120,
        "batch_size": 1024,
        "lr": 0.5,
        "weight_decay": 4e-5,
        "label_smoothing": 0.1,
    }

    epochs: int | None = None
    population: int = 50
    mutation: float = 0.1
    recalibration: int = 2048
    finalists: int = 5
    size: str = "small"

    def supernet(self, problem: Problem) -> Supernet:
        """Norms by batch: statistics of one path are wrong for another."""
        check_size(self.size)
        return Supernet(problem.space, seed=problem.seed, norms="batch")

    def training(self, problem: Problem, supernet: Supernet) -> Training:
        """One path a step."""
        small = problem.longer(self.epochs, lr=0.05)
        recipe = small if self.size == "small" else problem.published(self.PUBLISHED)
        return Training(supernet, problem.task, recipe, seed=problem.seed)

    def sampler(self, problem: Problem, steps: int) -> Strategy:
        """Each decision drawn uniformly."""
        return UniformPaths(problem.space, seed=problem.seed)

    def searcher(self, problem: Problem, sampler: Strategy) -> Method:
        """Half of each generation crossed, half mutated."""
        half, size = self.population // 2, self.population
        return partial(GenerationalEvolution, population=size, crossovers=half, mutation=self.mutation)

    def evaluator(self, problem: Problem, supernet: Supernet) -> Evaluator:
        """Errors with norms recalibrated for each network."""
        return problem.inherited(supernet, self.recalibration)
