"""DARTS (Liu et al. 2019, arXiv:1806.09055): descend the validation loss over mixtures of all options."""

from dataclasses import dataclass

from nasturtium.evaluate.gradient import first_order
from nasturtium.evaluate.training import Training
from nasturtium.evaluate.unrolled import second_order
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Evaluator, Strategy
from nasturtium.run.experiment import Method
from nasturtium.run.sharing import Problem, derived
from nasturtium.space.zoo import check_size
from nasturtium.strategy.darts import DARTS

PUBLISHED = {"epochs": 50, "batch_size": 64, "lr": 0.025, "weight_decay": 3e-4, "clip_norm": 5.0}


@dataclass(frozen=True)
class DifferentiableSearch:
    """A supernet in which all options are mixed, their weights learned by gradient descent.

    Attributes:
        epochs: Of the supernet; None is ten times those of a network alone, shared by the options that run.
        order: 1 takes the weights as they are, 2 looks a step of theirs ahead.
        recalibration: Training images for the norms of the network found.
        finalists: Networks trained alone at the end: the one that is found.
        size: ``small``, or ``published`` for the settings of the paper.
    """

    epochs: int | None = None
    order: int = 1
    recalibration: int = 2048
    finalists: int = 1
    size: str = "small"

    def supernet(self, problem: Problem) -> Supernet:
        """Norms by batch, without scale and shift."""
        check_size(self.size)
        return Supernet(problem.space, seed=problem.seed, norms="batch", affine=False)

    def training(self, problem: Problem, supernet: Supernet) -> Training:
        """All options a step; the gradient of their weights is on the validation split."""
        small = problem.longer(self.epochs, lr=0.05, paths=problem.widest)
        recipe = small if self.size == "small" else problem.published(PUBLISHED)
        gradient = first_order if self.order == 1 else second_order
        return Training(supernet, problem.task, recipe, seed=problem.seed, gradient=gradient)

    def sampler(self, problem: Problem, steps: int) -> Strategy:
        """A softmax over the options of every decision."""
        rate = problem.hastened(3e-4, steps) if self.size == "small" else 3e-4
        return DARTS(problem.space, seed=problem.seed, learning_rate=rate)

    def searcher(self, problem: Problem, sampler: Strategy) -> Method:
        """The network with the strongest options."""
        return derived(sampler)

    def evaluator(self, problem: Problem, supernet: Supernet) -> Evaluator:
        """Its error, with norms recalibrated."""
        return problem.inherited(supernet, self.recalibration)
