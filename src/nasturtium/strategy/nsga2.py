"""NSGA-II: a population that spreads over the front of several objectives."""

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


class NSGA2:
    """Keeps the best half of parents and children, by front and then by crowding, again and again.

    Deb, Pratap, Agarwal and Meyarivan 2002. Told one by one it is the paper's algorithm; children can be
    asked for at any time, from the parents of the moment, and a generation ends when enough of them have been
    told.

    Differs: a decision takes its option from one parent or the other (no arithmetic on option numbers), and a
    child equal to a parent is always mutated; an architecture is in the population once; one that failed or
    was infeasible is not counted in any generation. The defaults suit budgets of some hundred trials; the
    paper's 100 were for 25,000.

    Args:
        space: Where to search.
        seed: The same seed and the same tells give the same asks.
        objectives: What is made small.
        population: Parents, and as many children a generation; as many random architectures come first.
        crossover: Probability that a child has two parents (the paper's 0.9).
        mutation: Probability that one decision of it is changed. 0.63 is about the share of children that are
            changed at all by the paper's 1/n per decision.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        population: int = 20,
        crossover: float = 0.9,
        mutation: float = 0.63,
    ) -> None:
        if population < 2:
            raise ConfigError(f"population is {population}; it must be 2 or more")
        if not (0 <= crossover <= 1 and 0 <= mutation <= 1):
            raise ConfigError(
                f"crossover is {crossover} and mutation {mutation}; both must be within 0 and 1"
            )
        self.space = space
        self.seed = seed
        self.population = population
        self.crossover = crossover
        self.mutation = mutation
        self._archive = Archive(objectives)
        self._parents: dict[Architecture, tuple[float, ...]] = {}  # best first
        self._ranked: list[Architecture] = []  # the parents, by number
        self._children: dict[Architecture, tuple[float, ...]] = {}  # told since the parents were chosen
        self._asked = 0

    def ask(self, n: int) -> list[Candidate]:
        """Returns `n` samples until the first generation is told, then children."""
        return [self._next() for _ in range(n)]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results; when they make a generation, the next parents are chosen."""
        for trial in trials:
            worth = self._archive.record(trial)
            if worth is None or trial.architecture in self._parents:
                continue
            self._children[trial.architecture] = worth
            if len(self._children) >= self.population:
                self._select()

    def best(self, k: int) -> list[Architecture]:
        """Returns up to `k` distinct architectures of the whole history, by front and then crowding."""
        return self._archive.best(k)

    def _select(self) -> None:
        pool = list((self._parents | self._children).items())
        self._parents = dict(pool[i] for i in order([worth for _, worth in pool])[: self.population])
        self._ranked = list(self._parents)
        self._children = {}

    def _next(self) -> Candidate:
        rng = rng_for(self.seed, "nsga2", self._asked)
        self._asked += 1
        return Candidate(self._child(rng) if self._ranked else self.space.sample(rng))

    def _child(self, rng: np.random.Generator) -> Architecture:
        mother = father = self._winner(rng)
        child = mother
        if rng.random() < self.crossover:
            father = self._winner(rng)
            child = self.space.crossover(mother, father, rng)
        if (rng.random() < self.mutation or child in (mother, father)) and self.space.count > 1:
            child = self.space.mutate(child, rng)
        return child

    def _winner(self, rng: np.random.Generator) -> Architecture:
        """Returns the better of two parents: they are in order, so the lower number."""
        return self._ranked[int(rng.random(2).min() * len(self._ranked))]
