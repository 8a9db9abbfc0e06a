"""ASHA: successive halving that never waits."""

from collections.abc import Sequence

from nasturtium.architecture import Architecture
from nasturtium.front.dominance import order
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.protocols import Candidate, Trial
from nasturtium.space.space import Space
from nasturtium.strategy.proposals import Inner, Method
from nasturtium.strategy.random import RandomSearch
from nasturtium.strategy.rungs import Fidelities, Levels, ladder


class Rung:
    """The results at one fidelity, and who of them went on.

    Attributes:
        told: Architecture to the number of its trial (None where the loop gave none) and its values (None
            where it failed), in the order told.
        gone: Those that were promoted.
    """

    def __init__(self) -> None:
        self.told: dict[Architecture, tuple[int | None, tuple[float, ...] | None]] = {}
        self.gone: set[Architecture] = set()
        self._ranked: list[Architecture] | None = None  # those that did not fail; None: told since

    def tell(self, trial: Trial, worth: tuple[float, ...] | None) -> None:
        """Takes a result."""
        number = trial.candidate.number
        self.told[trial.architecture] = (number if number >= 0 else None, worth)
        self._ranked = None

    def promotable(self, eta: int) -> Architecture | None:
        """Returns the best of the top 1 / eta that did not go on yet; None where all did."""
        if self._ranked is None:
            well = [(one, worth) for one, (_, worth) in self.told.items() if worth is not None]
            self._ranked = [well[i][0] for i in order([worth for _, worth in well])]
        top = self._ranked[: len(self.told) // eta]
        return next((one for one in top if one not in self.gone), None)


class ASHA:
    """Promotes whatever is among the best 1 / eta of its rung by now, else starts another candidate.

    Li, Jamieson, Rostamizadeh, Gonina, Hardt, Recht and Talwalkar 2020, Algorithm 2 (MLSys,
    arXiv:1810.05934). The best are found anew at each ask: who is not among them now may be later. No rung is
    waited for, so that any number of workers is kept busy.

    Differs: a failed candidate counts as the worst of its rung and never goes on; an infeasible one does not
    count. With several objectives the best are the least dominated, then the least crowded.

    Args:
        space: Where to search.
        seed: The same seed and the same tells give the same asks.
        objectives: What is made small.
        inner: Makes the strategy that proposes what starts, and is told the results of the lowest rung; None
            is `RandomSearch`.
        min_fidelity: Spent on the lowest rung at least, in the evaluator's unit (epochs of a training).
        max_fidelity: Spent on the highest rung.
        eta: One in eta goes on.
        fidelities: The rungs themselves, instead of min_fidelity and max_fidelity: (12, 200) or ``"12,200"``.
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
    ) -> None:
        self.eta = eta
        self.fidelities = ladder(fidelities, min_fidelity, max_fidelity, eta)
        self._proposals = Inner(
            space, inner or RandomSearch, self.fidelities[:1], seed=seed, objectives=objectives
        )
        self._levels = Levels(objectives, self.fidelities[-1])
        self._rungs = {fidelity: Rung() for fidelity in self.fidelities}

    def ask(self, n: int) -> list[Candidate]:
        """Returns `n` candidates: promotions, those from the highest rung first, then new ones.

        Fewer only where the inner strategy has nothing to ask.
        """
        found: list[Candidate] = []
        while len(found) < n and (candidate := self._promotion() or self._new()) is not None:
            found.append(candidate)
        return found

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results, also of candidates that were not asked here."""
        for trial in trials:
            fidelity = self._levels.fidelity(trial)
            worth = self._levels.record(trial)
            if fidelity in self._rungs and trial.status != "infeasible":
                self._rungs[fidelity].tell(trial, worth)
            self._proposals.tell(trial, fidelity)

    def best(self, k: int) -> list[Architecture]:
        """Returns up to `k` distinct architectures, those of the highest fidelity reached first."""
        return self._levels.best(k)

    def _promotion(self) -> Candidate | None:
        for below, above in reversed(list(zip(self.fidelities, self.fidelities[1:], strict=False))):
            rung = self._rungs[below]
            architecture = rung.promotable(self.eta)
            if architecture is not None:
                rung.gone.add(architecture)
                number, _ = rung.told[architecture]
                return Candidate(architecture, above, number)
        return None

    def _new(self) -> Candidate | None:
        architecture = self._proposals.propose(self.fidelities[0])
        return None if architecture is None else Candidate(architecture, self.fidelities[0])
