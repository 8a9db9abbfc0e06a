"""A network trained whole, then without its weakest edges (Saxena and Verbeek 2016, arXiv:1606.02492)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Architecture, Mixture
from nasturtium.errors import ConfigError
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.protocols import Candidate, Trial
from nasturtium.space.space import Space

EDGE = (False, True)  # options of a decision on an edge


class Pruning:
    """Asks for the network with all edges, step after step, and then knows which to take away.

    Convolutional neural fabrics are trained so: no path is drawn and nothing is decided; what the training
    made of each edge says whether it is needed (section 3). The last ask is the same network as a mixture:
    what comes back for each option as its gradient is taken as a loss that it saves, as
    `evaluate.kernel_norms` gives it, and edges that save least go first.

    Args:
        space: Of decisions on edges, each no or yes.
        steps: Asks in all, of which the last wants the strengths of the edges.
        seed: Not used: nothing is drawn.
        objectives: Not used.
        levels: Networks to choose from, the first with all edges, each next one with as many fewer.

    Raises:
        ConfigError: The space decides something else too, or a number is below 1.
    """

    def __init__(
        self,
        space: Space,
        steps: int,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        levels: int = 10,
    ) -> None:
        if steps < 1 or levels < 1:
            raise ConfigError(f"pruning: steps is {steps} and levels {levels}; they must be 1 or more")
        for decision in space.decisions:
            if tuple(decision.options) != EDGE:
                raise ConfigError(
                    f"{space.name} decides {decision.path} between {', '.join(decision.labels)}; pruning "
                    "needs a space of edges that are there or not, such as fabric: give choice(False, True)"
                )
        self.space, self.steps, self.seed, self.levels = space, steps, seed, levels
        self.strengths: NDArray[np.float64] | None = None
        self._asked = 0

    def ask(self, n: int) -> list[Candidate]:
        """Returns the whole network `n` times."""
        first, self._asked = self._asked, self._asked + n
        return [self._candidate(number) for number in range(first, self._asked)]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes the strengths when they come."""
        for trial in trials:
            if trial.gradient is not None and trial.status == "ok":
                self.strengths = -np.asarray(trial.gradient, dtype=np.float64)[1::2]  # those of yes

    def best(self, k: int) -> list[Architecture]:
        """Returns the first `k` networks, each without those edges that the next before lacks, and some more.

        Of n edges the i-th network, from 0, lacks the weakest i n / levels. None is known before the end.
        """
        if self.strengths is None:
            return []
        weakest = np.argsort(self.strengths, kind="stable")
        counts = [level * len(weakest) // self.levels for level in range(self.levels)]
        return [self._without(weakest[:count]) for count in counts[:k]]

    def _without(self, edges: NDArray[np.int64]) -> Architecture:
        gone = set(edges.tolist())
        choices = tuple(int(number not in gone) for number in range(len(self.space.decisions)))
        return Architecture(self.space.fingerprint, choices)

    def _candidate(self, number: int) -> Candidate:
        if number != self.steps - 1:
            return Candidate(self._without(np.array([], dtype=np.int64)))
        return Candidate(Mixture(self.space.fingerprint, ((0.0, 1.0),) * len(self.space.decisions)))
