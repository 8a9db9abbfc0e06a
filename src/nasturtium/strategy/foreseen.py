"""What is known of a network before it is trained: what can be counted."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Architecture
from nasturtium.front.objectives import Objective
from nasturtium.protocols import CostModel
from nasturtium.strategy.constrained import COUNTED


class Foreseen:
    """Counts networks: params, MACs and activation bytes, as far as the cost model gives them.

    Args:
        costs: What counts; None knows nothing beforehand. Costs that would be measured are not asked for.
        objectives: What is made small, constraints aside.

    Attributes:
        known: Which objectives follow from counts alone.
    """

    def __init__(self, costs: CostModel | None, objectives: Sequence[Objective]) -> None:
        self.costs, self.objectives = costs, tuple(objectives)
        self.names = tuple(sorted(COUNTED & costs.names)) if costs else ()
        self.known = tuple(bool(self.names) and o.metrics <= {*self.names} for o in self.objectives)
        self._values: dict[Architecture, dict[str, float]] = {}

    def numbers(self, architecture: Architecture) -> list[float]:
        """Returns the logarithm of each count."""
        return [float(np.log1p(max(value, 0.0))) for value in self._counts(architecture).values()]

    def values(self, architectures: Sequence[Architecture]) -> NDArray[np.float64]:
        """Returns the objectives that are known, [n, known]."""
        known = [objective for objective, here in zip(self.objectives, self.known, strict=True) if here]
        rows = [[objective(self._counts(a)) for objective in known] for a in architectures]
        return np.array(rows).reshape(len(architectures), len(known))

    def _counts(self, architecture: Architecture) -> dict[str, float]:
        if not self.names or self.costs is None:
            return {}
        if architecture not in self._values:
            self._values[architecture] = self.costs(architecture, self.names)
        return self._values[architecture]
