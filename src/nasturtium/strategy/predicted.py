"""Evolution over what a predictor says: some hundred results teach it, and what it finds is evaluated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError, unknown
from nasturtium.front.objectives import ERROR, Constraint, Objective
from nasturtium.predictor.forest import Forest
from nasturtium.predictor.gp import GaussianProcess
from nasturtium.predictor.warp import HalfRank
from nasturtium.protocols import Candidate, CostModel, Strategy, Trial
from nasturtium.seeds import rng_for, seed_for
from nasturtium.space.space import Space
from nasturtium.strategy.constrained import Constrained, cheap_of
from nasturtium.strategy.nsga2 import NSGA2
from nasturtium.strategy.observed import Observed

if TYPE_CHECKING:
    from nasturtium.predictor.protocol import Predictor

Array = NDArray[np.float64]
PredictorName: TypeAlias = Literal["forest", "gp", "mlp"]
Guess: TypeAlias = Callable[[Sequence[Architecture]], Array]  # of every objective, [n, objectives]


class PredictedEvolution:
    """Evolves networks by predicted values, and evaluates those that look best, again and again.

    Cai et al. 2020 (OFA, arXiv:1908.09791): errors of random subnets teach a predictor, and constrained
    evolution by its word costs seconds. In rounds, each of which evaluates the best that the evolution found
    and teaches the predictor anew, it is the search of DyNAS (Sarah et al. 2022, arXiv:2202.12954).
    It is made for results that cost seconds, such as errors with a supernet's weights.

    Differs: the evolution is NSGA-II, which with one objective is a plain one, and begins with the best
    networks known; OFA learns from 16,000 subnets, by a perceptron.

    Args:
        space: Where to search.
        seed: The same seed and the same tells give the same asks.
        objectives: What is made small; one that follows from counts is not predicted.
        initial: Random networks before the predictor is asked.
        batch: Networks that a round evaluates.
        population: Of the evolution.
        generations: Of the evolution in each round.
        predictor: Of every other objective: a random ``forest``, a Gaussian process (``gp``) or perceptrons
            (``mlp``).
        costs: What counts params and the like, or promises latencies; None predicts these, too.
        constraints: On costs that need no measuring, kept within the evolution.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        initial: int = 20,
        batch: int = 10,
        population: int = 50,
        generations: int = 20,
        predictor: PredictorName = "gp",
        costs: CostModel | None = None,
        constraints: Sequence[Constraint] = (),
    ) -> None:
        if min(initial, batch, generations) < 1 or population < 2:
            raise ConfigError(
                f"initial is {initial}, batch {batch}, generations {generations} and population "
                f"{population}; the last must be 2 or more, the others 1 or more"
            )
        if predictor not in ("forest", "gp", "mlp"):
            raise unknown("predictor", predictor, ("forest", "gp", "mlp"))
        self.space, self.seed, self.objectives = space, seed, tuple(objectives)
        self.initial, self.batch = initial, batch
        self.population, self.generations = population, generations
        self.predictor, self.costs = predictor, costs
        self._cheap = cheap_of(costs)
        self.constraints = tuple(one for one in constraints if one.metric in self._cheap)
        self._observed = Observed(space, objectives)
        self._queue: list[Architecture] = []  # what is left of a round, the next one last
        self._asked = 0
        self._rounds = 0

    def ask(self, n: int) -> list[Candidate]:
        """Returns `n` candidates: random ones at first, then the next of the round."""
        return [self._observed.ask(self._next()) for _ in range(n)]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results; the predictor learns them when the next round begins."""
        self._observed.tell(trials)

    def best(self, k: int) -> list[Architecture]:
        """Returns up to `k` distinct architectures, best first, by what was told."""
        return self._observed.archive.best(k)

    def _next(self) -> Architecture:
        number, self._asked = self._asked, self._asked + 1
        if not self._queue and self._observed.count >= self.initial:
            self._queue = self._round()[::-1]
        return self._queue.pop() if self._queue else self._observed.fresh(self._rng(number))

    def _round(self) -> list[Architecture]:
        """Returns the networks of a new round, best first; none while nothing is known, or nothing is new."""
        known, worth = self._observed.examples()
        if not known or self.space.count == 1:
            return []
        number, self._rounds = self._rounds, self._rounds + 1
        found = self._evolved(self._taught(known, worth, number), known, number)
        return self._observed.new(found)[: self.batch]

    def _evolved(self, guess: Guess, known: Sequence[Architecture], number: int) -> list[Architecture]:
        """Returns what evolution finds, best first, `known` networks among the others."""
        names = [f"objective{i}" for i in range(len(self.objectives))]

        def told(candidates: Sequence[Candidate]) -> list[Trial]:
            rows = guess([one.point for one in candidates if isinstance(one.point, Architecture)]).tolist()
            pairs = zip(candidates, rows, strict=True)
            return [Trial(one, dict(zip(names, row, strict=True))) for one, row in pairs]

        seed = seed_for(self.seed, "predicted evolution", number)
        goals = [Objective(name) for name in names]
        evolution = NSGA2(self.space, seed=seed, objectives=goals, population=self.population)
        evolution.tell(told([Candidate(one) for one in self._observed.archive.best(self.population)]))
        search: Strategy = evolution
        if self.constraints and self.costs is not None:
            search = Constrained(evolution, self.space, self.constraints, self.costs, seed)
        for _ in range(self.generations):
            if not (asked := search.ask(self.population)):
                break
            search.tell(told(asked))
        return list(search.best(len(known) + 4 * self.batch))

    def _taught(self, known: Sequence[Architecture], worth: Array, number: int) -> Guess:
        """Returns what tells the objectives of networks: counted, or predicted after what is known."""
        columns: list[Callable[[Sequence[Architecture]], Array]] = []
        for place, objective in enumerate(self.objectives):
            counted = self._counted(objective)
            columns.append(counted or self._predicted(known, worth[:, place], number))

        return lambda asked: np.stack([column(asked) for column in columns], axis=1)

    def _predicted(
        self, known: Sequence[Architecture], values: Array, number: int
    ) -> Callable[[Sequence[Architecture]], Array]:
        model = self._model(number)
        model.fit(known, HalfRank(values).values)
        return lambda asked: model.predict(asked)[0]

    def _counted(self, objective: Objective) -> Callable[[Sequence[Architecture]], Array] | None:
        costs, names = self.costs, tuple(sorted(objective.metrics))
        if costs is None or not objective.metrics <= self._cheap:
            return None
        return lambda asked: np.array([objective(costs(one, names)) for one in asked])

    def _model(self, number: int) -> Predictor:
        seed = seed_for(self.seed, "predicted evolution: predictor", number)
        if self.predictor == "mlp":
            from nasturtium.predictor.mlp import MLPEnsemble  # torch, which a list of methods does not need

            return MLPEnsemble(self.space, seed=seed, scale="rank")
        return (Forest if self.predictor == "forest" else GaussianProcess)(self.space, seed=seed)

    def _rng(self, number: int) -> np.random.Generator:
        return rng_for(self.seed, "predicted evolution: random", number)
