"""ENAS (Pham et al. 2018, arXiv:1802.03268): train paths of a policy, which their rewards teach in turn."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from nasturtium.evaluate.recipe import Recipe
from nasturtium.evaluate.training import Training
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Evaluator, Strategy
from nasturtium.run.experiment import Method
from nasturtium.run.sharing import Problem
from nasturtium.space.zoo import check_size
from nasturtium.strategy.enas import ENAS, PolicySearch


@dataclass(frozen=True)
class EfficientNAS:
    """A supernet trained on paths of a policy, then the best of the policy's samples with its weights.

    Attributes:
        epochs: Of the supernet; None is ten times those of a network alone.
        recalibration: Training images for the norms of each network.
        finalists: Networks trained alone at the end (the paper's 1, the best of about 10 samples).
        size: ``small``, or ``published`` for the release's settings, but one cosine for restarts.
    """

    PUBLISHED: ClassVar[Mapping[str, Any]] = {
        "epochs": 310,
        "batch_size": 128,
        "lr": 0.05,
        "weight_decay": 2.5e-4,
    }  # macro_search.sh

    epochs: int | None = None
    recalibration: int = 2048
    finalists: int = 5
    size: str = "small"

    def supernet(self, problem: Problem) -> Supernet:
        """Norms by batch: a reward must not hang on statistics of other paths."""
        check_size(self.size)
        return Supernet(problem.space, seed=problem.seed, norms="batch")

    def training(self, problem: Problem, supernet: Supernet) -> Training:
        """One path a step."""
        return Training(supernet, problem.task, self._recipe(problem), seed=problem.seed)

    def sampler(self, problem: Problem, steps: int) -> Strategy:
        """An epoch for the weights, some steps for the policy, and so on."""
        epoch = steps // self._recipe(problem).epochs
        made = partial(ENAS, problem.space, seed=problem.seed, weight_steps=epoch)
        few = partial(made, controller_steps=5, aggregate=10, learning_rate=0.01)  # for hundreds of steps
        return made() if self.size == "published" else few()

    def searcher(self, problem: Problem, sampler: Strategy) -> Method:
        """Samples of the policy."""
        assert isinstance(sampler, ENAS)
        return partial(PolicySearch, policy=sampler.policy)

    def evaluator(self, problem: Problem, supernet: Supernet) -> Evaluator:
        """Errors on the whole split, not on the paper's minibatch, with norms recalibrated for each."""
        return problem.inherited(supernet, self.recalibration)

    def _recipe(self, problem: Problem) -> Recipe:
        return (
            problem.longer(self.epochs, lr=0.05)
            if self.size == "small"
            else problem.published(self.PUBLISHED)
        )
