"""What samplers share that learn nothing: each candidate is drawn by its number alone."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from nasturtium.architecture import Architecture
from nasturtium.protocols import Candidate, Trial


class Drawn(ABC):
    """A strategy whose candidates have nothing to do with each other, nor with what is told."""

    _asked = 0

    @abstractmethod
    def drawn(self, number: int) -> Candidate:
        """Returns the candidate of that number, from 0."""

    def ask(self, n: int) -> list[Candidate]:
        """Returns `n` candidates."""
        first, self._asked = self._asked, self._asked + n
        return [self.drawn(number) for number in range(first, self._asked)]

    def tell(self, trials: Sequence[Trial]) -> None:  # noqa: B027
        """Learns nothing."""

    def best(self, k: int) -> list[Architecture]:
        """Returns nothing: which network is best is found by another search, with the trained weights."""
        return []


def nearest(
    draw: Callable[[], Architecture], away: Callable[[Architecture], float], tries: int
) -> Architecture:
    """Returns the first draw that is where it is wanted, else the nearest of them.

    Args:
        draw: Draws an architecture.
        away: How far it is from where it is wanted; 0 is there.
        tries: Draws, 1 or more.
    """
    found = draw()
    least = away(found)
    for _ in range(tries - 1):
        if least == 0:
            break
        one = draw()
        distance = away(one)
        if distance < least:
            found, least = one, distance
    return found
