"""PNAS: from small networks to large ones, each step picked by a predictor that learnt from the last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeAlias

import numpy as np

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError, unknown
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.predictor.protocol import Predictor
from nasturtium.protocols import Candidate, Trial
from nasturtium.seeds import rng_for, seed_for
from nasturtium.space.space import Space
from nasturtium.strategy.archive import Archive
from nasturtium.strategy.growth import Growth, SizeGrowth
from nasturtium.strategy.scalar import scalar

Makes: TypeAlias = Callable[..., Predictor]  # called with the space and seed=
Grows: TypeAlias = Callable[[Space], Growth]

PREDICTORS = ("lstm", "mlp")
TRIES = 200  # random samples in a row that are known already, before one is asked for again


class PNAS:
    """Asks for the smallest networks, then for the best expansions of the best, one size after the other.

    Liu et al. 2018, Algorithm 1 (arXiv:1712.00559). When all of a level came back, a predictor learns from
    everything told so far, every network of the level is expanded in all ways, equal networks are merged by
    their canonical form, and the `beam` that the predictor ranks first are the next level. Until then
    `ask` returns nothing.

    Differs: the defaults of `beam` and `first` are for hundreds of trials; 256 and 136 are the paper's. Of
    more expansions than `scored` some are drawn before equal ones are merged; the paper ranks all, some
    100,000 a level. The size of a network is a word of what the predictor reads, like a block, and the
    predictors have their own sizes (the paper's: one hidden layer, or an LSTM, of 100). The predictor starts
    afresh on all levels rather than going on from the last one. When nothing is larger, further levels come
    from the neighbours and expansions of the best networks so far. An infeasible network is replaced by the
    next in rank. Several objectives are joined under new weights at each level (Knowles 2006, ParEGO).

    Args:
        space: Where to search.
        seed: The same seed and the same tells give the same asks.
        objectives: What is made small.
        beam: Networks of a level, K.
        first: Networks of the first level; fewer where there are fewer, drawn at random where there are more.
        scored: Expansions of a level that the predictor ranks at most, drawn at random where there are more.
        predictor: ``mlp`` or ``lstm``, five of them, or what makes a `Predictor` of a space and ``seed=``.
        growth: A function of the space that makes a `Growth`; None takes `SizeGrowth`.

    Raises:
        ConfigError: A number below 1.
        UnknownName: Another predictor.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        beam: int = 32,
        first: int = 32,
        scored: int = 10_000,
        predictor: str | Makes = "mlp",
        growth: Grows | None = None,
    ) -> None:
        if min(beam, first, scored) < 1:
            raise ConfigError(f"beam is {beam}, first {first} and scored {scored}; all must be 1 or more")
        if isinstance(predictor, str) and predictor not in PREDICTORS:
            raise unknown("predictor of pnas", predictor, PREDICTORS)
        self.space = space
        self.seed = seed
        self.beam = beam
        self.first = first
        self.scored = scored
        self.predictor = predictor
        self.growth: Growth = growth(space) if growth is not None else SizeGrowth(space)
        self._archive = Archive(objectives)
        self._examples: list[tuple[Architecture, tuple[float, ...]]] = []  # in the order they were told
        self._known: set[str] = set()  # canonical forms that were asked for or told
        self._ranked: list[Architecture] = []  # what is left of the level, the next one last
        self._left = 0  # how many of these to ask for
        self._waiting: Counter[Architecture] = Counter()
        self._level: list[Architecture] = []  # what was asked for in it
        self._levels = 0
        self._random = 0

    def ask(self, n: int) -> list[Candidate]:
        """Returns up to `n` candidates of the level; none while the last of it are being evaluated."""
        asked = (self._next() for _ in range(n))
        return [Candidate(architecture) for architecture in asked if architecture is not None]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results; the last one of a level lets the next begin."""
        for trial in trials:
            worth = self._archive.record(trial)
            self._known.add(self.space.canonical(trial.architecture))
            if worth is not None:
                self._examples.append((trial.architecture, worth))
            if self._waiting[trial.architecture] > 0:
                self._waiting[trial.architecture] -= 1
                self._left += trial.status == "infeasible"

    def best(self, k: int) -> list[Architecture]:
        """Returns up to `k` distinct architectures, best first."""
        return self._archive.best(k)

    def _next(self) -> Architecture | None:
        if not self._ranked or not self._left:
            if self._waiting.total():
                return None
            self._begin()
        architecture = self._ranked.pop()
        self._left -= 1
        self._known.add(self.space.canonical(architecture))
        self._waiting[architecture] += 1
        self._level.append(architecture)
        return architecture

    def _begin(self) -> None:
        """Ranks the networks of the next level."""
        if self._levels == 0:
            ranked, self._left = self._smallest(), self.first
        else:
            ranked, self._left = self._rank(self._expansions() or self._around()), self.beam
        ranked = ranked or list(self._new(self._drawn() for _ in range(self._left))) or [self._drawn()]
        self._ranked, self._level, self._waiting = ranked[::-1], [], Counter()
        self._levels += 1

    def _smallest(self) -> list[Architecture]:
        """All networks of size 1, or as many random ones as the first level may need, in random order."""
        rng = rng_for(self.seed, "pnas smallest")
        every = list(islice(self.growth.smallest(), self.scored + 1))
        if len(every) > self.scored:
            every = [self.growth.sample(rng) for _ in range(4 * self.first)]
        found = list(self._new(every))
        return [found[i] for i in rng.permutation(len(found))]

    def _expansions(self) -> list[Architecture]:
        """The networks one size above those of this level that came back with a value, all if none did."""
        told = {architecture for architecture, _ in self._examples}
        parents = [one for one in self._level if one in told] or self._level
        idle = {self.space.canonical(one) for one in parents}
        found: dict[str, Architecture] = {}
        while parents and not found:
            grown = self._some(other for one in parents for other in self.growth.grow(one))
            named = [(self.space.canonical(one), one) for one in grown]
            found |= {form: one for form, one in reversed(named) if form not in self._known}
            # One more copy of a block that does nothing is the network it was: it has yet to grow.
            parents = [one for form, one in named if form in idle]
        return list(found.values())

    def _around(self) -> list[Architecture]:
        """Neighbours and expansions of the best so far; none where all of these are known."""
        ways = (self.space.neighbours, self.growth.grow)
        best = self._archive.best(self.beam)
        return list(self._new(self._some(other for one in best for way in ways for other in way(one))))

    def _some(self, every: Iterable[Architecture]) -> list[Architecture]:
        """Returns these, or `scored` of them where there are more."""
        listed = list(dict.fromkeys(every))
        if len(listed) <= self.scored:
            return listed
        drawn = rng_for(self.seed, "pnas scored", self._levels).permutation(len(listed))[: self.scored]
        return [listed[i] for i in sorted(drawn.tolist())]

    def _new(self, every: Iterable[Architecture]) -> Iterator[Architecture]:
        """Yields those whose network is not known, each network once."""
        met: set[str] = set()
        for architecture in every:
            form = self.space.canonical(architecture)
            if form not in self._known and form not in met:
                met.add(form)
                yield architecture

    def _rank(self, architectures: list[Architecture]) -> list[Architecture]:
        """Returns them by their predicted value, the lowest first; in random order without examples."""
        if not architectures:
            return []
        if not self._examples:
            order = rng_for(self.seed, "pnas order", self._levels).permutation(len(architectures))
            return [architectures[i] for i in order]
        worth = np.array([values for _, values in self._examples])
        scores = scalar(worth, rng_for(self.seed, "pnas weights", self._levels))
        predictor = self._made()
        predictor.fit([architecture for architecture, _ in self._examples], scores)
        mean, _ = predictor.predict(architectures)
        return [architectures[i] for i in np.argsort(mean, kind="stable")]

    def _drawn(self) -> Architecture:
        """Returns a random network that is not known, or one that is where the space seems used up."""
        rng = rng_for(self.seed, "pnas random", self._random)
        self._random += 1
        for _ in range(TRIES):
            architecture = self.space.sample(rng)
            if self.space.canonical(architecture) not in self._known:
                break
        return architecture

    def _made(self) -> Predictor:
        seed = seed_for(self.seed, "pnas predictor", self._levels)
        if not isinstance(self.predictor, str):
            return self.predictor(self.space, seed=seed)
        # torch, which a list of methods does not need
        if self.predictor == "lstm":
            from nasturtium.predictor.lstm import LSTMEnsemble

            return LSTMEnsemble(self.space, seed=seed, folds=True)
        from nasturtium.predictor.mlp import MLPEnsemble

        grows = isinstance(self.growth, SizeGrowth) and bool(self.growth.ranks)
        return MLPEnsemble(self.space, seed=seed, folds=True, encoding="blocks" if grows else "auto")
