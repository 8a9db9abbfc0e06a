"""What recipes of gradient methods share: a supernet of mixtures, and the one network that they end in."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from nasturtium.cost.penalty import Form, Penalty
from nasturtium.evaluate.gradient import Gradient, first_order
from nasturtium.evaluate.training import Training
from nasturtium.recipes.shared import SizedRecipe
from nasturtium.run.sharing import derived

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nasturtium.net.supernet import Supernet
    from nasturtium.protocols import Strategy
    from nasturtium.run.experiment import Method
    from nasturtium.run.sharing import Problem
    from nasturtium.run.steps import Stepwise


@dataclass(frozen=True)
class RelaxedRecipe(SizedRecipe):
    """A supernet trained by a gradient method; a recipe says which one, and with what settings.

    Attributes:
        PUBLISHED: Settings of the paper's training of the shared weights; those of DARTS, but for what a
            recipe says.
        RATE: The paper's learning rate of the numbers behind the mixture.
        MIXES: Whether all options run in a step, rather than a path.
        SUPERNETS: Trained one after another; each has its share of the epochs that one alone would have.
        epochs: Of a supernet; None is ten times those of a network alone, shared by the options that run.
        finalists: Networks trained alone at the end: the one that is found.
        price: How much the mean cost of a mixture counts beside its loss; 0 is not at all.
        cost: ``macs``, or ``latency_ms`` or ``latency_onnx_ms`` of a device profile.
        form: ``sum`` of loss and cost, or ``product`` (see `cost.penalty.Penalty`).
    """

    AFFINE = False
    # Those of DARTS (Liu et al. 2019, section 3.1.1): from 0.025 to 0.001.
    PUBLISHED: ClassVar[dict[str, Any]] = {
        "epochs": 50,
        "batch_size": 64,
        "lr": 0.025,
        "nesterov": False,
        "floor": 0.04,
        "warmup": 0.0,
        "weight_decay": 3e-4,
        "clip_norm": 5.0,
        "label_smoothing": 0.0,
    }
    RATE: ClassVar[float] = 3e-4
    MIXES: ClassVar[bool] = True
    SUPERNETS: ClassVar[int] = 1

    finalists: int = 1
    price: float = 0.0
    cost: str = "macs"
    form: Form = "sum"

    def training(self, problem: Problem, supernet: Supernet) -> Stepwise:
        """Of the one supernet."""
        return self.trained(problem, supernet)

    def trained(self, problem: Problem, supernet: Supernet) -> Training:
        """One candidate a step; `gradient` is what its trial carries."""
        recipe = self.recipe(problem, self.SUPERNETS * (problem.widest if self.MIXES else 1))
        training = Training(supernet, problem.task, recipe, seed=problem.seed)
        training.gradient = self.gradient(training.steps)
        return training

    def gradient(self, steps: int) -> Gradient:
        """On the validation split, with the weights as they are."""
        return first_order

    def sampler(self, problem: Problem, steps: int) -> Strategy:
        """The method, its learning rate that of the paper or, in fewer steps, higher."""
        rate = problem.hastened(self.RATE, steps) if self.size == "small" else self.RATE
        settings: dict[str, Any] = {"learning_rate": rate}
        if self.price:
            settings["price"] = Penalty(problem.expected(self.cost, problem.space), self.price, self.form)
        return self.method(problem, steps, settings)

    @abstractmethod
    def method(self, problem: Problem, steps: int, settings: Mapping[str, Any]) -> Strategy:
        """Returns the strategy that learns the mixture, with settings that all of them have."""

    def searcher(self, problem: Problem, sampler: Strategy) -> Method:
        """The one network that the mixture stands for."""
        return derived(sampler)
