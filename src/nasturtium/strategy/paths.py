"""Single paths of a supernet, drawn uniformly (Guo et al. 2020, SPOS, arXiv:1904.00420, section 3.2)."""

from collections.abc import Sequence

from nasturtium.architecture import Architecture
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.protocols import Candidate, Trial
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space

REWARD = 0  # fidelity of a candidate that trains nothing: its loss and error on a minibatch are its result


class UniformPaths:
    """Asks for architectures drawn at random, each decision uniformly, and learns nothing from what is told.

    In a space with conditions that is not the same as uniform architectures; ``over="architectures"`` draws
    those.

    Args:
        space: Of the paths.
        seed: Of the draws.
        objectives: Not used: a path's loss on one minibatch says little.
        over: ``decisions`` or ``architectures``.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        over: str = "decisions",
    ) -> None:
        self.space, self.seed, self.over = space, seed, over
        self._asked = 0

    def ask(self, n: int) -> list[Candidate]:
        """Returns `n` paths."""
        first, self._asked = self._asked, self._asked + n
        return [Candidate(self._path(i)) for i in range(first, self._asked)]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Learns nothing."""

    def best(self, k: int) -> list[Architecture]:
        """Returns nothing: which path is best is found by another search, with the trained weights."""
        return []

    def _path(self, number: int) -> Architecture:
        rng = rng_for(self.seed, "uniform paths", number)
        if self.over == "architectures":
            return self.space.unrank(int(rng.random() * self.space.count))
        return self.space.sample(rng)
