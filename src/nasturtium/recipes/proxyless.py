"""ProxylessNAS (Cai, Zhu and Han 2019, arXiv:1812.00332): two paths are compared at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from nasturtium.protocols import Strategy
from nasturtium.recipes.relaxed import RelaxedRecipe
from nasturtium.run.sharing import Problem
from nasturtium.strategy.proxyless import ProxylessNAS


@dataclass(frozen=True)
class BinaryGates(RelaxedRecipe):
    """A supernet trained on single paths, whose probabilities two options at a time teach."""

    PUBLISHED: ClassVar[dict[str, Any]] = {
        "epochs": 300,
        "batch_size": 64,
        "lr": 0.025,
        "nesterov": False,
        "warmup": 0.0,
        "label_smoothing": 0.0,
    }
    RATE = 1e-3
    MIXES = False

    def method(self, problem: Problem, steps: int, settings: Mapping[str, Any]) -> Strategy:
        """Paths and pairs in turn."""
        return ProxylessNAS(problem.space, seed=problem.seed, **settings)
