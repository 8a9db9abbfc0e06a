"""SNAS (Xie et al. 2019, arXiv:1812.09926): mixtures drawn ever closer to single paths."""

from dataclasses import dataclass

from nasturtium.evaluate.single_level import single_level
from nasturtium.evaluate.training import Training
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Evaluator, Strategy
from nasturtium.run.experiment import Method
from nasturtium.run.sharing import Problem, derived
from nasturtium.space.zoo import check_size
from nasturtium.strategy.snas import SNAS

PUBLISHED = {"epochs": 150, "batch_size": 64, "lr": 0.025, "weight_decay": 3e-4, "clip_norm": 5.0}


@dataclass(frozen=True)
class StochasticSearch:
    """A supernet of relaxed samples, whose distribution is learned on the training images themselves.

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
        """All options a step; one level: weights and distribution learn from the same images."""
        small = problem.longer(self.epochs, lr=0.05, paths=problem.widest)
        recipe = small if self.size == "small" else problem.published(PUBLISHED)
        return Training(supernet, problem.task, recipe, seed=problem.seed, gradient=single_level)

    def sampler(self, problem: Problem, steps: int) -> Strategy:
        """A temperature that falls over the training."""
        rate = problem.hastened(3e-4, steps) if self.size == "small" else 3e-4
        return SNAS(problem.space, seed=problem.seed, steps=steps, learning_rate=rate)

    def searcher(self, problem: Problem, sampler: Strategy) -> Method:
        """The network with the strongest options."""
        return derived(sampler)

    def evaluator(self, problem: Problem, supernet: Supernet) -> Evaluator:
        """Its error, with norms recalibrated."""
        return problem.inherited(supernet, self.recalibration)
