"""What recipes of gradient methods share: a supernet of mixtures, and the one network that they end in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from nasturtium.evaluate.gradient import Gradient, first_order
from nasturtium.evaluate.training import Training
from nasturtium.net.supernet import Supernet
from nasturtium.run.sharing import derived
from nasturtium.space.zoo import check_size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nasturtium.protocols import Evaluator, Strategy
    from nasturtium.run.experiment import Method
    from nasturtium.run.sharing import Problem


@dataclass(frozen=True)
class RelaxedRecipe(ABC):
    """A supernet trained by a gradient method; a recipe says which one, and with what settings.

    Attributes:
        PUBLISHED: Settings of the paper's training of weights.
        RATE: The paper's learning rate of the numbers behind the mixture.
        MIXES: Whether all options run in a step, rather than a path.
        epochs: Of the supernet; None is ten times those of a network alone, shared by the options that run.
        recalibration: Training images for the norms of the network found.
        finalists: Networks trained alone at the end: the one that is found.
        size: ``small``, or ``published`` for the settings of the paper.
    """

    PUBLISHED: ClassVar[Mapping[str, Any]]
    RATE: ClassVar[float] = 3e-4
    MIXES: ClassVar[bool] = True

    epochs: int | None = None
    recalibration: int = 2048
    finalists: int = 1
    size: str = "small"

    def __post_init__(self) -> None:
        check_size(self.size)

    def supernet(self, problem: Problem) -> Supernet:
        """Norms by batch, without scale and shift."""
        return Supernet(problem.space, seed=problem.seed, norms="batch", affine=False)

    def training(self, problem: Problem, supernet: Supernet) -> Training:
        """One candidate a step; `gradient` is what its trial carries."""
        small = problem.longer(self.epochs, lr=0.05, paths=problem.widest if self.MIXES else 1)
        recipe = small if self.size == "small" else problem.published(self.PUBLISHED)
        training = Training(supernet, problem.task, recipe, seed=problem.seed)
        training.gradient = self.gradient(training.steps)
        return training

    def gradient(self, steps: int) -> Gradient:
        """On the validation split, with the weights as they are."""
        return first_order

    def sampler(self, problem: Problem, steps: int) -> Strategy:
        """The method, its learning rate that of the paper or, in fewer steps, higher."""
        rate = problem.hastened(self.RATE, steps) if self.size == "small" else self.RATE
        return self.method(problem, steps, rate)

    @abstractmethod
    def method(self, problem: Problem, steps: int, rate: float) -> Strategy:
        """Returns the strategy that learns the mixture."""

    def searcher(self, problem: Problem, sampler: Strategy) -> Method:
        """The one network that the mixture stands for."""
        return derived(sampler)

    def evaluator(self, problem: Problem, supernet: Supernet) -> Evaluator:
        """Its error, with norms recalibrated."""
        return problem.inherited(supernet, self.recalibration)
