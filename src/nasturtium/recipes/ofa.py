"""OFA (Cai et al. 2020, arXiv:1908.09791): train the largest network, then ever smaller ones with it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from nasturtium.evaluate.distillation import Distillation
from nasturtium.evaluate.sorting import ChannelSorting
from nasturtium.evaluate.staged import Staged
from nasturtium.evaluate.subnets import Snapshot, Subnets
from nasturtium.evaluate.training import Training
from nasturtium.net.supernet import Kernels, Supernet
from nasturtium.recipes.train_once import TrainOnce
from nasturtium.run.sharing import Problem
from nasturtium.strategy.sandwich import extremes
from nasturtium.strategy.shrinking import ProgressiveShrinking


@dataclass(frozen=True)
class OnceForAll(TrainOnce):
    """Progressive shrinking: kernels open first, then depths, then widths, taught by the largest network.

    Differs: all phases share one cosine and have four networks a step (there a cosine each, and one to four);
    residual branches begin as nothing; NSGA-II over measured errors (there evolution over predicted ones).
    """

    PUBLISHED: ClassVar[Mapping[str, Any]] = {
        "epochs": 425,
        "batch_size": 2048,
        "lr": 0.96,
        "warmup": 5 / 425,
        "weight_decay": 3e-5,
        "label_smoothing": 0.1,
    }
    TEACHER: ClassVar[float] = 180 / 605  # share of all epochs that are of the largest network alone
    KERNELS: ClassVar[Kernels] = "transformed"  # smaller ones are made of larger ones by matrices

    labels: float | None = 1.0

    def training(self, problem: Problem, supernet: Supernet) -> Staged:
        """The largest network alone; then several smaller ones a step, which see labels and its answers."""
        recipe, task, seed = self.recipe(problem, self.paths), problem.task, problem.seed
        subnets = Subnets(supernet, task, recalibration=self.recalibration, seed=seed)
        teacher = Snapshot(subnets, extremes(problem.space, problem.macs)[1])
        taught = Distillation(labels=self.of_labels, teacher=teacher)
        first = Training(supernet, task, replace(recipe, epochs=self._alone(recipe.epochs)), seed=seed)
        rest = Training(supernet, task, recipe, paths=self.paths, seed=seed, distillation=taught)
        opened = self.sampler(problem, first.steps + rest.steps)
        return Staged([first, rest], before={1: ChannelSorting(opened.open_at)})

    def sampler(self, problem: Problem, steps: int) -> ProgressiveShrinking:
        """First the largest, then what is open."""
        epochs = self.recipe(problem, self.paths).epochs
        alone = steps * self._alone(epochs) // (self._alone(epochs) + epochs)
        given = (problem.space, problem.macs, steps - alone)
        return ProgressiveShrinking(*given, alone=alone, paths=self.paths, seed=problem.seed)

    def _alone(self, epochs: int) -> int:
        return max(1, round(epochs * self.TEACHER / (1 - self.TEACHER)))
