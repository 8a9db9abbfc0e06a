"""Regularised evolution: the oldest dies, not the worst."""

from collections import deque
from collections.abc import Sequence

import numpy as np

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.front.dominance import order
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.protocols import Candidate, Trial
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space
from nasturtium.strategy.archive import Archive


class RegularizedEvolution:
    """Mutates the best of a random few of the youngest networks.

    Real, Aggarwal, Huang and Le 2019, Algorithm 1 (arXiv:1802.01548). Under noise a lineage lives on only if
    its children, trained afresh, are good again.

    Differs: one decision drawn uniformly gets another of its options (the paper's mutation changes an input
    or an operation of one pair of a cell, or with probability 0.05 nothing). With several objectives the best
    of the few is the least dominated, then the least crowded (Deb et al. 2002). A failed or infeasible
    network does not join the population. The defaults are those of NAS-Bench-201 (Dong and Yang 2020) and
    suit dozens to hundreds of trials; the paper's 100 and 25 were for 20,000.

    Args:
        space: Where to search.
        seed: The same seed and the same tells give the same asks.
        objectives: What is made small.
        population: Networks alive, P; as many random ones come first.
        sample: Networks drawn for each parent, S, with replacement: 1 is a random walk, P is greedy.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        population: int = 10,
        sample: int = 3,
    ) -> None:
        if population < 1 or sample < 1:
            raise ConfigError(f"population is {population} and sample {sample}; both must be 1 or more")
        self.space = space
        self.seed = seed
        self.population = population
        self.sample = sample
        self._archive = Archive(objectives)
        self._alive: deque[tuple[Architecture, tuple[float, ...]]] = deque(maxlen=population)  # oldest first
        self._order: list[int] | None = None  # of the living, best first; None: someone was born since
        self._asked = 0
        self._pending = 0

    def ask(self, n: int) -> list[Candidate]:
        """Returns `n` samples while the population fills, then children."""
        return [self._next() for _ in range(n)]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results: each one that has a value is born, and the oldest dies."""
        for trial in trials:
            # Not every trial was asked here: one may be a repair of another, so the count must not go below
            # 0.
            self._pending = max(self._pending - 1, 0)
            worth = self._archive.record(trial)
            if worth is not None:
                self._alive.append((trial.architecture, worth))
                self._order = None

    def best(self, k: int) -> list[Architecture]:
        """Returns up to `k` distinct architectures of the whole history, best first."""
        return self._archive.best(k)

    def _next(self) -> Candidate:
        rng = rng_for(self.seed, "evolution", self._asked)
        self._asked += 1
        filling = len(self._alive) + self._pending < self.population
        self._pending += 1
        if filling or not self._alive or self.space.count == 1:
            return Candidate(self.space.sample(rng))
        return Candidate(self.space.mutate(self._parent(rng), rng))

    def _parent(self, rng: np.random.Generator) -> Architecture:
        if self._order is None:
            self._order = order([worth for _, worth in self._alive])
        drawn = {int(u * len(self._alive)) for u in rng.random(self.sample).tolist()}
        return self._alive[next(i for i in self._order if i in drawn)][0]
