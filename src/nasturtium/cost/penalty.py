"""What a gradient method pays for networks that cost more, beside their loss."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Mixture
from nasturtium.cost.expected import ExpectedCost
from nasturtium.errors import ConfigError, unknown

Form: TypeAlias = Literal["sum", "product"]


@dataclass(frozen=True, slots=True)
class Penalty:
    """Puts the mean cost of a mixture beside its loss.

    As a ``sum``, loss + weight * cost (Cai et al. 2019, ProxylessNAS, arXiv:1812.00332, eq. 5), or as a
    ``product``, alpha loss * log(cost) ** weight (Wu et al. 2019, FBNet, arXiv:1812.03443, eq. 2).

    Differs: both are as large as the loss alone, or that and `weight`, at the mixture in which all options
    weigh alike: costs of a sum are shares of its cost, alpha of a product is chosen so. The logarithm is of
    1 + cost, which no cost makes negative.

    Attributes:
        cost: Of a mixture.
        weight: How much it counts, 0 or more.
        form: Of the two.

    Raises:
        ConfigError: A negative weight, or another form.
    """

    cost: ExpectedCost
    weight: float
    form: Form = "sum"

    def __post_init__(self) -> None:
        if self.weight < 0:
            raise ConfigError(f"the weight of a cost is {self.weight}; it must be 0 or more")
        if self.form not in ("sum", "product"):
            raise unknown("form of the penalty", self.form, ("sum", "product"))

    def __call__(self, mixture: Mixture, loss: float) -> tuple[float, NDArray[np.float64]]:
        """Returns d total / d loss, and d total / d weights of the mixture through its cost [entries]."""
        cost, slope = self.cost(mixture)
        if self.form == "sum":
            return 1.0, self.weight / self.cost.typical * slope
        level = math.log1p(cost) / math.log1p(self.cost.typical)
        rise = self.weight * level ** (self.weight - 1) / (1 + cost) / math.log1p(self.cost.typical)
        return level**self.weight, loss * rise * slope
