"""Successive halving: many candidates get little, the best of them get more."""

from collections.abc import Sequence

from nasturtium.architecture import Architecture
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.protocols import Candidate, Trial
from nasturtium.space.space import Space
from nasturtium.strategy.bracket import Brackets
from nasturtium.strategy.proposals import Inner, Method
from nasturtium.strategy.random import RandomSearch
from nasturtium.strategy.rungs import Fidelities, halving, ladder


class SuccessiveHalving:
    """Lets the best of each rung go on to the next, where eta times as much is spent on each.

    Jamieson and Talwalkar 2016, Algorithm 1 (arXiv:1502.07943). A promoted candidate names its trial on the
    rung below as parent, so that a training can go on from those weights; each rung has its own annealed
    schedule, without which early errors say little of late ones.

    Differs: when one bracket has ended another starts, and one starts early rather than let a worker wait for
    the last results of a rung. A failed candidate counts as the worst and never goes on, an infeasible one is
    replaced.

    Args:
        space: Where to search.
        seed: The same seed and the same tells give the same asks.
        objectives: What is made small; with several, the least dominated go on, then the least crowded.
        inner: Makes the strategy that proposes what starts, and is told the results of the lowest rung; None
            is `RandomSearch`.
        min_fidelity: Spent on the lowest rung at least, in the evaluator's unit (epochs of a training).
        max_fidelity: Spent on the highest rung.
        eta: One in eta goes on.
        fidelities: The rungs themselves, instead of min_fidelity and max_fidelity: (12, 200) or ``"12,200"``.
        starts: Candidates on the lowest rung; None takes as many as leave one on the highest.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        inner: Method | None = None,
        min_fidelity: int = 1,
        max_fidelity: int = 9,
        eta: int = 3,
        fidelities: Fidelities | None = None,
        starts: int | None = None,
    ) -> None:
        rungs = ladder(fidelities, min_fidelity, max_fidelity, eta)
        proposals = Inner(space, inner or RandomSearch, rungs[:1], seed=seed, objectives=objectives)
        self._brackets = Brackets([halving(rungs, eta, starts)], proposals, objectives)

    def ask(self, n: int) -> list[Candidate]:
        """Returns up to `n` candidates: those that go on first, then new ones."""
        return self._brackets.ask(n)

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results; the last one of a rung decides who goes on."""
        self._brackets.tell(trials)

    def best(self, k: int) -> list[Architecture]:
        """Returns up to `k` distinct architectures, those of the highest fidelity reached first."""
        return self._brackets.best(k)
