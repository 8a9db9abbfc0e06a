"""Neural fabrics (Saxena and Verbeek 2016, arXiv:1606.02492): train all edges at once, prune the weakest."""

from dataclasses import dataclass
from functools import partial

from nasturtium.evaluate.kernel_norms import kernel_norms
from nasturtium.evaluate.training import Training
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Strategy
from nasturtium.recipes.shared import SharedRecipe
from nasturtium.run.experiment import Method
from nasturtium.run.sharing import Problem
from nasturtium.strategy.fixed import Fixed
from nasturtium.strategy.pruning import Pruning


@dataclass(frozen=True)
class NeuralFabric(SharedRecipe):
    """A fabric trained whole, then with ever fewer of its edges, those of the smallest kernels gone first.

    Differs: the paper keeps the whole fabric; which edges stay is chosen here by the objectives.

    Attributes:
        levels: Networks to choose from: all edges, then fewer and fewer.
    """

    levels: int = 10

    def supernet(self, problem: Problem) -> Supernet:
        """It is a single network, so its statistics are its own."""
        return Supernet(problem.space, seed=problem.seed)

    def training(self, problem: Problem, supernet: Supernet) -> Training:
        """All edges in every step."""
        recipe = self.recipe(problem)
        return Training(supernet, problem.task, recipe, seed=problem.seed, gradient=kernel_norms)

    def sampler(self, problem: Problem, steps: int) -> Strategy:
        """The whole fabric, whose last step tells how strong each edge is."""
        return Pruning(problem.space, steps, seed=problem.seed, levels=self.levels)

    def searcher(self, problem: Problem, sampler: Strategy) -> Method:
        """The fabric with all edges, then with fewer."""
        return partial(Fixed, architectures=sampler.best(self.levels))
