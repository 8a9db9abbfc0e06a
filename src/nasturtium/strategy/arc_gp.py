"""Bayesian optimisation with the arc kernel."""

from collections.abc import Sequence

import numpy as np

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.predictor.arc_gp import ArcGP
from nasturtium.protocols import Candidate, Trial
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space
from nasturtium.strategy.observed import Observed
from nasturtium.strategy.surrogate import Surrogate

PARENTS = 10  # the best networks, whose mutations are looked at
CLIMBS = 5  # steps to better neighbours from the best candidate


class ArcBayesianOptimization:
    """Evaluates the network of largest expected improvement under a Gaussian process with the arc kernel.

    Swersky, Duvenaud, Snoek, Hutter and Osborne 2013 (arXiv:1409.4011). The kernel knows which decisions
    exist, so what was learnt of a first layer holds for networks with one layer and with ten.

    Of a small space all networks are candidates; of a large one, random ones and mutations of the best, and
    then the neighbours of the most promising of these. Results that are awaited count as if they had come out
    as expected. With several objectives each ask weighs them anew (Knowles 2006, ParEGO).

    Differs: values are warped and hyper-parameters have priors; see `Surrogate` and
    `nasturtium.predictor.arc_gp.ArcGP`.

    Args:
        space: Where to search.
        seed: The same seed and the same tells give the same asks.
        objectives: What is made small.
        initial: Random networks first.
        candidates: Networks looked at for each ask, where the space has more.
        refit: New results after which hyper-parameters are learnt again.
        steps: Iterations of their optimiser.

    Raises:
        ConfigError: gpytorch is not installed, or a number is too small.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        initial: int = 10,
        candidates: int = 500,
        refit: int = 5,
        steps: int = 50,
    ) -> None:
        if initial < 1 or candidates < 1:
            raise ConfigError(f"initial is {initial} and candidates {candidates}; both must be 1 or more")
        self.space, self.seed = space, seed
        self.initial, self.candidates = initial, candidates
        self._observed = Observed(space, objectives)
        self._surrogate = Surrogate(ArcGP(space, seed=seed, steps=steps), refit)
        self._asked = 0

    def ask(self, n: int) -> list[Candidate]:
        """Returns `n` random networks at first, then the most promising."""
        return [self._observed.ask(self._next()) for _ in range(n)]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results; the model learns them at the next ask."""
        self._observed.tell(trials)

    def best(self, k: int) -> list[Architecture]:
        """Returns up to `k` distinct architectures of the whole history, best first."""
        return self._observed.archive.best(k)

    def _next(self) -> Architecture:
        rng = rng_for(self.seed, "arc gp", self._asked)
        self._asked += 1
        if self._observed.count < self.initial or not self.best(1):
            return self._observed.fresh(rng)
        candidates = self._candidates(rng)
        if not candidates:
            return self._observed.fresh(rng)
        self._surrogate.update(self._observed, rng)
        worth = self._surrogate.log_improvement(candidates)
        chosen = int(worth.argmax())
        return self._climbed(candidates[chosen], float(worth[chosen]))

    def _candidates(self, rng: np.random.Generator) -> list[Architecture]:
        """Returns networks that were never asked: all, or random ones and mutations of the best by turns."""
        left = self._observed.left()
        if left is not None:
            return left
        parents = self.best(PARENTS)
        drawn = []
        for i in range(self.candidates):
            one = parents[int(rng.random() * len(parents))] if i % 2 else self.space.sample(rng)
            if i % 2:
                for _ in range(int(rng.geometric(0.5))):
                    one = self.space.mutate(one, rng)
            drawn.append(one)
        return self._observed.new(drawn)

    def _climbed(self, architecture: Architecture, worth: float) -> Architecture:
        """Returns the most promising network that some steps from neighbour to neighbour lead to."""
        for _ in range(CLIMBS if self._observed.left() is None else 0):
            around = self._observed.new(list(self.space.neighbours(architecture)))
            if not around:
                break
            promise = self._surrogate.log_improvement(around)
            nearest = int(promise.argmax())
            if promise[nearest] <= worth:
                break
            architecture, worth = around[nearest], float(promise[nearest])
        return architecture
