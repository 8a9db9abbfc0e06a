"""Networks drawn as random ones are, but by their cost first: the prior of AttentiveNAS."""

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.protocols import Candidate
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space
from nasturtium.strategy.derive import settled
from nasturtium.strategy.drawn import Drawn, nearest

Cost = Callable[[Architecture], float]


class CostPrior(Drawn):
    """Draws a cost tau from pi(tau), and then networks of that cost from pi(a | tau).

    Wang et al. 2021 (AttentiveNAS, arXiv:2011.09011), section 3.3 and the release: pi(tau) is how often
    random networks fall in each bin of cost; pi(a | tau) draws every decision by itself, as often as networks
    of the bin take each option, until a network falls in the bin.

    Differs: bins are shares of the range of costs that are seen, where the paper's are 25 MFLOPs wide; the
    table of random networks is drawn anew, where the release has one of millions; after `tries` draws the
    nearest of them is taken.

    Args:
        space: Of the networks.
        cost: Of a network, such as its MACs.
        seed: Of all draws.
        objectives: Not used.
        alike: How many networks in a row have the same tau; one of them may then be chosen (`Screened`).
        bins: Of equal width, from the lowest to the highest cost of the table.
        table: Random networks that both distributions are counted from.
        tries: Draws for one network.

    Raises:
        ConfigError: A number below 1.
    """

    def __init__(
        self,
        space: Space,
        cost: Cost,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        alike: int = 1,
        bins: int = 40,
        table: int = 4000,
        tries: int = 100,
    ) -> None:
        if min(alike, bins, table, tries) < 1:
            raise ConfigError(
                f"alike is {alike}, bins {bins}, table {table}, tries {tries}; each must be 1 or more"
            )
        self.space, self.cost, self.seed = space, cost, seed
        self.alike, self.bins, self.table, self.tries = alike, bins, table, tries

    def bin_of(self, cost: float) -> int:
        """Returns the bin of a cost; those beyond the table's are in the first and the last."""
        low, high = self._range
        place = int((cost - low) / (high - low) * self.bins) if high > low else 0
        return min(max(place, 0), self.bins - 1)

    @property
    def prior(self) -> NDArray[np.float64]:
        """pi(tau), [bins]."""
        counts = np.bincount(self._rows[1], minlength=self.bins)
        return np.asarray(counts / counts.sum())

    def drawn(self, number: int) -> Candidate:
        """Returns a network of the cost that its group has, or near it."""
        rows, bins = self._rows
        # A random network's bin has the distribution pi(tau).
        group = rng_for(self.seed, "cost prior: tau", number // self.alike)
        tau = int(bins[int(group.random() * len(bins))])
        alike = rows[bins == tau]
        rng = rng_for(self.seed, "cost prior: network", number)

        def draw() -> Architecture:
            # Drawing from the rows draws each option as often as they take it.
            drawn = rng.integers(len(alike), size=alike.shape[1])
            return settled(self.space, alike[drawn, np.arange(alike.shape[1])].tolist())

        def away(network: Architecture) -> float:
            return abs(self.bin_of(self.cost(network)) - tau)

        return Candidate(nearest(draw, away, self.tries))

    @cached_property
    def _random(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        draws = [self.space.sample(rng_for(self.seed, "cost prior: table", i)) for i in range(self.table)]
        return np.array([one.choices for one in draws]), np.array([self.cost(one) for one in draws])

    @cached_property
    def _range(self) -> tuple[float, float]:
        costs = self._random[1]
        return float(costs.min()), float(costs.max())

    @cached_property
    def _rows(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Choices and bins of the table, [networks, decisions] and [networks]."""
        choices, costs = self._random
        return choices, np.array([self.bin_of(cost) for cost in costs])
