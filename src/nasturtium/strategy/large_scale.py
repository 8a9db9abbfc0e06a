"""Large-scale evolution: the worse of two dies, the better has a child."""

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

Individual = tuple[Architecture, tuple[float, ...]]


class LargeScaleEvolution:
    """Draws two individuals, kills the worse and evaluates a mutated copy of the better.

    Real, Moore, Selle, Saxena, Suematsu, Tan, Le and Kurakin 2017, section 3.1 (arXiv:1703.01041). There are
    no generations: each ask is a worker that finds its pair among those alive at that moment, so the living
    and those under evaluation are always `population` together. A good individual never dies of age.

    Differs: children are trained afresh and do not inherit weights, so the mutations that only make sense
    with them (go on training, reset weights) are left out, and the rest are the one-decision changes of the
    space; the learning rate is searched only where the space has it. The first individuals are random
    samples, not networks of a single layer. With several objectives the worse of two is the one that comes
    later by front and then crowding. A failed child is replaced by a random sample. The paper's population
    was 1,000, for tens of thousands of children; the default suits hundreds.

    Args:
        space: Where to search.
        seed: The same seed and the same tells give the same asks.
        objectives: What is made small.
        population: Individuals alive or under evaluation; as many random ones come first. When so many are
            under evaluation that no pair is left, random samples are asked for beyond it.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        population: int = 20,
    ) -> None:
        if population < 2:
            raise ConfigError(f"population is {population}; it must be 2 or more, for a pair to be drawn")
        self.space = space
        self.seed = seed
        self.population = population
        self._archive = Archive(objectives)
        self._alive: list[Individual] = []
        self._asked = 0
        self._pending = 0
        self._excess = 0  # how often more had to die than were replaced

    @property
    def alive(self) -> tuple[Architecture, ...]:
        """Who is alive now, oldest first."""
        return tuple(architecture for architecture, _ in self._alive)

    def ask(self, n: int) -> list[Candidate]:
        """Returns `n` samples while the population fills, then children."""
        return [self._next() for _ in range(n)]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results: each one that has a value is born."""
        for trial in trials:
            self._pending = max(self._pending - 1, 0)  # not every trial was asked for here
            worth = self._archive.record(trial)
            if worth is not None:
                self._alive.append((trial.architecture, worth))
            while len(self._alive) > self.population:  # after samples beyond it, or unasked results
                self._tournament(rng_for(self.seed, "large scale excess", self._excess))
                self._excess += 1

    def best(self, k: int) -> list[Architecture]:
        """Returns up to `k` distinct architectures of the whole history, best first."""
        return self._archive.best(k)

    def _next(self) -> Candidate:
        rng = rng_for(self.seed, "large scale", self._asked)
        self._asked += 1
        filling = len(self._alive) + self._pending < self.population
        self._pending += 1
        if filling or len(self._alive) < 2 or self.space.count == 1:
            return Candidate(self.space.sample(rng))
        parent = self._tournament(rng)
        return Candidate(self.space.mutate(parent, rng))

    def _tournament(self, rng: np.random.Generator) -> Architecture:
        """Kills the worse of two individuals drawn, and returns the better."""
        first = int(rng.random() * len(self._alive))
        second = (first + 1 + int(rng.random() * (len(self._alive) - 1))) % len(self._alive)
        better, worse = self._ranked(first, second)
        parent = self._alive[better][0]
        del self._alive[worse]
        return parent

    def _ranked(self, first: int, second: int) -> tuple[int, int]:
        one, other = self._alive[first][1], self._alive[second][1]
        if len(one) == 1:
            return (first, second) if one <= other else (second, first)
        by_rank = order([worth for _, worth in self._alive])
        return (first, second) if by_rank.index(first) < by_rank.index(second) else (second, first)
