"""ENAS (Pham et al. 2018, arXiv:1802.03268): train paths of a policy, which their rewards teach in turn."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from nasturtium.protocols import Strategy
from nasturtium.recipes.shared import SizedRecipe
from nasturtium.run.experiment import Method
from nasturtium.run.sharing import Problem
from nasturtium.strategy.enas import ENAS, PolicySearch


@dataclass(frozen=True)
class EfficientNAS(SizedRecipe):
    """A supernet trained on paths of a policy, then the best of the policy's samples with its weights.

    Samples are compared on the whole validation split, not on the paper's minibatch; the paper's takes the
    best of about 10. ``published`` has the release's settings, but one cosine for restarts.
    """

    PUBLISHED: ClassVar[Mapping[str, Any]] = {
        "epochs": 310,
        "batch_size": 128,
        "lr": 0.05,
        "floor": 0.01,
        "warmup": 0.0,
        "weight_decay": 2.5e-4,
        "label_smoothing": 0.0,
    }  # macro_search.sh

    def sampler(self, problem: Problem, steps: int) -> Strategy:
        """An epoch for the weights, some steps for the policy, and so on."""
        epoch = steps // self.recipe(problem).epochs
        made = partial(ENAS, problem.space, seed=problem.seed, weight_steps=epoch)
        few = partial(made, controller_steps=5, aggregate=10, learning_rate=0.01)  # for hundreds of steps
        return made() if self.size == "published" else few()

    def searcher(self, problem: Problem, sampler: Strategy) -> Method:
        """Samples of the policy."""
        assert isinstance(sampler, ENAS)
        return partial(PolicySearch, policy=sampler.policy)
