"""What recipes share: a supernet, a training of it, and networks that inherit its weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from nasturtium.evaluate.training import Training
from nasturtium.net.supernet import Kernels, Supernet
from nasturtium.space.zoo import check_size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nasturtium.evaluate.recipe import Recipe
    from nasturtium.protocols import Evaluator, Strategy
    from nasturtium.run.experiment import Method
    from nasturtium.run.sharing import Problem
    from nasturtium.run.steps import Stepwise


@dataclass(frozen=True)
class SharedRecipe(ABC):
    """A supernet trained on what a sampler asks for; a recipe says which one, and what searches it then.

    Attributes:
        AFFINE: Whether norms have scale and shift.
        KERNELS: How smaller depthwise kernels come from larger ones.
        epochs: Of the supernet; None is ten times those of a network alone.
        recalibration: Training images for the norms of each network.
        finalists: Networks trained alone at the end.
    """

    AFFINE: ClassVar[bool] = True
    KERNELS: ClassVar[Kernels] = "crop"

    epochs: int | None = None
    recalibration: int = 2048
    finalists: int = 5

    def supernet(self, problem: Problem) -> Supernet:
        """Norms by batch: statistics of one path are wrong for another."""
        return Supernet(
            problem.space, seed=problem.seed, norms="batch", affine=self.AFFINE, kernels=self.KERNELS
        )

    def training(self, problem: Problem, supernet: Supernet) -> Stepwise:
        """One network a step."""
        return Training(supernet, problem.task, self.recipe(problem), seed=problem.seed)

    def recipe(self, problem: Problem, paths: int = 1) -> Recipe:
        """Returns how the weights are trained, with so many paths, or options, in a step."""
        return problem.longer(self.epochs, lr=0.05, paths=paths)

    @abstractmethod
    def sampler(self, problem: Problem, steps: int) -> Strategy:
        """Returns what decides which paths or mixtures are trained."""

    @abstractmethod
    def searcher(self, problem: Problem, sampler: Strategy) -> Method:
        """Returns what looks for good networks with the trained weights."""

    def evaluator(self, problem: Problem, supernet: Supernet) -> Evaluator:
        """Errors with norms recalibrated for each network."""
        return problem.inherited(supernet, self.recalibration)


@dataclass(frozen=True)
class SizedRecipe(SharedRecipe):
    """One that can be run with the settings of its paper.

    Attributes:
        PUBLISHED: Settings of the paper's training of the shared weights.
        size: ``small``, or ``published`` for these settings.
    """

    PUBLISHED: ClassVar[Mapping[str, Any]]

    size: str = "small"

    def __post_init__(self) -> None:
        check_size(self.size)

    def recipe(self, problem: Problem, paths: int = 1) -> Recipe:
        """Returns how the weights are trained, with so many paths, or options, in a step."""
        small = super().recipe(problem, paths)
        return small if self.size == "small" else problem.published(self.PUBLISHED)
