"""Every architecture that was told, with what it is worth."""

from collections.abc import Sequence
from operator import add

from nasturtium.architecture import Architecture
from nasturtium.front.dominance import order
from nasturtium.front.objectives import Objective, values
from nasturtium.protocols import Trial


class Archive:
    """Remembers the value of every architecture that was told, and finds the best of them.

    An architecture that is told several times (retrained from other seeds) is worth the mean. One that
    failed, was infeasible or lacks a metric is worth nothing, so it is not kept. Recording costs the same
    however many there are; the best are sorted when they are asked for.

    Args:
        objectives: What is made small; several are ranked by front, then the less crowded first.
    """

    def __init__(self, objectives: Sequence[Objective]) -> None:
        self.objectives = tuple(objectives)
        self._known: dict[Architecture, tuple[int, tuple[float, ...]]] = {}  # times told, sums of the values
        self._best: list[Architecture] | None = []  # None: something was recorded since it was sorted

    def record(self, trial: Trial) -> tuple[float, ...] | None:
        """Takes one trial and returns its values, or None when it has none that count."""
        worth = values(self.objectives, trial)
        if max(worth) == float("inf"):
            return None
        times, sums = self._known.get(trial.architecture, (0, None))
        self._known[trial.architecture] = (times + 1, worth if sums is None else tuple(map(add, sums, worth)))
        self._best = None
        return worth

    def best(self, k: int) -> list[Architecture]:
        """Returns up to `k` distinct architectures, best first; the first told where they tie."""
        if self._best is None:
            known = list(self._known)
            means = [[total / times for total in sums] for times, sums in self._known.values()]
            self._best = [known[i] for i in order(means)]
        return self._best[:k]
