"""Evolution in generations: the best ten of all so far are crossed and mutated (SPOS's search)."""

from collections.abc import Sequence

import numpy as np

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.protocols import Candidate, Trial
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space
from nasturtium.strategy.archive import Archive
from nasturtium.strategy.derive import settled


class GenerationalEvolution:
    """Fills each generation with crossovers and mutants of the best that any generation had.

    Guo et al. 2020 (SPOS, arXiv:1904.00420), Algorithm 1 and section 3.4: population 50, the best 10, 25
    crossovers, 25 mutants with probability 0.1 per decision, 20 generations. It is made for results that cost
    seconds, such as errors with a supernet's weights.

    Differs: it goes on as long as it is asked; told one by one it is the paper's, and asked for more it takes
    the parents of the moment. With several objectives the best are the least dominated, then the least
    crowded (Deb et al. 2002). One that failed or is infeasible counts in no generation.

    Args:
        space: Where to search.
        seed: The same seed and the same tells give the same asks.
        objectives: What is made small.
        population: Networks of a generation; the first is random.
        parents: The best so many of all are parents.
        crossovers: Children of two parents in each generation; the rest are mutants.
        mutation: Probability that a decision of a mutant is drawn again, to any of its options.
        tries: Children in a row that were asked before; then a random network takes the place.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        population: int = 50,
        parents: int = 10,
        crossovers: int = 25,
        mutation: float = 0.1,
        tries: int = 10,
    ) -> None:
        if population < 1 or parents < 1 or tries < 1:
            raise ConfigError(
                f"population is {population}, parents {parents} and tries {tries}; all must be 1 or more"
            )
        if not (0 <= crossovers <= population and 0 <= mutation <= 1):
            raise ConfigError(
                f"crossovers is {crossovers}, which must be within 0 and the population ({population}), and "
                f"mutation {mutation}, which must be within 0 and 1"
            )
        self.space, self.seed = space, seed
        self.population, self.parents, self.crossovers = population, parents, crossovers
        self.mutation, self.tries = mutation, tries
        self._archive = Archive(objectives)
        self._best: list[Architecture] = []  # the parents of this generation
        self._seen: set[Architecture] = set()
        self._asked = 0
        self._told = 0

    def ask(self, n: int) -> list[Candidate]:
        """Returns `n` samples until the first generation is told, then children."""
        return [self._next() for _ in range(n)]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results; when they make a generation, the next parents are chosen."""
        for trial in trials:
            self._seen.add(trial.architecture)
            if self._archive.record(trial) is not None:
                self._told += 1
                if self._told % self.population == 0:
                    self._best = self.elite()

    def elite(self) -> list[Architecture]:
        """The parents of the next generation."""
        return self._archive.best(self.parents)

    def best(self, k: int) -> list[Architecture]:
        """Returns up to `k` distinct architectures of the whole history, best first."""
        return self._archive.best(k)

    def _next(self) -> Candidate:
        rng = rng_for(self.seed, "generations", self._asked)
        place = self._asked % self.population
        self._asked += 1
        for _ in range(self.tries if self._best else 0):
            child = self._crossover(rng) if place < self.crossovers else self._mutant(rng)
            if child not in self._seen:
                break
        else:
            child = self.space.sample(rng)
        self._seen.add(child)
        return Candidate(child)

    def _crossover(self, rng: np.random.Generator) -> Architecture:
        mother, father = (self._parent(rng) for _ in range(2))
        return self.space.crossover(mother, father, rng)

    def _mutant(self, rng: np.random.Generator) -> Architecture:
        parent = self._parent(rng)
        sizes = [len(decision.labels) for decision in self.space.decisions]
        changed = rng.random(len(sizes)) < self.mutation
        # A decision that the parent lacks, and a change brings about, is drawn like those that are changed.
        drawn = changed | ~np.array(self.space.active(parent), bool)
        options = (rng.random(len(sizes)) * sizes).astype(int).tolist()
        rows = zip(drawn, options, parent.choices, strict=True)
        return settled(self.space, [option if new else old for new, option, old in rows])

    def _parent(self, rng: np.random.Generator) -> Architecture:
        return self._best[int(rng.random() * len(self._best))]
