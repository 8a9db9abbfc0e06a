"""The house default: learn what networks do from all trials, ask for the network that promises the most."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.front.dominance import order
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.predictor.embedding import squared
from nasturtium.predictor.gp import Kernel, default_kernel
from nasturtium.protocols import Candidate, CostModel, Trial
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space
from nasturtium.strategy.archive import Archive
from nasturtium.strategy.belief import Belief, fitted_failures
from nasturtium.strategy.improvement import expected_growth, log_expected_improvement
from nasturtium.strategy.subject import Evidence, Subject

Array = NDArray[np.float64]

FIRST, FEW = 10, 5  # networks told before the model is asked, with one objective and with several
SPREAD = 20  # random networks among which each of the first ones is the farthest from the others
ELITE = 3  # networks whose neighbours are all looked at
PARENTS = 10  # networks that are changed in two places
CHANGED, SAMPLED = 30, 10  # so many of those, and random ones
CLIMBS = 2  # times that the neighbours of the most promising are added
LARGEST = 300  # trials that the model is built on: the best half, the latest half
FAILED = 100  # failed trials that it learns from
TYPICAL = 100  # random networks that tell what is worth finding
DRAWS = 256  # weights of three or more objectives, with a guess of each, that an improvement is averaged over
TRIES = 100
ENUMERABLE = 20_000  # architectures of a space that is looked through before it counts as exhausted


class Auto:
    """Bayesian optimisation by a Gaussian process that sees decisions, numbers and graphs alike.

    After a few networks far from each other, every ask fits `nasturtium.predictor.gp` to all that was told
    and takes, of the neighbours of the best, changes of these and random networks, the one with the largest
    expected improvement (Jones, Schonlau and Welch 1998), never one that was asked for before. With several
    objectives the first networks are random ones, and it is the expected growth of the hypervolume. It is
    multiplied by how likely the training succeeds and respects the constraints: each metric that they bound
    is learnt, too (Gardner et al. 2014). `best` trusts the model more than single results, as one of
    many trainings is always lucky. docs/auto.md explains and measures.

    Args:
        space: Where to search.
        seed: The same seed and the same tells give the same asks.
        objectives: What is made small.
        initial: Networks told before the model is asked; 10, or 5 with several objectives.
        costs: What counts params and the like: with several objectives, or constraints, such objectives need
            not be learnt, and others are learnt sooner. Only counts are asked for.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        initial: int | None = None,
        costs: CostModel | None = None,
    ) -> None:
        if initial is not None and initial < 2:
            raise ConfigError(f"initial is {initial}; the model needs 2 or more")
        self.space, self.seed = space, seed
        self._several = len(objectives) > 1
        self.initial = (FEW if self._several else FIRST) if initial is None else initial
        self._archive = Archive(objectives)
        self._subject = Subject(space, objectives, costs)
        self._embedding = self._subject.embedding
        self._told: list[tuple[Evidence, tuple[float, ...]]] = []  # with values and without constraints
        self._failed: list[Architecture] = []
        self._outcomes: list[tuple[Architecture, float]] = []  # of all trials, 1 for a failure
        self._pending: dict[Architecture, None] = {}  # in the order asked
        self._known: set[str] = set()  # canonical forms of what was asked or told
        self._seen: set[Architecture] = set()  # the same, to save computing the form
        self._asked = 0
        self._exhausted = False
        self._belief: Belief | None = None  # None: something was told since
        self._kernels: tuple[int, list[Kernel]] | None = None  # and how many trials they were fitted to
        self._failing: tuple[int, Kernel] | None = None

    def ask(self, n: int) -> list[Candidate]:
        """Returns up to `n` networks, none of them asked before; fewer when there are no others."""
        found: list[Candidate] = []
        while len(found) < n and not self._exhausted:
            rng = rng_for(self.seed, "auto", self._asked)
            self._asked += 1
            architecture = self._next(rng) or self._any(rng)
            if architecture is None:
                self._exhausted = True
                break
            self._note(architecture)
            self._pending[architecture] = None
            found.append(Candidate(architecture))
        return found

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results; the model is fitted when it is needed next."""
        for trial in trials:
            self._pending.pop(trial.architecture, None)
            self._note(trial.architecture)
            worth = self._archive.record(trial)
            if worth is None:
                self._failed.append(trial.architecture)
            else:
                self._told.append((self._subject.evidence(trial), worth))
            self._outcomes.append((trial.architecture, float(worth is None)))
            self._belief = None

    def best(self, k: int) -> list[Architecture]:
        """Returns up to `k` distinct architectures, by what another training is expected to show."""
        ranked = self._ranked() if len(self._told) >= self.initial else []
        return list(dict.fromkeys([*ranked, *self._archive.best(len(self._told))]))[:k]

    def _next(self, rng: np.random.Generator) -> Architecture | None:
        if self.space.count == 1:
            return None
        if len(self._told) >= 2 and len(self._told) + len(self._pending) >= self.initial:
            return self._promising(rng)
        return self._any(rng) if self._several else self._far(rng)

    def _far(self, rng: np.random.Generator) -> Architecture | None:
        """Returns, of a few random networks, the one farthest from all others so far."""
        drawn = [a for a in (self.space.sample(rng) for _ in range(SPREAD)) if self._is_new(a)]
        others = [*(row.architecture for row, _ in self._told), *self._pending, *self._failed[-FAILED:]]
        if not drawn or not others:
            return drawn[0] if drawn else None
        roots = np.sqrt(default_kernel(self._embedding).weights)
        away = squared(self._embedding(drawn) * roots, self._embedding(others) * roots)
        return drawn[int(away.min(axis=1).argmax())]

    def _promising(self, rng: np.random.Generator) -> Architecture | None:
        """Returns the new network with the largest expected improvement of those looked at."""
        belief = self._believed().awaiting(list(self._pending))
        gain = self._gain(belief, rng)

        def gains(architectures: Sequence[Architecture]) -> Array:
            return gain(architectures) * belief.success(architectures)

        pool: dict[Architecture, float] = {}
        new = [a for a in dict.fromkeys(self._pool(rng)) if a not in self._seen]
        for _ in range(CLIMBS + 1):
            if not new:
                break
            pool |= zip(new, gains(new).tolist(), strict=True)
            top = max(pool, key=pool.__getitem__)
            new = [a for a in self.space.neighbours(top) if a not in pool and a not in self._seen]
        return next(filter(self._is_new, sorted(pool, key=lambda a: -pool[a])), None)

    def _pool(self, rng: np.random.Generator) -> Iterator[Architecture]:
        ranked = self._ranked()
        for architecture in ranked[:ELITE]:
            yield from self.space.neighbours(architecture)
        for i in range(CHANGED):
            parent = ranked[i % min(len(ranked), PARENTS)]
            yield self.space.mutate(self.space.mutate(parent, rng), rng)
        for _ in range(SAMPLED):
            yield self.space.sample(rng)

    def _any(self, rng: np.random.Generator) -> Architecture | None:
        """Returns a new network, None where none is found."""
        drawn = (self.space.sample(rng) for _ in range(TRIES))
        found = next(filter(self._is_new, drawn), None)
        if found is None and self.space.count <= ENUMERABLE:
            return next(filter(self._is_new, self.space), None)
        return found

    def _is_new(self, architecture: Architecture) -> bool:
        return architecture not in self._seen and self.space.canonical(architecture) not in self._known

    def _note(self, architecture: Architecture) -> None:
        if architecture not in self._seen:
            self._seen.add(architecture)
            self._known.add(self.space.canonical(architecture))

    # What is believed

    def _ranked(self) -> list[Architecture]:
        """The architectures of the model, those first that respect the constraints, then by expectation."""
        belief = self._believed()
        ranked = [belief.evidence[i] for i in order(belief.expected)]
        return [row.architecture for row in sorted(ranked, key=lambda row: row.broken)]

    def _gain(self, belief: Belief, rng: np.random.Generator) -> Callable[[Sequence[Architecture]], Array]:
        """Returns what says how much a network is worth that succeeds; all the same while none ever did."""
        expected = self._believed().expected
        draws = rng.standard_normal((2, DRAWS, expected.shape[1]))
        told = expected[[row.respected for row in belief.evidence]]
        if not len(told):
            return lambda architectures: np.ones(len(architectures))
        if self._several:
            reference = belief.reference(self._typical)
            told = np.concatenate([told, belief.predict(list(self._pending))[0]]) if self._pending else told
            return lambda found: expected_growth(*belief.predict(found), told, reference, draws)

        def improvement(architectures: Sequence[Architecture]) -> Array:
            mean, std = belief.predict(architectures)
            gain: Array = np.exp(log_expected_improvement(mean[:, 0], std[:, 0], float(told.min())))
            return gain

        return improvement

    @cached_property
    def _typical(self) -> list[Architecture]:
        return [self.space.sample(rng_for(self.seed, "auto typical", i)) for i in range(TYPICAL)]

    def _believed(self) -> Belief:
        if self._belief is None:
            evidence = self._evidence(len(self._told))
            self._belief = Belief(
                self._subject, evidence, self._failed[-FAILED:], self._fitted(), self._fitted_failures()
            )
        return self._belief

    def _fitted(self) -> list[Kernel]:
        count = self._milestone(len(self._told))
        if count == 0:
            return [default_kernel(self._embedding)] * len(self._subject.learnt)
        if self._kernels is None or self._kernels[0] != count:
            self._kernels = count, self._subject.fitted(self._evidence(count))
        return self._kernels[1]

    def _fitted_failures(self) -> Kernel:
        count = self._milestone(len(self._outcomes))
        if count == 0 or not any(failed for _, failed in self._outcomes):
            return default_kernel(self._embedding)
        if self._failing is None or self._failing[0] != count:
            architectures, labels = zip(*self._outcomes[max(count - LARGEST, 0) : count], strict=True)
            self._failing = count, fitted_failures(self._embedding, architectures, np.array(labels))
        return self._failing[1]

    def _milestone(self, told: int) -> int:
        """How many of the first trials kernels are fitted to: it grows by an eighth at a time.

        So most asks fit nothing, and what is fitted does not depend on when anything was asked.
        """
        count, following = 0, self.initial
        while following <= told:
            count, following = following, following + max(1, following // 8)
        return count

    def _evidence(self, count: int) -> list[Evidence]:
        """Returns what the model is built on, of the first `count` trials."""
        told = self._told[:count]
        if len(told) <= LARGEST:
            return [row for row, _ in told]
        best = order([worth for _, worth in told])[: LARGEST // 2]
        return [told[i][0] for i in sorted({*best, *range(len(told) - LARGEST // 2, len(told))})]
