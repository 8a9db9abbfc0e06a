"""RS-WS (Li and Talwalkar 2019, arXiv:1902.07638): random search with weight sharing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from nasturtium.evaluate.training import Training
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Evaluator, Strategy
from nasturtium.run.experiment import Method
from nasturtium.run.sharing import Problem
from nasturtium.space.zoo import check_size
from nasturtium.strategy.paths import UniformPaths
from nasturtium.strategy.random import RandomSearch


@dataclass(frozen=True)
class RandomWeightSharing:
    """A supernet trained on one random network a step, then random search with its weights.

    The baseline of all weight sharing: nothing is learned but the weights.

    Differs: the paper scores 1,000 networks on one validation minibatch each and the best ten on the whole
    split; here every network gets the whole split, and norms recalibrated for it.

    Attributes:
        epochs: Of the supernet; None is ten times those of a network alone.
        recalibration: Training images for the norms of each network.
        finalists: Networks trained alone at the end.
        size: ``small``, or ``published`` for the settings of the paper.
    """

    # That of DARTS's search (Liu et al. 2019, section 3.1.1); its learning rate falls to 0.001, ours to 0.
    PUBLISHED: ClassVar[Mapping[str, Any]] = {
        "epochs": 50,
        "batch_size": 64,
        "lr": 0.025,
        "weight_decay": 3e-4,
        "clip_norm": 5.0,
    }

    epochs: int | None = None
    recalibration: int = 2048
    finalists: int = 5
    size: str = "small"

    def supernet(self, problem: Problem) -> Supernet:
        """Norms by batch, without scale and shift."""
        check_size(self.size)
        return Supernet(problem.space, seed=problem.seed, norms="batch", affine=False)

    def training(self, problem: Problem, supernet: Supernet) -> Training:
        """One network a step."""
        small = problem.longer(self.epochs, lr=0.05)
        recipe = small if self.size == "small" else problem.published(self.PUBLISHED)
        return Training(supernet, problem.task, recipe, seed=problem.seed)

    def sampler(self, problem: Problem, steps: int) -> Strategy:
        """Every network alike."""
        return UniformPaths(problem.space, seed=problem.seed, over="architectures")

    def searcher(self, problem: Problem, sampler: Strategy) -> Method:
        """Random networks."""
        return RandomSearch

    def evaluator(self, problem: Problem, supernet: Supernet) -> Evaluator:
        """Errors with norms recalibrated for each network."""
        return problem.inherited(supernet, self.recalibration)
