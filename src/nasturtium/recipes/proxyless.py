"""ProxylessNAS (Cai, Zhu and Han 2019, arXiv:1812.00332): two paths are compared at a time."""

from dataclasses import dataclass

from nasturtium.evaluate.training import Training
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Evaluator, Strategy
from nasturtium.run.experiment import Method
from nasturtium.run.sharing import Problem, derived
from nasturtium.space.zoo import check_size
from nasturtium.strategy.proxyless import ProxylessNAS

PUBLISHED = {"epochs": 300, "batch_size": 64, "lr": 0.025, "label_smoothing": 0.0}


@dataclass(frozen=True)
class BinaryGates:
    """A supernet trained on single paths, whose probabilities two options at a time teach.

    Attributes:
        epochs: Of the supernet; None is ten times those of a network alone.
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
        """One path a step, or two options of each decision."""
        small = problem.longer(self.epochs, lr=0.05)
        recipe = small if self.size == "small" else problem.published(PUBLISHED)
        return Training(supernet, problem.task, recipe, seed=problem.seed)

    def sampler(self, problem: Problem, steps: int) -> Strategy:
        """Paths and pairs in turn."""
        rate = problem.hastened(1e-3, steps) if self.size == "small" else 1e-3
        return ProxylessNAS(problem.space, seed=problem.seed, learning_rate=rate)

    def searcher(self, problem: Problem, sampler: Strategy) -> Method:
        """The network with the strongest options."""
        return derived(sampler)

    def evaluator(self, problem: Problem, supernet: Supernet) -> Evaluator:
        """Its error, with norms recalibrated."""
        return problem.inherited(supernet, self.recalibration)
