"""Evolution that keeps the best network of every bin of cost: AttentiveNAS's and AlphaNet's search."""

import math
from collections.abc import Sequence

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.front.objectives import ERROR, Objective, values
from nasturtium.protocols import Trial
from nasturtium.space.space import Space
from nasturtium.strategy.generations import GenerationalEvolution


class BinnedEvolution(GenerationalEvolution):
    """Crosses and mutates the networks that are the best of their bin of cost, so that no budget is left out.

    Wang et al. 2021 (AlphaNet, arXiv:2102.07954), in the form of the release: the best network of each bin of
    10 MFLOPs, over 200 to 1,200, is a parent; of a generation of 256 half are crossed and half mutated, each
    decision drawn again with probability 0.2; 512 random networks come first, and there are 20 generations.

    Differs: a decision drawn again may stay what it is; bins are equal shares of the costs seen so far, not
    megaflops; the first generation is as large as the others; it goes on as long as it is asked.

    Args:
        space: Where to search.
        seed: The same seed and the same tells give the same asks.
        objectives: What is made small; the first says which network of a bin is the best.
        over: The cost: a metric that trials have. Those without it share a bin.
        bins: Of equal width.
        population: Networks of a generation; the first is random.
        mutation: Probability that a decision of a mutant is drawn again.
        tries: Children in a row that were asked before; then a random network takes the place.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        over: str = "macs",
        bins: int = 25,
        population: int = 50,
        mutation: float = 0.2,
        tries: int = 10,
    ) -> None:
        if bins < 1:
            raise ConfigError(f"bins is {bins}; it must be 1 or more")
        super().__init__(
            space,
            seed=seed,
            objectives=objectives,
            population=population,
            crossovers=population // 2,
            mutation=mutation,
            tries=tries,
        )
        self.over, self.bins = over, bins
        self._objectives = tuple(objectives)
        self._rows: list[tuple[float, float, Architecture]] = []  # cost, worth

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results; when they make a generation, the next parents are chosen."""
        for trial in trials:
            worth = values(self._objectives, trial)
            if math.isfinite(max(worth)):
                self._rows.append((trial.metrics.get(self.over, math.nan), worth[0], trial.architecture))
            super().tell([trial])

    def elite(self) -> list[Architecture]:
        """The best of each bin, the cheapest first."""
        costs = [cost for cost, _, _ in self._rows if math.isfinite(cost)]
        low, high = min(costs, default=0.0), max(costs, default=0.0)
        best: dict[int, tuple[float, Architecture]] = {}
        for cost, worth, architecture in self._rows:
            place = -1
            if math.isfinite(cost):
                share = (cost - low) / (high - low) if high > low else 0.0
                place = min(int(share * self.bins), self.bins - 1)
            if place not in best or worth < best[place][0]:
                best[place] = worth, architecture
        return [best[place][1] for place in sorted(best)]
