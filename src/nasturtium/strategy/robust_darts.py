"""RobustDARTS: a search is stopped when the curvature of the validation loss rises."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.protocols import Candidate, Strategy, Trial
from nasturtium.space.space import Space
from nasturtium.strategy.darts import DARTS


class Makes(Protocol):
    """Makes a strategy."""

    def __call__(self, space: Space, *, seed: int, objectives: Sequence[Objective]) -> Strategy:
        """Returns a fresh one."""
        ...


class RobustDARTS:
    """DARTS with early stopping (DARTS-ES): what was found before the curvature rose is the result.

    Zela et al. 2020, section 5.1 (arXiv:1909.09656), with the constants of the released code. Reads the
    metric ``eigenvalue`` of a trial, the dominant eigenvalue of the Hessian of the validation loss with
    respect to the numbers: give `Training` the gradient `evaluate.hessian.Curvature`, once per epoch as in
    the paper. The eigenvalues are averaged over a window; when the newest average is `factor` times that
    `delta` places before, it asks nothing more, and the best is what it was at that place.

    Other settings are those of DARTS.

    Args:
        space: Where to search.
        seed: Of the inner strategy.
        objectives: Of the inner strategy.
        inner: What is stopped.
        window: Eigenvalues of one average, centred; an odd number.
        delta: Places between the averages compared.
        factor: From which on it stops.
        start: The first place, counted from 0, that may be gone back to.

    Attributes:
        stopped: At which eigenvalue's place the result was taken; None while it goes on.
        eigenvalues: Seen so far.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        inner: Makes = DARTS,
        window: int = 5,
        delta: int = 4,
        factor: float = 1.3,
        start: int = 10,
    ) -> None:
        if window < 1 or window % 2 == 0 or delta < 1 or factor <= 0 or start < 0:
            raise ConfigError(
                f"window {window} must be odd, delta {delta} 1 or more, factor {factor} above 0 and "
                f"start {start} 0 or more"
            )
        self.inner = inner(space, seed=seed, objectives=objectives)
        self.window, self.delta, self.factor, self.start = window, delta, factor, start
        self.eigenvalues: list[float] = []
        self.stopped: int | None = None
        self._bests: list[list[Architecture]] = []

    def ask(self, n: int) -> Sequence[Candidate]:
        """Returns what the inner strategy asks; nothing once it is stopped."""
        return [] if self.stopped is not None else self.inner.ask(n)

    def tell(self, trials: Sequence[Trial]) -> None:
        """Tells the inner strategy, and looks at eigenvalues."""
        for trial in trials:
            if self.stopped is not None:
                return
            self.inner.tell([trial])
            eigenvalue = trial.metrics.get("eigenvalue", np.nan)
            if np.isfinite(eigenvalue):
                self.eigenvalues.append(eigenvalue)
                self._bests.append(list(self.inner.best(1)))
                self.stopped = stopping_place(
                    self.eigenvalues, self.window, self.delta, self.factor, self.start
                )

    def best(self, k: int) -> Sequence[Architecture]:
        """Returns what the inner strategy would pick, or would have picked where it should have stopped."""
        return self.inner.best(k) if self.stopped is None else self._bests[self.stopped][:k]


def stopping_place(
    eigenvalues: Sequence[float], window: int, delta: int, factor: float, start: int
) -> int | None:
    """Returns the place to go back to, counted from 0; None where there is no reason to.

    The newest average is centred half a window before the last eigenvalue.
    """
    half = window // 2
    newest = len(eigenvalues) - 1 - half
    back = newest - delta
    if back < max(half, start):
        return None

    def average(centre: int) -> float:
        return float(np.mean(eigenvalues[centre - half : centre + half + 1]))

    before = average(back)
    return back if before > 0 and average(newest) > factor * before else None
