"""Random networks first, then changes of the best of them: how SMASH looks for a network."""

from collections.abc import Sequence

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.protocols import Candidate, Trial
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space
from nasturtium.strategy.archive import Archive


class RandomThenNear:
    """Draws networks at random, then changes the best of those, then goes on from whatever is better.

    Brock, Lim, Ritchie and Weston 2018, SMASH (arXiv:1708.05344), with the numbers of the release: 500 random
    networks, 100 perturbations of the best, then a Markov chain of 100 steps that accepts what is better.
    A perturbation changes one decision, or some more.

    Differs: the chain goes on for as long as it is asked, and stands at the best so far: with results that do
    not change a step that is better than the last is better than all.

    Args:
        space: Where to search.
        seed: The same seed and the same tells give the same asks.
        objectives: What is made small.
        random: Networks drawn first.
        perturbations: Of the best of these.
        changes: Largest number of decisions that a perturbation changes; each number is as likely.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        random: int = 500,
        perturbations: int = 100,
        changes: int = 3,
    ) -> None:
        if random < 1 or perturbations < 0 or changes < 1:
            raise ConfigError(
                f"random is {random}, perturbations {perturbations} and changes {changes}; perturbations "
                "must be 0 or more, the others 1 or more"
            )
        self.space, self.seed = space, seed
        self.random, self.perturbations, self.changes = random, perturbations, changes
        self._drawn: set[Architecture] = set()
        self._first, self._all = Archive(objectives), Archive(objectives)
        self._asked = 0

    def ask(self, n: int) -> list[Candidate]:
        """Returns `n` networks of the phase that it is in."""
        return [Candidate(self._next()) for _ in range(n)]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results."""
        for trial in trials:
            self._all.record(trial)
            if trial.architecture in self._drawn:
                self._first.record(trial)

    def best(self, k: int) -> list[Architecture]:
        """Returns up to `k` distinct architectures, best first."""
        return self._all.best(k)

    def _next(self) -> Architecture:
        number, self._asked = self._asked, self._asked + 1
        rng = rng_for(self.seed, "random then near", number)
        chain = number >= self.random + self.perturbations
        centre = [] if number < self.random else (self._all if chain else self._first).best(1)
        if not centre or self.space.count == 1:  # nothing was told, or all failed
            found = self.space.sample(rng)
            self._drawn.add(found)
            return found
        found = centre[0]
        for _ in range(1 + int(rng.random() * self.changes)):
            found = self.space.mutate(found, rng)
        return found
