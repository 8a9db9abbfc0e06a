"""A given list of architectures, to train each of them again."""

from collections.abc import Sequence

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.protocols import Candidate, Trial
from nasturtium.space.space import Space
from nasturtium.strategy.archive import Archive


class Fixed:
    """Asks for given architectures, each `repeats` times; the best are those of lowest mean.

    Every architecture comes once before any comes twice. Not to be wrapped in `Distinct`, which would answer
    the repeats from the first time.

    Args:
        space: Where the architectures are from.
        architectures: What to evaluate.
        repeats: How often each is evaluated.
        fidelity: How much to spend on each, in the evaluator's unit; None is all of it.
        seed: Unused; the evaluator's seed makes the repeats differ.
        objectives: What is made small.
    """

    def __init__(
        self,
        space: Space,
        architectures: Sequence[Architecture],
        repeats: int = 1,
        fidelity: int | None = None,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
    ) -> None:
        if repeats < 1:
            raise ConfigError(f"repeats is {repeats}; it must be 1 or more")
        for architecture in architectures:
            if architecture not in space:
                raise ConfigError(f"{architecture} is not in {space.name}; it belongs to another space")
        self.space = space
        self.seed = seed
        self.architectures = tuple(architectures)
        self.repeats = repeats
        self.fidelity = fidelity
        self._archive = Archive(objectives)
        self._asked = 0

    def ask(self, n: int) -> list[Candidate]:
        """Returns the next `n`; fewer, and in the end none, when all are asked."""
        total = len(self.architectures) * self.repeats
        first, self._asked = self._asked, min(self._asked + n, total)
        return [self._candidate(i) for i in range(first, self._asked)]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results; they change what is best, not what is asked."""
        for trial in trials:
            self._archive.record(trial)

    def best(self, k: int) -> list[Architecture]:
        """Returns up to `k` distinct architectures, lowest mean first."""
        return self._archive.best(k)

    def _candidate(self, i: int) -> Candidate:
        return Candidate(self.architectures[i % len(self.architectures)], self.fidelity)
