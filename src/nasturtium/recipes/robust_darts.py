"""RobustDARTS (Zela et al. 2020, arXiv:1909.09656): DARTS that stops when the loss gets sharp."""

from dataclasses import dataclass
from functools import partial

from nasturtium.evaluate.hessian import Curvature
from nasturtium.evaluate.training import Training
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Evaluator, Strategy
from nasturtium.run.experiment import Method
from nasturtium.run.sharing import Problem, derived
from nasturtium.space.zoo import check_size
from nasturtium.strategy.darts import DARTS
from nasturtium.strategy.robust_darts import RobustDARTS

PUBLISHED = {"epochs": 50, "batch_size": 64, "lr": 0.025, "weight_decay": 3e-4, "clip_norm": 5.0}


@dataclass(frozen=True)
class EarlyStopping:
    """DARTS, stopped where the dominant eigenvalue of the validation loss's Hessian begins to rise.

    Attributes:
        epochs: Of the supernet; None is ten times those of a network alone, shared by the options that run.
        recalibration: Training images for the norms of the network found.
        finalists: Networks trained alone at the end: the one that is found.
        size: ``small``, or ``published`` for the settings of the paper.
    """

    epochs: int | None = None
    recalibration: int = 2048
    finalists: int = 1
    size: str = "small"

    def supernet(self, problem: Problem) -> Supernet:
        """Norms by batch, without scale and shift."""
        check_size(self.size)
        return Supernet(problem.space, seed=problem.seed, norms="batch", affine=False)

    def training(self, problem: Problem, supernet: Supernet) -> Training:
        """All options a step; the eigenvalue is found fifty times in all, as the paper's 50 epochs do."""
        small = problem.longer(self.epochs, lr=0.05, paths=problem.widest)
        recipe = small if self.size == "small" else problem.published(PUBLISHED)
        training = Training(supernet, problem.task, recipe, seed=problem.seed)
        training.gradient = Curvature(every=max(1, training.steps // 50))
        return training

    def sampler(self, problem: Problem, steps: int) -> Strategy:
        """Mixtures, until it stops."""
        rate = problem.hastened(3e-4, steps) if self.size == "small" else 3e-4
        return RobustDARTS(problem.space, seed=problem.seed, inner=partial(DARTS, learning_rate=rate))

    def searcher(self, problem: Problem, sampler: Strategy) -> Method:
        """The network with the strongest options."""
        return derived(sampler)

    def evaluator(self, problem: Problem, supernet: Supernet) -> Evaluator:
        """Its error, with norms recalibrated."""
        return problem.inherited(supernet, self.recalibration)
