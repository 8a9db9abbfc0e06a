"""RS-WS (Li and Talwalkar 2019, arXiv:1902.07638): random search with weight sharing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from nasturtium.protocols import Strategy
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

    # That of DARTS's search (Liu et al. 2019, section 3.1.1); its learning rate falls to 0.001, ours to 0.
    PUBLISHED: ClassVar[Mapping[str, Any]] = {
        "epochs": 50,
        "batch_size": 64,
        "lr": 0.025,
        "weight_decay": 3e-4,
        "clip_norm": 5.0,
    }
    AFFINE = False

    def sampler(self, problem: Problem, steps: int) -> Strategy:
        """Every network alike."""
        return UniformPaths(problem.space, seed=problem.seed, over="architectures")

    def searcher(self, problem: Problem, sampler: Strategy) -> Method:
        """Random networks."""
        return RandomSearch
