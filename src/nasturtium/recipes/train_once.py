"""What recipes share whose networks are used with the weights of the supernet, none trained again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from nasturtium.errors import ConfigError
from nasturtium.evaluate.distillation import Distillation
from nasturtium.evaluate.training import Training
from nasturtium.net.residual import zero_last_norms
from nasturtium.recipes.shared import SizedRecipe
from nasturtium.run.names import informed, parameters_of, resolve
from nasturtium.run.sharing import shares_weights
from nasturtium.strategy.paths import UniformPaths
from nasturtium.strategy.sandwich import Sandwich, extremes
from nasturtium.strategy.warmstart import Warmstarted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nasturtium.net.supernet import Supernet
    from nasturtium.protocols import Strategy
    from nasturtium.run.experiment import Method
    from nasturtium.run.sharing import Problem
    from nasturtium.run.steps import Stepwise


@dataclass(frozen=True)
class TrainOnce(SizedRecipe):
    """A supernet trained by the sandwich rule with in-place distillation, then a search among its networks.

    Attributes:
        DEPLOYS: The networks found keep the supernet's weights.
        paths: Networks of a step: the largest, the smallest and others.
        search: The method that looks for networks, by name (see `nasturtium methods`) or path.
        population: Of it, where it has one.
        tuned: Epochs that the networks found are trained on alone; 0 leaves them as they are.
        finalists: Networks that are looked at on all validation images: the best within each budget, the
            second best, and so on; without budgets from all over the front.
        labels: Weight of the labels beside the answers that networks are taught; with 0 they see none. None
            is 0 in the ``published`` size and 1 otherwise: in a short training the largest network has little
            to teach.
    """

    DEPLOYS: ClassVar[bool] = True
    # AttentiveNAS's, which AlphaNet has, too (64 GPUs with 32 images each; 5 epochs of warm-up).
    PUBLISHED: ClassVar[Mapping[str, Any]] = {
        "epochs": 360,
        "batch_size": 2048,
        "lr": 0.8,
        "warmup": 5 / 360,
        "weight_decay": 1e-5,
        "label_smoothing": 0.1,
        "clip_value": 1.0,
    }

    paths: int = 4
    search: str = "nsga2"
    population: int = 50
    tuned: int = 0
    finalists: int = 8
    labels: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.tuned < 0 or (self.labels or 0) < 0:
            raise ConfigError(f"tuned is {self.tuned}, labels {self.labels}; both must be 0 or more")
        if shares_weights(resolve("method", self.search)):
            raise ConfigError(
                f"search is {self.search}, which trains a supernet itself; give one that asks for networks: "
                "nsga2, predicted, binned, coarse-to-fine or any other method"
            )

    def supernet(self, problem: Problem) -> Supernet:
        """Norms by batch; residual branches begin as nothing."""
        return zero_last_norms(super().supernet(problem))

    def training(self, problem: Problem, supernet: Supernet) -> Stepwise:
        """The largest network learns from labels, the others from it."""
        return Training(
            *(supernet, problem.task, self.recipe(problem, self.paths)),
            paths=self.paths,
            seed=problem.seed,
            distillation=self.distillation(),
        )

    def distillation(self) -> Distillation:
        """The others learn from the largest network's probabilities, and from labels that have weight."""
        return Distillation(labels=self.of_labels)

    @property
    def of_labels(self) -> float:
        """Weight of the labels."""
        return self.labels if self.labels is not None else float(self.size != "published")

    def sampler(self, problem: Problem, steps: int) -> Strategy:
        """The ends of each step, and what `filling` draws."""
        filling = self.filling(problem, steps)
        return Sandwich(problem.space, problem.macs, seed=problem.seed, inner=filling, paths=self.paths)

    def filling(self, problem: Problem, steps: int) -> Callable[..., Strategy]:
        """Networks drawn uniformly."""
        return UniformPaths

    def searcher(self, problem: Problem, sampler: Strategy) -> Method:
        """A front, from the smallest network to the largest, which were trained most."""
        method = resolve("method", self.search)
        own = {"population": self.population} if "population" in parameters_of(method) else {}
        inner = informed(partial(method, **own), problem.costs, problem.constraints)
        return partial(Warmstarted, inner=inner, seeds=extremes(problem.space, problem.macs))
