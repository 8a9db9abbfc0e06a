"""Strictly fair paths: every option is trained equally often (FairNAS)."""

from collections.abc import Sequence

from nasturtium.front.objectives import ERROR, Objective
from nasturtium.protocols import Candidate
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space
from nasturtium.strategy.derive import settled
from nasturtium.strategy.drawn import Drawn


class FairPaths(Drawn):
    """Asks for rounds of paths that have every option of every decision once, in an order of its own.

    Chu, Zhang and Xu 2021 (FairNAS, ICCV, arXiv:1907.01845), strict fairness: with m options a decision, one
    step trains m paths and sums their gradients; each decision's options over the m paths are an independent
    random permutation. Give the training ``paths=sampler.paths``.

    Differs: decisions may have fewer options than m. Each goes through permutations of its own options one
    after the other, so the counts of its options differ by at most one after every step, and are equal
    whenever the paths so far are a multiple of their number. In a space with conditions that is so of what is
    drawn; a decision that does not exist in a path trains nothing there.

    Args:
        space: Of the paths.
        seed: Of the permutations.
        objectives: Not used.

    Attributes:
        paths: Of a step: the most options of any decision.
    """

    def __init__(self, space: Space, *, seed: int = 0, objectives: Sequence[Objective] = ERROR) -> None:
        self.space, self.seed = space, seed
        self._sizes = tuple(len(decision.labels) for decision in space.decisions)
        self.paths = max(self._sizes, default=1)

    def drawn(self, number: int) -> Candidate:
        """Returns a path; a round is complete after every multiple of `paths`."""
        return Candidate(settled(self.space, [self._option(d, number) for d in range(len(self._sizes))]))

    def _option(self, decision: int, number: int) -> int:
        size = self._sizes[decision]
        permutation, place = divmod(number, size)
        order = rng_for(self.seed, f"fair paths/{decision}", permutation).permutation(size)
        return int(order[place])
