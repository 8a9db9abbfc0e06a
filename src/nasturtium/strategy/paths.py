"""Single paths of a supernet, drawn uniformly (Guo et al. 2020, SPOS, arXiv:1904.00420, section 3.2)."""

from collections.abc import Sequence

from nasturtium.front.objectives import ERROR, Objective
from nasturtium.protocols import Candidate
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space
from nasturtium.strategy.drawn import Drawn

REWARD = 0  # fidelity of a candidate that trains nothing: its loss and error on a minibatch are its result


class UniformPaths(Drawn):
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

    def drawn(self, number: int) -> Candidate:
        """Returns a path."""
        rng = rng_for(self.seed, "uniform paths", number)
        if self.over == "architectures":
            return Candidate(self.space.unrank(int(rng.random() * self.space.count)))
        return Candidate(self.space.sample(rng))
