"""Single paths whose cost, rather than whose options, is uniform: what SPOS's authors trained with."""

from collections.abc import Callable, Sequence

import numpy as np

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.protocols import Candidate
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space
from nasturtium.strategy.drawn import Drawn, nearest

Cost = Callable[[Architecture], float]

_PROBES = 256  # random paths that say how costs lie where no band is given


class CostUniformPaths(Drawn):
    """Draws a bin of cost, all alike, and then a random path in it.

    Guo et al. 2020 (SPOS, arXiv:1904.00420), in the form of the authors' code: bins of 10 MFLOPs over the
    band of 290 to 360 that the search is for. Most random paths cost about the same, so that uniform paths
    leave the ends of a band untrained.

    Differs: after `tries` draws none of which is in the bin it takes the nearest of them, where the authors'
    takes any.

    Args:
        space: Of the paths.
        cost: Of a path, such as its MACs.
        seed: Of the draws.
        objectives: Not used.
        band: Lowest and highest cost; None is where the middle 90 % of random paths lie.
        bins: Of equal width within the band.
        tries: Draws for one path.

    Raises:
        ConfigError: The band is empty.
    """

    def __init__(
        self,
        space: Space,
        cost: Cost,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        band: tuple[float, float] | None = None,
        bins: int = 7,
        tries: int = 100,
    ) -> None:
        if bins < 1 or tries < 1:
            raise ConfigError(f"bins is {bins} and tries {tries}; both must be 1 or more")
        if band is not None and not band[0] < band[1]:
            raise ConfigError(f"the band of costs is {band}; its first number must be below its second")
        self.space, self.cost, self.seed = space, cost, seed
        self.low, self.high = self._usual() if band is None else band
        self.bins, self.tries = bins, tries

    def drawn(self, number: int) -> Candidate:
        """Returns a path of the bin that is drawn, or near it."""
        rng = rng_for(self.seed, "cost-uniform paths", number)
        width = (self.high - self.low) / self.bins
        wanted = int(rng.random() * self.bins)
        middle = self.low + width * (wanted + 0.5)

        def away(path: Architecture) -> float:
            cost = self.cost(path)
            if self.low <= cost <= self.high and min(int((cost - self.low) / width), self.bins - 1) == wanted:
                return 0.0
            return abs(cost - middle)

        return Candidate(nearest(lambda: self.space.sample(rng), away, self.tries))

    def _usual(self) -> tuple[float, float]:
        draws = (self.space.sample(rng_for(self.seed, "cost-uniform probes", i)) for i in range(_PROBES))
        low, high = np.quantile([self.cost(path) for path in draws], (0.05, 0.95)).tolist()
        return low, high
