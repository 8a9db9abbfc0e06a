"""All options at once, some dropped at random in each step: one-shot training (Bender et al. 2018)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Mixture
from nasturtium.errors import ConfigError
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.protocols import Candidate
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space
from nasturtium.strategy.derive import NEVER_MIXED
from nasturtium.strategy.drawn import Drawn

TRAINED = 1  # fidelity of a mixture that wants no gradient


def dropped(k: int, r: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Returns which of `k` paths into one place are dropped, [k]: each with probability r^(1/k).

    Bender et al. 2018: all of them are dropped with probability r then, whatever k is.
    """
    return rng.random(k) < r ** (1 / k) if r > 0 else np.zeros(k, bool)


class PathDropout(Drawn):
    """Asks for mixtures in which all options that are not dropped run, each of weight 1.

    Bender, Kindermans, Zoph, Vasudevan and Le 2018, Understanding and simplifying one-shot architecture
    search (ICML). An option is dropped with probability r^(1/k), k the options of its decision. The rate r
    grows linearly from 0 at the first step to its full value at the last, and the share of options dropped
    with its k-th root, steeply at first (k = 5, r = 0.1: 0.25 at 1 % of the steps, 0.40 at 10 %, 0.63 in the
    end): without dropout the options adapt to each other, with too much of it from the start they learn
    little. What is kept is not scaled up, since a norm follows.

    Their ghost batch norm, in which every few dozen images have norms and dropped paths of their own, is a
    matter of the training: ask for several mixtures a step and give each its part of the minibatch,
    ``Training(..., paths=n, split=True)``.

    Differs: where all options of a decision are dropped, one drawn at random runs, since without any there
    would be no network; an option ``none`` does nothing when it runs; options that only a derived cell has
    (``off``, ``all``) are left out.

    Args:
        space: Of the mixtures.
        steps: Mixtures to be asked for in all.
        seed: Of what is dropped.
        objectives: Not used.
        r: The final rate, 0 or more and below 1.
        scale: ``sum`` gives the options that run a weight of 1 each, ``mean`` equal weights that sum to 1.

    Raises:
        ConfigError: A rate or scale that makes no sense.
    """

    def __init__(
        self,
        space: Space,
        steps: int,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        r: float = 0.1,
        scale: str = "sum",
    ) -> None:
        if not 0 <= r < 1:
            raise ConfigError(f"path dropout: r is {r}; it must be 0 or more and below 1")
        if scale not in ("sum", "mean"):
            raise ConfigError(f'path dropout: scale is {scale!r}; it must be "sum" or "mean"')
        self.space, self.steps, self.seed, self.r, self.scale = space, steps, seed, r, scale
        self._mixed = [
            np.array([label not in NEVER_MIXED for label in decision.labels]) for decision in space.decisions
        ]

    def rate(self, number: int) -> float:
        """Returns r for the mixture of that number, from 0: linear over all of them."""
        return self.r * min(1.0, number / max(1, self.steps - 1))

    def drawn(self, number: int) -> Candidate:
        """Returns a mixture."""
        rng, rate = rng_for(self.seed, "path dropout", number), self.rate(number)
        rows = [self._row(mixed, rate, rng) for mixed in self._mixed]
        return Candidate(Mixture(self.space.fingerprint, tuple(rows)), TRAINED)

    def _row(self, mixed: NDArray[np.bool_], rate: float, rng: np.random.Generator) -> tuple[float, ...]:
        there = np.flatnonzero(mixed)
        kept = np.zeros(len(mixed), bool)
        kept[there] = ~dropped(len(there), rate, rng)
        only = there[int(rng.random() * len(there))]  # drawn always, so that what follows does not hang on it
        if not kept.any():
            kept[only] = True
        weights = kept / (kept.sum() if self.scale == "mean" else 1.0)
        return tuple(weights.tolist())
