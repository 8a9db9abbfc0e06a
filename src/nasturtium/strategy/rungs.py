"""Rungs: the fidelities at which candidates are compared, and how many of them each one lets on."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.front.objectives import Objective
from nasturtium.protocols import Trial
from nasturtium.strategy.archive import Archive

Sizes = Literal["paper", "hpbandster"]
Fidelities: TypeAlias = (
    Sequence[int] | int | str
)  # rising; "12,200" or "12/200" is what a command line can say


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of one bracket of successive halving.

    Attributes:
        sizes: Candidates on each rung, the lowest first.
        fidelities: What is spent on each of them there, in the evaluator's unit.
    """

    sizes: tuple[int, ...]
    fidelities: tuple[int, ...]


def ladder(fidelities: Fidelities | None, min_fidelity: int, max_fidelity: int, eta: int) -> tuple[int, ...]:
    """Returns the fidelities of the rungs, lowest first.

    Args:
        fidelities: The very levels, as numbers or as text (``"12,200"``), where an evaluator knows only some;
            0 trains nothing, for a level of proxies. None takes max_fidelity, and it divided by eta again and
            again as long as it stays above min_fidelity.
        min_fidelity: Smallest that means anything.
        max_fidelity: All that is ever spent on one candidate.
        eta: Factor between rungs.

    Raises:
        ConfigError: Levels that do not rise from 0 or more, or an eta below 2.
    """
    if eta < 2:
        raise ConfigError(f"eta is {eta}; it must be 2 or more: one in eta goes on to the next rung")
    if fidelities is not None:
        return _given(fidelities)
    if not 1 <= min_fidelity <= max_fidelity:
        raise ConfigError(
            f"min_fidelity is {min_fidelity} and max_fidelity {max_fidelity}; they must be 1 or more and rise"
        )
    steps = 0
    while min_fidelity * eta ** (steps + 1) <= max_fidelity:
        steps += 1
    return tuple(round(max_fidelity / eta**step) for step in range(steps, -1, -1))


def halving(rungs: tuple[int, ...], eta: int, starts: int | None = None) -> Shape:
    """Returns successive halving over all rungs: floor(starts / eta^i) candidates on rung i, 1 at least.

    Jamieson and Talwalkar 2016, Algorithm 1 (arXiv:1502.07943), with eta in place of 2.

    Args:
        rungs: Fidelities, lowest first.
        eta: One in so many goes on.
        starts: Candidates on the first rung; None takes as many as leave one on the last.
    """
    first = eta ** (len(rungs) - 1) if starts is None else starts
    if first < 1:
        raise ConfigError(f"starts is {starts}; it must be 1 or more")
    return Shape(tuple(max(1, first // eta**i) for i in range(len(rungs))), rungs)


def hyperband(rungs: tuple[int, ...], eta: int, sizes: Sizes = "paper") -> list[Shape]:
    """Returns the brackets of Hyperband, the one that starts most candidates first.

    The bracket over the last s + 1 rungs starts n = ceil((s_max + 1) eta^s / (s + 1)) candidates (Li et al.
    2018, JMLR 18, Algorithm 1, with B = (s_max + 1) R): 81, 34, 15, 8, 5 for R = 81 and eta = 3. With
    `sizes` = "hpbandster" it is n = floor((s_max + 1) / (s + 1)) eta^s, as in the authors' code of BOHB: 81,
    27, 9, 6, 5.
    """
    if sizes not in ("paper", "hpbandster"):
        raise ConfigError(f"sizes is {sizes!r}; it must be 'paper' or 'hpbandster'")
    count = len(rungs)
    shapes = []
    for s in range(count - 1, -1, -1):
        exact = -(-count * eta**s // (s + 1))  # the ceiling, in whole numbers
        starts = exact if sizes == "paper" else count // (s + 1) * eta**s
        shapes.append(halving(rungs[count - 1 - s :], eta, starts))
    return shapes


class Levels:
    """What is known at each fidelity, and the best at the highest.

    Values of different fidelities are never compared. Failed trials are not kept.

    Args:
        objectives: What is made small.
        top: The fidelity that a trial without one has: all of it.
    """

    def __init__(self, objectives: Sequence[Objective], top: int) -> None:
        self.objectives = tuple(objectives)
        self.top = top
        self._archives: dict[int, Archive] = {}

    def fidelity(self, trial: Trial) -> int:
        """Returns what was spent on a trial."""
        return self.top if trial.candidate.fidelity is None else trial.candidate.fidelity

    def record(self, trial: Trial) -> tuple[float, ...] | None:
        """Takes one trial and returns its values, or None when it has none that count."""
        fidelity = self.fidelity(trial)
        if fidelity not in self._archives:
            self._archives[fidelity] = Archive(self.objectives)
        return self._archives[fidelity].record(trial)

    def best(self, k: int) -> list[Architecture]:
        """Returns up to `k` distinct architectures: of the highest fidelity reached, then of the next."""
        found: dict[Architecture, None] = {}
        for fidelity in sorted(self._archives, reverse=True):
            # Those that are known from above may come first here too, so as many more are needed.
            found |= dict.fromkeys(self._archives[fidelity].best(k + len(found)))
            if len(found) >= k:
                break
        return list(found)[:k]


def _given(fidelities: Fidelities) -> tuple[int, ...]:
    listed = re.split(r"[,/ ]+", fidelities.strip()) if isinstance(fidelities, str) else fidelities
    try:
        levels = tuple(int(one) for one in ([listed] if isinstance(listed, int) else listed))
    except (ValueError, TypeError) as error:
        raise ConfigError(f"fidelities is {fidelities!r}; write whole numbers, such as 12,200") from error
    rising = all(low < high for low, high in pairwise(levels))
    if not levels or levels[0] < 0 or levels[-1] < 1 or not rising:
        raise ConfigError(f"fidelities is {fidelities!r}; they must rise from 0 or more, such as 12,200")
    return levels
