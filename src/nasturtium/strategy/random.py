"""Random search, the baseline that every method has to beat."""

from collections.abc import Sequence

from nasturtium.architecture import Architecture
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.protocols import Candidate, Trial
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space
from nasturtium.strategy.archive import Archive


class RandomSearch:
    """Asks for independent samples of the space (Li and Talwalkar 2019, arXiv:1902.07638).

    Samples may repeat; compose with `Distinct` where a repeat is to cost nothing.

    Args:
        space: Where to search.
        seed: The same seed and the same tells give the same asks.
        objectives: What is made small.
    """

    def __init__(self, space: Space, *, seed: int = 0, objectives: Sequence[Objective] = ERROR) -> None:
        self.space = space
        self.seed = seed
        self._archive = Archive(objectives)
        self._asked = 0

    def ask(self, n: int) -> list[Candidate]:
        """Returns `n` samples."""
        return [self._next() for _ in range(n)]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results; they change what is best, not what is asked."""
        for trial in trials:
            self._archive.record(trial)

    def best(self, k: int) -> list[Architecture]:
        """Returns up to `k` distinct architectures, best first."""
        return self._archive.best(k)

    def _next(self) -> Candidate:
        rng = rng_for(self.seed, "random", self._asked)
        self._asked += 1
        return Candidate(self.space.sample(rng))
