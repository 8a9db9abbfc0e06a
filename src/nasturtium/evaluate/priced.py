"""A gradient that minds what networks cost, beside their loss."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from nasturtium.architecture import Mixture
from nasturtium.cost.expected import ExpectedCost
from nasturtium.errors import ConfigError, unknown
from nasturtium.evaluate.gradient import Found, Gradient

if TYPE_CHECKING:
    from nasturtium.evaluate.training import Feed, Pair, Training
    from nasturtium.protocols import Candidate

Form: TypeAlias = Literal["sum", "product"]


@dataclass(frozen=True, slots=True)
class Priced:
    """Adds the mean cost of a mixture to the loss whose gradient is told.

    As a ``sum``, loss + penalty * cost (Cai et al. 2019, ProxylessNAS, arXiv:1812.00332, eq. 5), or as a
    ``product``, alpha loss * log(cost) ** penalty (Wu et al. 2019, FBNet, arXiv:1812.03443, eq. 2). The cost
    is that of the very mixture that was asked for; where it is drawn, the gradient is right on average.

    Differs: both are as large as the loss alone, or that and `penalty`, at the mixture in which all options
    weigh alike: costs of a sum are shares of its cost, alpha of a product is chosen so. The logarithm is of
    1 + cost, which no cost makes negative.

    Attributes:
        gradient: Of the loss alone.
        cost: Of a mixture.
        penalty: How much it counts, 0 or more.
        form: Of the two.

    Raises:
        ConfigError: A negative penalty, or another form.
    """

    gradient: Gradient
    cost: ExpectedCost
    penalty: float
    form: Form = "sum"

    def __post_init__(self) -> None:
        if self.penalty < 0:
            raise ConfigError(f"penalty is {self.penalty}; it must be 0 or more")
        if self.form not in ("sum", "product"):
            raise unknown("form of the penalty", self.form, ("sum", "product"))

    def __call__(self, training: Training, candidate: Candidate, valid: Pair, train: Feed) -> Found:
        """Returns the gradient of both together, and ``expected_cost``."""
        found = self.gradient(training, candidate, valid, train)
        assert isinstance(candidate.point, Mixture)
        cost, slope = self.cost(candidate.point)
        if self.form == "sum":
            total = found.gradient + self.penalty / self.cost.typical * slope
        else:
            level = math.log1p(cost) / math.log1p(self.cost.typical)
            rise = self.penalty * level ** (self.penalty - 1) / (1 + cost) / math.log1p(self.cost.typical)
            total = level**self.penalty * found.gradient + found.loss * rise * slope
        return replace(found, gradient=total, more={**found.more, "expected_cost": cost})
