"""SMASH (Brock et al. 2018, arXiv:1708.05344): a hypernetwork writes the weights of random networks."""

from dataclasses import dataclass
from functools import partial

from nasturtium.evaluate.training import Training
from nasturtium.net.hypernet import Hypernet
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Evaluator, Strategy
from nasturtium.run.experiment import Method
from nasturtium.run.sharing import Problem
from nasturtium.strategy.paths import UniformPaths
from nasturtium.strategy.random_then_near import RandomThenNear


@dataclass(frozen=True)
class SMASH:
    """A hypernetwork trained on one random network a step, then a search with the weights that it writes.

    Differs: SGD by the recipe's settings, where the paper trains 100 epochs by Adam at 1e-3. The paper looks
    at 500 random networks and 200 near the best; here the budget says how many.

    Attributes:
        epochs: Of the hypernetwork; None is ten times those of a network alone.
        random: Networks drawn at random before the best is changed.
        perturbations: Changes of the best of these, before whatever is better is changed.
        layers: Of the hypernetwork's dense block.
        recalibration: Training images for the norms of each network.
        finalists: Networks trained alone at the end (the paper's 1).
    """

    epochs: int | None = None
    random: int = 50
    perturbations: int = 10
    layers: int = 8
    recalibration: int = 2048
    finalists: int = 5

    def supernet(self, problem: Problem) -> Supernet:
        """Norms by batch: statistics of one network are wrong for another."""
        return Hypernet(problem.space, seed=problem.seed, layers=self.layers)

    def training(self, problem: Problem, supernet: Supernet) -> Training:
        """One network a step."""
        recipe = problem.longer(self.epochs, lr=0.05)
        return Training(supernet, problem.task, recipe, seed=problem.seed)

    def sampler(self, problem: Problem, steps: int) -> Strategy:
        """Each decision drawn uniformly."""
        return UniformPaths(problem.space, seed=problem.seed)

    def searcher(self, problem: Problem, sampler: Strategy) -> Method:
        """At random, then near the best."""
        return partial(RandomThenNear, random=self.random, perturbations=self.perturbations)

    def evaluator(self, problem: Problem, supernet: Supernet) -> Evaluator:
        """Errors with weights written and norms recalibrated for each network."""
        return problem.inherited(supernet, self.recalibration)
