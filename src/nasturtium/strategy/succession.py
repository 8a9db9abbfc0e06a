"""One strategy for some time, then another that goes on from it."""

from collections.abc import Callable, Sequence

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.protocols import Candidate, Strategy, Trial


class Succession:
    """Asks what the first strategy asks, so many times, and then what a second one does.

    The second is made when all that the first asked was told, so that it can begin with what the first
    learned: selection by perturbation goes on with the supernet and the mixture of a DARTS search.

    Args:
        first: Asks first.
        asks: Candidates that the first may ask, 1 or more.
        second: Makes what comes after it.
    """

    def __init__(self, first: Strategy, asks: int, second: Callable[[], Strategy]) -> None:
        if asks < 1:
            raise ConfigError(f"the first of two strategies may ask {asks} times; it must be 1 or more")
        self.first, self.asks = first, asks
        self._make = second
        self._asked = 0
        self._told = 0
        self._second: Strategy | None = None

    @property
    def current(self) -> Strategy:
        """The strategy whose turn it is."""
        return self._second or self.first

    def ask(self, n: int) -> Sequence[Candidate]:
        """Returns up to `n` candidates of one of them; none while answers to the first's last are awaited."""
        if self._second is None and self._asked < self.asks:
            asked = self.first.ask(min(n, self.asks - self._asked))
            self._asked += len(asked)
            return asked
        if self._second is None and self._told < self._asked:
            return []
        if self._second is None:
            self._second = self._make()
        return self._second.ask(n)

    def tell(self, trials: Sequence[Trial]) -> None:
        """Tells whose turn it is; the first hears all that it asked for."""
        for trial in trials:
            self._told += 1
            self.current.tell([trial])

    def best(self, k: int) -> Sequence[Architecture]:
        """Returns what the one whose turn it is would pick; the first's pick until the second has one."""
        return self.current.best(k) or self.first.best(k)
