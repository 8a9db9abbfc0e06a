"""BANANAS: mutations of the best networks, picked by an ensemble of perceptrons on path encodings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.protocols import Candidate, Trial
from nasturtium.seeds import rng_for, seed_for
from nasturtium.space.space import Space
from nasturtium.strategy.archive import Archive
from nasturtium.strategy.scalar import scalar

if TYPE_CHECKING:
    from nasturtium.predictor.mlp import MLPEnsemble

TRIES = 200  # random samples in a row that are known already, before one is asked for again


class BANANAS:
    """Learns the told networks, and asks for those mutants of the best that a draw of its belief likes most.

    White, Neiswanger and Savani 2021, Algorithm 1 (arXiv:1910.11858). Rounds of `batch`: an ensemble is
    trained on all that was told, mutants of the best so far are scored by independent Thompson sampling (one
    draw from N(mean, std) each), and the `batch` lowest are asked for, best first. When a round is used up
    the next begins, whether or not all of it came back.

    Differs: the ensemble learns ranks, as normal scores, rather than errors, so that ``mape`` weighs ranks,
    too; the ten best are mutated (``parents=1`` is the release, which mutates the best alone until it has
    no new neighbours); paths are all those seen, not the shortest ones. Networks that are equal in their
    canonical form are asked for once. Several objectives are joined under new weights whenever something was
    told (Knowles 2006, ParEGO).

    Args:
        space: Where to search.
        seed: The same seed and the same tells give the same asks.
        objectives: What is made small.
        initial: Random networks before the first round.
        batch: Networks of a round, k.
        candidates: Mutants that a round picks from.
        parents: Best networks that are mutated, the next best where these give too few new mutants.
        encoding: What the perceptrons see: ``path`` for cells, ``one_hot``, ``rich``; ``auto`` takes paths
            where there is a cell; see `nasturtium.predictor.features`.
        members: Perceptrons.
        depth: Hidden layers of each.
        width: Of each hidden layer.
        epochs: Of their training.
        loss: ``l1``, or ``mape``, which counts differences between good networks more.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        initial: int = 10,
        batch: int = 10,
        candidates: int = 100,
        parents: int = 10,
        encoding: Literal["auto", "one_hot", "path", "rich"] = "auto",
        members: int = 5,
        depth: int = 10,
        width: int = 20,
        epochs: int = 150,
        loss: Literal["l1", "l2", "mape"] = "l1",
    ) -> None:
        if min(initial, batch, candidates, parents) < 1:
            raise ConfigError(
                f"initial is {initial}, batch {batch}, candidates {candidates} and parents {parents}; all "
                "must be 1 or more"
            )
        self.space = space
        self.seed = seed
        self.initial = initial
        self.batch = batch
        self.candidates = candidates
        self.parents = parents
        self.encoding = encoding
        self.members, self.depth, self.width, self.epochs = members, depth, width, epochs
        self.loss = loss
        self._archive = Archive(objectives)
        self._examples: list[tuple[Architecture, tuple[float, ...]]] = []  # in the order they were told
        self._known: set[str] = set()  # canonical forms that were asked for or told
        self._queue: list[Architecture] = []  # the rest of the round, the next one last
        self._learnt: tuple[int, MLPEnsemble, list[Architecture]] | None = None  # from how many examples
        self._asked = 0
        self._rounds = 0

    def ask(self, n: int) -> list[Candidate]:
        """Returns `n` candidates: random ones at first, then the next of the round."""
        return [self._next() for _ in range(n)]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results; the ensemble is trained when the next round begins."""
        for trial in trials:
            worth = self._archive.record(trial)
            self._known.add(self.space.canonical(trial.architecture))
            if worth is not None:
                self._examples.append((trial.architecture, worth))

    def best(self, k: int) -> list[Architecture]:
        """Returns up to `k` distinct architectures, best first."""
        return self._archive.best(k)

    def _next(self) -> Candidate:
        if not self._queue and self._asked >= self.initial and self._examples:
            self._queue = self._round()[::-1]
        architecture = self._queue.pop() if self._queue else self._random()
        self._asked += 1
        self._known.add(self.space.canonical(architecture))
        return Candidate(architecture)

    def _random(self) -> Architecture:
        """Returns a sample that is not known, or one that is where the space seems used up."""
        rng = rng_for(self.seed, "bananas random", self._asked)
        for _ in range(TRIES):
            architecture = self.space.sample(rng)
            if self.space.canonical(architecture) not in self._known:
                break
        return architecture

    def _round(self) -> list[Architecture]:
        """Returns the candidates of a new round, best first; none where every mutant is known."""
        rng = rng_for(self.seed, "bananas round", self._rounds)
        self._rounds += 1
        ensemble, best_first = self._learn()
        mutants = list(self._mutants(best_first, rng))
        mean, std = ensemble.predict(mutants)
        drawn = mean + std * rng.standard_normal(len(mutants))
        return [mutants[i] for i in np.argsort(drawn, kind="stable")[: self.batch]]

    def _mutants(
        self, best_first: Sequence[Architecture], rng: np.random.Generator
    ) -> Iterator[Architecture]:
        """Yields up to `candidates` new networks that are one decision away from a good one."""
        if self.space.count == 1:
            return
        made: set[str] = set()
        for parent in best_first:
            for _ in range(-(-self.candidates // self.parents)):
                mutant = self.space.mutate(parent, rng)
                form = self.space.canonical(mutant)
                if form not in self._known and form not in made:
                    made.add(form)
                    yield mutant
                if len(made) == self.candidates:
                    return

    def _learn(self) -> tuple[MLPEnsemble, list[Architecture]]:
        """Returns an ensemble trained on all that was told, and the told networks, best first."""
        told = len(self._examples)
        if self._learnt is None or self._learnt[0] != told:
            architectures = [architecture for architecture, _ in self._examples]
            worth = np.array([values for _, values in self._examples])
            scores = scalar(worth, rng_for(self.seed, "bananas weights", told))
            ensemble = self._ensemble(told)
            ensemble.fit(architectures, scores)
            best_first = dict.fromkeys(architectures[i] for i in np.argsort(scores, kind="stable"))
            self._learnt = told, ensemble, list(best_first)
        return self._learnt[1:]

    def _ensemble(self, told: int) -> MLPEnsemble:
        from nasturtium.predictor.mlp import MLPEnsemble  # torch, which a list of methods does not need

        return MLPEnsemble(
            self.space,
            seed=seed_for(self.seed, "bananas ensemble", told),
            members=self.members,
            encoding=self.encoding,
            width=self.width,
            depth=self.depth,
            epochs=self.epochs,
            loss=self.loss,
            scale="rank",
        )
