"""Attentive sampling by a predictor that is taught in the middle of the training."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.predictor.forest import Forest
from nasturtium.predictor.protocol import Predictor
from nasturtium.protocols import Candidate, Strategy, Trial
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space
from nasturtium.strategy.paths import REWARD, UniformPaths
from nasturtium.strategy.screened import Keep, Screened

Method = Callable[..., Strategy]


class Foreseen:
    """Trains uniform draws first, then looks at a sample of networks, and then trains what it foresees.

    Wang et al. 2021 (AttentiveNAS, arXiv:2011.09011), section 3.2, with the accuracy predictor: a random
    forest that learns from the errors of subnets of the supernet early in its training, 30 of 360 epochs in
    the paper. Of each group of candidates the one with the lowest (or highest) predicted error is trained.

    Differs: each network of the sample is looked at on one minibatch, the forest averages; the paper's
    1,024 networks are evaluated on validation images at length.

    Args:
        space: Of the networks.
        seed: Of all draws.
        objectives: Of the inner sampler.
        inner: Makes what draws the candidates; groups are asked for in a row.
        keep: ``best`` (BestUp) or ``worst`` (WorstUp).
        candidates: Of a group.
        paths: Groups of a step, so networks trained in it.
        start: Steps before the sample is looked at.
        sample: Networks that the predictor learns from.
        predictor: Made with (space, seed=); None is a `Forest`.

    Raises:
        ConfigError: A number that makes no sense.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        inner: Method = UniformPaths,
        keep: Keep = "best",
        candidates: int = 50,
        paths: int = 2,
        start: int = 100,
        sample: int = 200,
        predictor: Callable[..., Predictor] | None = None,
    ) -> None:
        if start < 0 or sample < 1:
            raise ConfigError(f"start is {start}, sample {sample}; they must be at least 0 and 1")
        self.space, self.seed = space, seed
        self._plain = start * paths  # left of them
        self._before = UniformPaths(space, seed=seed)  # the inner sampler's come in groups that are alike
        self._after = Screened(
            space,
            seed=seed,
            objectives=objectives,
            inner=inner,
            keep=keep,
            candidates=candidates,
            paths=paths,
            score=self._foreseen,
        )
        drawn = (space.sample(rng_for(seed, "foreseen: sample", number)) for number in range(sample))
        self._sample = [Candidate(one, fidelity=REWARD) for one in drawn]
        self._seen: list[tuple[Architecture, float]] = []
        self._open = sample  # answers that are out
        self._taught = False
        self.predictor = (predictor or Forest)(space, seed=seed)

    def ask(self, n: int) -> list[Candidate]:
        """Returns up to `n` candidates of one kind; none while the sample is being looked at."""
        if self._plain:
            asked = list(self._before.ask(min(n, self._plain)))
            self._plain -= len(asked)
            return asked
        if self._sample:
            asked, self._sample = self._sample[:n], self._sample[n:]
            return asked
        return [] if self._open else self._after.ask(n)

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes what was looked at; the last of it teaches the predictor."""
        for trial in trials:
            if trial.candidate.fidelity == REWARD:
                self._open -= 1
                error = trial.metrics.get("error", math.nan) if trial.status == "ok" else math.nan
                if not math.isnan(error):
                    self._seen.append((trial.architecture, error))
        if not self._open and self._seen:
            architectures, errors = zip(*self._seen, strict=True)
            self.predictor.fit(architectures, np.array(errors))
            self._open, self._seen, self._taught = 0, [], True
        self._after.tell([trial for trial in trials if trial.candidate.fidelity != REWARD])

    def best(self, k: int) -> Sequence[Architecture]:
        """Returns nothing: which network is best is found by another search, with the trained weights."""
        return []

    def _foreseen(self, architectures: Sequence[Architecture]) -> Sequence[float]:
        if not self._taught:
            return [0.0] * len(architectures)
        found: list[float] = self.predictor.predict(architectures)[0].tolist()
        return found
