"""OFA (Cai et al. 2020, arXiv:1908.09791): train the largest network, then ever smaller ones with it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from nasturtium.evaluate.distillation import Distillation
from nasturtium.evaluate.staged import Staged
from nasturtium.evaluate.subnets import Snapshot, Subnets
from nasturtium.evaluate.training import Training
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Strategy
from nasturtium.recipes.train_once import TrainOnce
from nasturtium.run.sharing import Problem
from nasturtium.strategy.sandwich import extremes
from nasturtium.strategy.shrinking import ProgressiveShrinking


@dataclass(frozen=True)
class OnceForAll(TrainOnce):
    """Progressive shrinking: kernels open first, then depths, then widths, taught by the largest network.

    Differs: kernels are cropped without a learned transformation, channels are not sorted before widths open;
    one learning rate and one cosine for all phases (there one each, the short ones at a tenth); NSGA-II over
    errors that are measured (there evolution over errors that are predicted).
    """

    PUBLISHED: ClassVar[Mapping[str, Any]] = {
        "epochs": 425,
        "batch_size": 2048,
        "lr": 0.96,
        "weight_decay": 3e-5,
        "label_smoothing": 0.1,
    }
    TEACHER: ClassVar[float] = 180 / 605  # share of all epochs that are of the largest network alone

    def training(self, problem: Problem, supernet: Supernet) -> Staged:
        """The largest network alone, then several smaller ones a step, which see labels and its answers."""
        recipe = self.recipe(problem, self.paths)
        first = replace(recipe, epochs=self._alone(recipe.epochs))
        subnets = Subnets(supernet, problem.task, recalibration=self.recalibration, seed=problem.seed)
        teacher = Snapshot(subnets, extremes(problem.space, problem.macs)[1])
        taught = Distillation(labels=1.0, teacher=teacher)
        alone = Training(supernet, problem.task, first, seed=problem.seed)
        given = (supernet, problem.task, recipe)
        return Staged([alone, Training(*given, paths=self.paths, seed=problem.seed, distillation=taught)])

    def sampler(self, problem: Problem, steps: int) -> Strategy:
        """First the largest, then what is open."""
        epochs = self.recipe(problem, self.paths).epochs
        alone = steps * self._alone(epochs) // (self._alone(epochs) + epochs)
        return ProgressiveShrinking(
            *(problem.space, problem.macs, steps - alone), alone=alone, paths=self.paths, seed=problem.seed
        )

    def _alone(self, epochs: int) -> int:
        return max(1, round(epochs * self.TEACHER / (1 - self.TEACHER)))
