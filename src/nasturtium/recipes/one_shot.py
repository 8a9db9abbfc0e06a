"""One-shot by path dropout (Bender et al. 2018): train all options at once, then take most away."""

from dataclasses import dataclass

from nasturtium.evaluate.training import Training
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Strategy
from nasturtium.recipes.shared import SharedRecipe
from nasturtium.run.experiment import Method
from nasturtium.run.sharing import Problem
from nasturtium.strategy.path_dropout import PathDropout
from nasturtium.strategy.random import RandomSearch


@dataclass(frozen=True)
class OneShot(SharedRecipe):
    """A supernet trained whole under path dropout, then random search with its weights.

    Bender, Kindermans, Zoph, Vasudevan and Le 2018 (ICML). Norms and dropped paths are those of ghost batches
    of a few images, and weights that a step does not use do not decay.

    Differs: the budget says how many networks are looked at (20,000 there); norms are recalibrated for each.

    Attributes:
        finalists: Networks trained alone at the end (the paper's 10).
        r: All options of a decision are dropped with this probability at the end of the training.
        ghost: Images of a ghost batch.
    """

    finalists: int = 10
    r: float = 0.1
    ghost: int = 16

    def training(self, problem: Problem, supernet: Supernet) -> Training:
        """As many mixtures a step as there are ghost batches."""
        recipe, images = self.recipe(problem), len(problem.task.train)
        last = images % recipe.batch_for(images) or recipe.batch_for(images)
        paths = max(1, min(recipe.batch_for(images) // self.ghost, last // 2))
        return Training(supernet, problem.task, recipe, paths=paths, seed=problem.seed, split=True)

    def sampler(self, problem: Problem, steps: int) -> Strategy:
        """All options but those dropped."""
        return PathDropout(problem.space, steps, seed=problem.seed, r=self.r)

    def searcher(self, problem: Problem, sampler: Strategy) -> Method:
        """Random networks."""
        return RandomSearch
