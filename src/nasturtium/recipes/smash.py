"""SMASH (Brock et al. 2018, arXiv:1708.05344): a hypernetwork writes the weights of random networks."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from nasturtium.net.hypernet import Hypernet
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Strategy
from nasturtium.recipes.shared import SizedRecipe
from nasturtium.run.experiment import Method
from nasturtium.run.sharing import Problem
from nasturtium.strategy.paths import UniformPaths
from nasturtium.strategy.random_then_near import RandomThenNear


@dataclass(frozen=True)
class SMASH(SizedRecipe):
    """A hypernetwork trained on one random network a step, then a search with the weights that it writes.

    The paper looks at 500 random networks, 100 changes of the best, and 100 of whatever is better; here the
    budget says how many there are in all, and trains the best one alone (``finalists=1``).

    Differs: ``published`` is AdamW with torch's betas for Adam with betas of 0.5 and 0.999.

    Attributes:
        random: Networks drawn at random before the best is changed.
        perturbations: Changes of the best of these, before whatever is better is changed.
        layers: Of the hypernetwork's dense block (the paper's 8, 10 and 4 in three).
    """

    PUBLISHED: ClassVar[Mapping[str, Any]] = {
        "epochs": 100,
        "batch_size": 50,
        "optimizer": "adamw",
        "lr": 1e-3,
        "warmup": 0.0,
        "weight_decay": 1e-4,
        "label_smoothing": 0.0,
    }

    random: int = 50
    perturbations: int = 10
    layers: int = 8

    def supernet(self, problem: Problem) -> Supernet:
        """Norms by batch: statistics of one network are wrong for another."""
        return Hypernet(problem.space, seed=problem.seed, layers=self.layers)

    def sampler(self, problem: Problem, steps: int) -> Strategy:
        """Each decision drawn uniformly."""
        return UniformPaths(problem.space, seed=problem.seed)

    def searcher(self, problem: Problem, sampler: Strategy) -> Method:
        """At random, then near the best."""
        return partial(RandomThenNear, random=self.random, perturbations=self.perturbations)
