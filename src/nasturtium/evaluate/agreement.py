"""Whether errors with shared weights say what errors alone say, on networks that have both."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nasturtium.architecture import Architecture

Errors = Mapping[Architecture, float]


@dataclass(frozen=True)
class Agreement:
    """Errors of the same networks with shared weights and trained alone.

    Attributes:
        pairs: Validation error with shared weights and alone, per network.
        random: Whether the networks are a random sample; the best ones of a search are hard to tell apart,
            so that their correlation is low even where that over all networks is high.
        mixture: Validation error of the mixture at the end of its training; NaN where there is none.
        discrete: That of the network which it stands for, with the shared weights; NaN where unknown.
    """

    pairs: tuple[tuple[float, float], ...] = ()
    random: bool = True
    mixture: float = math.nan
    discrete: float = math.nan

    @cached_property
    def spearman(self) -> float:
        """Rank correlation, -1..1; NaN of fewer than 3 pairs, or where one error never varies."""
        from scipy.stats import spearmanr  # type: ignore[import-untyped]

        columns = np.array(self.pairs, np.float64).reshape(-1, 2).T
        if columns.shape[1] < 3 or (np.ptp(columns, axis=1) == 0).any():
            return math.nan
        return float(spearmanr(*columns).statistic)

    @property
    def gap(self) -> float:
        """How much more the network errs than the mixture, 0.1 is ten points; NaN where unknown."""
        return self.discrete - self.mixture


def paired(shared: Errors, alone: Errors) -> tuple[tuple[float, float], ...]:
    """Returns both errors of the networks that have both, finite ones, in the order of `alone`."""
    both = [(shared[one], error) for one, error in alone.items() if one in shared]
    return tuple(pair for pair in both if all(map(math.isfinite, pair)))
