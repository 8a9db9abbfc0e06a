"""FairNAS (Chu, Zhang and Xu 2021, arXiv:1907.01845): every option is trained equally often."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from nasturtium.evaluate.training import Training
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Strategy
from nasturtium.recipes.shared import SizedRecipe
from nasturtium.run.experiment import Method
from nasturtium.run.sharing import Problem
from nasturtium.strategy.fair import FairPaths
from nasturtium.strategy.nsga2 import NSGA2


@dataclass(frozen=True)
class FairNAS(SizedRecipe):
    """A supernet trained with strict fairness, then NSGA-II with its weights.

    Attributes:
        epochs: Of the supernet; None is ten times those of a network alone, shared by the paths of a step.
        population: Of NSGA-II.
    """

    PUBLISHED: ClassVar[Mapping[str, Any]] = {
        "epochs": 150,
        "batch_size": 256,
        "lr": 0.045,
        "nesterov": False,
        "warmup": 0.0,
        "weight_decay": 4e-5,
        "label_smoothing": 0.0,
    }  # section 4.1

    population: int = 20

    def training(self, problem: Problem, supernet: Supernet) -> Training:
        """As many paths a step as a decision has options, their gradients summed."""
        paths = FairPaths(problem.space).paths
        recipe = self.recipe(problem, paths)
        return Training(supernet, problem.task, recipe, paths=paths, seed=problem.seed)

    def sampler(self, problem: Problem, steps: int) -> Strategy:
        """Each decision's options once a step."""
        return FairPaths(problem.space, seed=problem.seed)

    def searcher(self, problem: Problem, sampler: Strategy) -> Method:
        """Error and costs at once."""
        return partial(NSGA2, population=self.population)
