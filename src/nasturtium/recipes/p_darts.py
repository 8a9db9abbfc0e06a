"""P-DARTS (Chen et al. 2019, arXiv:1904.12760): ever deeper supernets with ever fewer operations."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from nasturtium.evaluate.staged import Staged
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Strategy
from nasturtium.recipes.relaxed import RelaxedRecipe
from nasturtium.run.sharing import Problem
from nasturtium.seeds import seed_for
from nasturtium.space.zoo.darts_search import resized
from nasturtium.strategy.p_darts import STAGES, staged


@dataclass(frozen=True)
class ProgressiveDARTS(RelaxedRecipe):
    """Three supernets, each deeper than the one before and of the operations that were strongest in it.

    The last is as deep as the space; the paper's 5, 11 and 17 cells need one of 17
    (`darts_search_of(16, thirds(17), ...)`). In a space without search cells all have the same depth.

    Differs: the dropout behind skips stays the same within a stage, where the paper's falls.

    Attributes:
        skips: The most skip connections that the normal cell may have.
    """

    PUBLISHED: ClassVar[Mapping[str, Any]] = {
        "epochs": 25,
        "batch_size": 96,
        "lr": 0.025,
        "weight_decay": 3e-4,
        "clip_norm": 5.0,
    }
    RATE = 6e-4
    SUPERNETS = len(STAGES)

    skips: int = 2

    def training(self, problem: Problem, supernet: Supernet) -> Staged:
        """One supernet after another; the last has the weights of the one given, and dropout."""
        problems = [_stage(problem, number) for number in range(len(STAGES))]
        supernets = [self.supernet(one) for one in problems]
        supernets[-1].shared = supernet.shared
        return Staged([self.trained(*pair) for pair in zip(problems, supernets, strict=True)])

    def method(self, problem: Problem, steps: int, rate: float) -> Strategy:
        """DARTS in three stages."""
        each = steps // len(STAGES)
        return staged(problem.space, each, seed=problem.seed, skips=self.skips, learning_rate=rate)


def _stage(problem: Problem, number: int) -> Problem:
    """The problem with the depth and dropout of a stage, and a seed of its own."""
    stage, seed = STAGES[number], seed_for(problem.seed, "p-darts/stage", number)
    space = resized(problem.space, stage.cells / STAGES[-1].cells, stage.skip_dropout)
    return replace(problem, space=space, seed=seed)
