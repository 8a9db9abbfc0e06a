"""Every architecture of a space, once."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Literal

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.protocols import Candidate, Trial
from nasturtium.space.space import Space
from nasturtium.strategy.archive import Archive

ROUNDS = 4  # of a Feistel network: with 4 it is a strong pseudo-random permutation (Luby and Rackoff 1988)


class Exhaustive:
    """Asks for every architecture once, then for nothing.

    Args:
        space: Where to search.
        seed: Of the shuffled order; the order of rank has no use for it.
        objectives: What is made small.
        order: ``rank``, the space's own order, or ``random``, a shuffle that needs no memory: cut short, it
            is a uniform sample of the architectures without repeats.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        order: Literal["rank", "random"] = "rank",
    ) -> None:
        if order not in ("rank", "random"):
            raise ConfigError(f"order is {order!r}; it must be 'rank' or 'random'")
        self.space = space
        self.seed = seed
        self.order = order
        self._archive = Archive(objectives)
        self._asked = 0

    def ask(self, n: int) -> list[Candidate]:
        """Returns the next `n` architectures; fewer, and in the end none, when the space is exhausted."""
        first, self._asked = self._asked, min(self._asked + n, self.space.count)
        return [Candidate(self.space.unrank(self._place(i))) for i in range(first, self._asked)]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results; they change what is best, not what is asked."""
        for trial in trials:
            self._archive.record(trial)

    def best(self, k: int) -> list[Architecture]:
        """Returns up to `k` distinct architectures, best first."""
        return self._archive.best(k)

    def _place(self, i: int) -> int:
        return i if self.order == "rank" else shuffled(i, self.space.count, self.seed)


def shuffled(i: int, count: int, seed: int) -> int:
    """Returns where a shuffle of ``range(count)`` puts the number `i`, without making the shuffle.

    A Feistel network permutes the numbers of the next even number of bits; one that falls outside is permuted
    again until it is inside (cycle walking, Black and Rogaway 2002), which is still a permutation.

    Args:
        i: A number, 0 to count - 1.
        count: How many numbers are shuffled, of any size.
        seed: Which shuffle.
    """
    half = max((count - 1).bit_length() + 1, 2) // 2
    mask = (1 << half) - 1
    while True:
        left, right = i >> half, i & mask
        for turn in range(ROUNDS):
            digest = blake2b(f"{seed}/{turn}/{right}".encode(), digest_size=half // 8 + 1).digest()
            left, right = right, left ^ (int.from_bytes(digest, "little") & mask)
        i = left << half | right
        if i < count:
            return i
