"""Hyperband: successive halving that hedges between many short and few long trainings."""

from collections.abc import Sequence

from nasturtium.architecture import Architecture
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.protocols import Candidate, Trial
from nasturtium.space.space import Space
from nasturtium.strategy.bracket import Brackets
from nasturtium.strategy.proposals import Inner, Method
from nasturtium.strategy.random import RandomSearch
from nasturtium.strategy.rungs import Fidelities, Sizes, hyperband, ladder


class Hyperband:
    """Runs brackets of successive halving that start ever fewer candidates at ever higher fidelity.

    Li, Jamieson, DeSalvo, Rostamizadeh and Talwalkar 2018, Algorithm 1 (JMLR 18, arXiv:1603.06560). The
    first bracket trusts the lowest fidelity most, the last does not use it at all; then they begin again.

    Differs: as `SuccessiveHalving` does. Every fidelity where brackets start has an inner strategy of its
    own, which is told all results of that fidelity.

    Args:
        space: Where to search.
        seed: The same seed and the same tells give the same asks.
        objectives: What is made small; with several, the least dominated go on, then the least crowded.
        inner: Makes the strategies that propose what starts; None is `RandomSearch`.
        min_fidelity: Spent on the lowest rung at least, in the evaluator's unit (epochs of a training).
        max_fidelity: Spent on the highest rung, R.
        eta: One in eta goes on.
        fidelities: The rungs themselves, instead of min_fidelity and max_fidelity: (12, 200) or ``"12,200"``.
        sizes: Starts of the brackets: ``paper`` (81, 34, 15, 8, 5 for R = 81) or ``hpbandster``, as in the
            authors' code of BOHB (81, 27, 9, 6, 5).
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
        sizes: Sizes = "paper",
    ) -> None:
        rungs = ladder(fidelities, min_fidelity, max_fidelity, eta)
        proposals = Inner(space, inner or RandomSearch, rungs, seed=seed, objectives=objectives)
        self._brackets = Brackets(hyperband(rungs, eta, sizes), proposals, objectives)

    def ask(self, n: int) -> list[Candidate]:
        """Returns up to `n` candidates: those that go on first, then new ones."""
        return self._brackets.ask(n)

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results; the last one of a rung decides who goes on."""
        self._brackets.tell(trials)

    def best(self, k: int) -> list[Architecture]:
        """Returns up to `k` distinct architectures, those of the highest fidelity reached first."""
        return self._brackets.best(k)
