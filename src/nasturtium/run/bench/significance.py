"""What the results of several methods over several seeds say, and what may be chance.

Ranks, the Nemenyi test and its picture follow Demsar 2006, "Statistical Comparisons of Classifiers over
Multiple Data Sets", JMLR 7.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from nasturtium.seeds import rng_for

ALPHA = 0.05
DRAWS = 2000

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Duel:
    """Two methods on the same blocks (seeds), lower being better.

    Attributes:
        better: The one with the lower mean rank in the pair; of equals, the first.
        worse: The other.
        wins: Blocks in which `better` is lower.
        ties: Blocks in which they are equal.
        losses: Blocks in which `worse` is lower.
        p: Of the Wilcoxon signed-rank test, two-sided, corrected by Holm for all the pairs tested together.
    """

    better: str
    worse: str
    wins: int
    ties: int
    losses: int
    p: float

    @property
    def decided(self) -> bool:
        """Whether the difference is more than chance, at 5 %."""
        return self.p < ALPHA


def bootstrap(
    values: Matrix, statistic: Callable[..., Matrix] = np.mean, *, draws: int = DRAWS
) -> tuple[Matrix, Matrix]:
    """Returns the 95 % percentile interval of a statistic over seeds (Efron 1979), low and high, [marks].

    Args:
        values: One row per seed, [seeds, marks].
        statistic: Takes an array and `axis`, such as `numpy.mean`.
        draws: Number of resamples; the same ones for every call with as many seeds.
    """
    rng = rng_for(0, "bootstrap", len(values))
    drawn = rng.integers(len(values), size=(draws, len(values)))  # [draws, seeds]
    statistics = np.stack([statistic(values[rows], axis=0) for rows in drawn])  # [draws, marks]
    low, high = np.percentile(statistics, [2.5, 97.5], axis=0)
    return low, high


def mean_ranks(scores: Matrix) -> Matrix:
    """Returns the mean rank of each method, 1 the best, [methods]; equal scores share their mean rank.

    Args:
        scores: Lower is better; NaN counts as worst, [blocks, methods].
    """
    from scipy.stats import rankdata  # type: ignore[import-untyped]

    ranks: Matrix = rankdata(np.where(np.isnan(scores), np.inf, scores), axis=1).mean(axis=0)
    return ranks


def friedman(ranks: Matrix, blocks: int) -> float:
    """Returns the p-value of all methods being alike, from their mean ranks.

    Friedman's statistic in the form of Iman and Davenport 1980, F with k - 1 and (k - 1)(N - 1) degrees of
    freedom (Demsar 2006, section 3.2.2). Ties are not corrected for, as there.

    Args:
        ranks: Mean rank of each method, [methods].
        blocks: Over how many blocks.
    """
    from scipy.stats import f

    k = len(ranks)
    chi2 = 12 * blocks / (k * (k + 1)) * (float((ranks**2).sum()) - k * (k + 1) ** 2 / 4)
    rest = blocks * (k - 1) - chi2
    if rest <= 0:  # every block ranks alike
        return 0.0
    return float(f.sf((blocks - 1) * chi2 / rest, k - 1, (k - 1) * (blocks - 1)))


def critical_difference(methods: int, blocks: int, alpha: float = ALPHA) -> float:
    """Returns how far two mean ranks must lie apart to differ by more than chance (Nemenyi; Demsar 2006).

    The test is for all pairs at once: CD = q_alpha sqrt(k (k + 1) / (6 N)), with q_alpha the quantile of the
    Studentised range over sqrt(2), for k methods on N blocks.
    """
    from scipy.stats import studentized_range

    q = float(studentized_range.ppf(1 - alpha, methods, np.inf)) / math.sqrt(2)
    return q * math.sqrt(methods * (methods + 1) / (6 * blocks))


def alike(ranks: Sequence[float], difference: float) -> list[tuple[int, int]]:
    """Returns the largest runs of methods, of `ranks` in ascending order, that lie within `difference`.

    Each is the number of its first and of its last method: the bars of a critical-difference diagram.
    """
    runs: list[tuple[int, int]] = []
    for first, rank in enumerate(ranks):
        last = max(i for i in range(first, len(ranks)) if ranks[i] - rank <= difference)
        if last > first and (not runs or last > runs[-1][1]):
            runs.append((first, last))
    return runs


def duels(scores: Mapping[str, Sequence[float]], against: str | None = None) -> list[Duel]:
    """Returns every pair of methods, or one against all others, tested.

    Args:
        scores: Of each method in each block, lower is better; NaN counts as worst.
        against: The method that all others are compared with; None compares all with all.
    """
    columns = {name: np.where(np.isnan(row), np.inf, row) for name, row in scores.items()}
    pairs = [pair for pair in combinations(columns, 2) if against is None or against in pair]
    tested = [_duel(one, other, columns[one], columns[other]) for one, other in pairs]
    corrected = holm([duel.p for duel in tested])
    return [
        Duel(duel.better, duel.worse, duel.wins, duel.ties, duel.losses, p)
        for duel, p in zip(tested, corrected, strict=True)
    ]


def holm(p: Sequence[float]) -> list[float]:
    """Returns p-values corrected for having made so many tests, in the order given (Holm 1979)."""
    corrected, highest = [0.0] * len(p), 0.0
    for tested, i in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        highest = max(highest, min(1.0, (len(p) - tested) * p[i]))
        corrected[i] = highest
    return corrected


def _duel(one: str, other: str, left: Matrix, right: Matrix) -> Duel:
    wins, losses = int((left < right).sum()), int((right < left).sum())
    ties = len(left) - wins - losses
    p, signed = _wilcoxon(left, right)
    if signed <= 0:
        return Duel(one, other, wins, ties, losses, p)
    return Duel(other, one, losses, ties, wins, p)


def _wilcoxon(left: Matrix, right: Matrix) -> tuple[float, float]:
    """The p-value, and the sum of signed ranks: below 0 where `left` is lower."""
    from scipy.stats import rankdata, wilcoxon

    with np.errstate(invalid="ignore"):
        differences = np.nan_to_num(left - right, nan=0.0)  # inf - inf: both found nothing
    differences = differences[differences != 0]
    if not len(differences):
        return 1.0, 0.0
    signed = float((np.sign(differences) * rankdata(np.abs(differences))).sum())
    # nan_to_num leaves infinities as the largest floats, which rank as they should.
    return float(wilcoxon(differences).pvalue), signed
