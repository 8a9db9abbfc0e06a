"""RS-WS (Li and Talwalkar 2019, arXiv:1902.07638): random search with weight sharing."""

from dataclasses import dataclass

from nasturtium.protocols import Strategy
from nasturtium.recipes.relaxed import RelaxedRecipe
from nasturtium.recipes.shared import SizedRecipe
from nasturtium.run.experiment import Method
from nasturtium.run.sharing import Problem
from nasturtium.strategy.paths import UniformPaths
from nasturtium.strategy.random import RandomSearch


@dataclass(frozen=True)
class RandomWeightSharing(SizedRecipe):
    """A supernet trained on one random network a step, then random search with its weights.

    The baseline of all weight sharing: nothing is learned but the weights.

    Differs: the paper scores 1,000 networks on one validation minibatch each and the best ten on the whole
    split; here every network gets the whole split, and norms recalibrated for it.
    """

    PUBLISHED = RelaxedRecipe.PUBLISHED  # the paper's is DARTS's training of the shared weights
    AFFINE = False

    def sampler(self, problem: Problem, steps: int) -> Strategy:
        """Every network alike."""
        return UniformPaths(problem.space, seed=problem.seed, over="architectures")

    def searcher(self, problem: Problem, sampler: Strategy) -> Method:
        """Random networks."""
        return RandomSearch
