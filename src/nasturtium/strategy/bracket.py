"""Brackets of successive halving, which every synchronous multi-fidelity method is made of."""

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass

from nasturtium.architecture import Architecture
from nasturtium.front.dominance import order
from nasturtium.front.objectives import Objective
from nasturtium.protocols import Candidate, Trial
from nasturtium.strategy.proposals import Proposals
from nasturtium.strategy.rungs import Levels, Shape


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one candidate on a rung.

    Attributes:
        architecture: The network.
        number: Of its trial; None where the loop gave none.
        worth: Its values; None where it failed.
    """

    architecture: Architecture
    number: int | None
    worth: tuple[float, ...] | None


class Bracket:
    """One run of successive halving: a rung is filled, all results are waited for, and the best go on.

    A candidate that fails counts as the worst and never goes on. One that is infeasible, which costs nothing
    to find out, leaves its seat to another.

    Args:
        shape: Sizes and fidelities of the rungs.
    """

    def __init__(self, shape: Shape) -> None:
        self.done = False
        self.pending = 0
        self.free = shape.sizes[0]  # seats of the first rung that nobody has
        self._sizes = shape.sizes
        self._fidelities = shape.fidelities
        self._rung = 0
        self._queue: deque[Candidate] = deque()  # promoted and not asked yet
        self._results: list[Result] = []

    @property
    def fidelity(self) -> int:
        """Of the rung that is being filled."""
        return self._fidelities[self._rung]

    def start(self, architecture: Architecture) -> Candidate:
        """Gives a free seat of the first rung away."""
        self.free -= 1
        self.pending += 1
        return Candidate(architecture, self.fidelity)

    def promoted(self) -> Candidate | None:
        """Returns the next candidate that goes on; None while there is none."""
        if not self._queue:
            return None
        self.pending += 1
        return self._queue.popleft()

    def tell(self, trial: Trial, worth: tuple[float, ...] | None) -> None:
        """Takes the result of a candidate that was asked here."""
        self.pending -= 1
        if trial.status == "infeasible" and self._rung == 0:
            self.free += 1
        else:
            self._results.append(_result(trial, worth))
        self._settle()

    def take(self, trial: Trial, worth: tuple[float, ...] | None) -> None:
        """Gives a free seat to a result that was not asked here, such as a repair of an infeasible one."""
        self.free -= 1
        self._results.append(_result(trial, worth))
        self._settle()

    def close(self) -> None:
        """Goes on with the results there are, all rungs shrunk alike: nothing more is proposed."""
        told, planned = len(self._results), self._sizes[0]
        self._sizes = tuple(max(1, size * told // planned) for size in self._sizes)
        self.free = 0
        self._settle()

    def _settle(self) -> None:
        if self.free or self.pending or self._queue or self.done:
            return
        self._rung += 1
        if self._rung < len(self._sizes):
            best = self._survivors(self._sizes[self._rung])
            self._queue.extend(Candidate(one.architecture, self.fidelity, one.number) for one in best)
        self._results = []
        self.done = not self._queue

    def _survivors(self, count: int) -> list[Result]:
        """Returns the best `count` results that did not fail, one an architecture."""
        well = [result for result in self._results if result.worth is not None]
        ranked = (well[i] for i in order([result.worth for result in well if result.worth is not None]))
        first: dict[Architecture, Result] = {}
        for result in ranked:
            first.setdefault(result.architecture, result)
        return list(first.values())[:count]


class Brackets:
    """Runs brackets of given shapes, one shape after the other, again and again.

    The oldest bracket that can ask does. A rung whose results are waited for never makes a worker wait:
    another bracket starts meanwhile.

    Args:
        shapes: Of the brackets, in turn.
        proposals: Where new architectures come from.
        objectives: What is made small; with several, the least dominated go on, then the least crowded.
    """

    def __init__(
        self, shapes: Sequence[Shape], proposals: Proposals, objectives: Sequence[Objective]
    ) -> None:
        self._shapes = tuple(shapes)
        self._proposals = proposals
        self._levels = Levels(objectives, max(shape.fidelities[-1] for shape in shapes))
        self._running: list[Bracket] = []  # oldest first
        self._started = 0
        self._waiting: defaultdict[tuple[Architecture, int], deque[Bracket]] = defaultdict(deque)

    def ask(self, n: int) -> list[Candidate]:
        """Returns up to `n` candidates; fewer only where no new architectures are proposed."""
        found: list[Candidate] = []
        while len(found) < n and (candidate := self._next()) is not None:
            found.append(candidate)
        return found

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results, also of candidates that were not asked here."""
        for trial in trials:
            fidelity = self._levels.fidelity(trial)
            worth = self._levels.record(trial)
            bracket = self._asker(trial.architecture, fidelity)
            if bracket is not None:
                bracket.tell(trial, worth)
            elif trial.status != "infeasible":
                self._seat(trial, fidelity, worth)
            self._proposals.tell(trial, fidelity)
            self._running = [one for one in self._running if not one.done]

    def best(self, k: int) -> list[Architecture]:
        """Returns up to `k` distinct architectures, those of the highest fidelity reached first."""
        return self._levels.best(k)

    def _next(self) -> Candidate | None:
        for bracket in self._running:
            candidate = self._from(bracket)
            if candidate is not None:
                return candidate
        for _ in self._shapes:
            bracket = Bracket(self._shapes[self._started % len(self._shapes)])
            self._started += 1
            candidate = self._from(bracket)
            if candidate is not None:
                self._running.append(bracket)
                return candidate
        return None

    def _from(self, bracket: Bracket) -> Candidate | None:
        candidate = bracket.promoted() or self._start(bracket)
        if candidate is None and bracket.free and not bracket.pending:
            bracket.close()
            candidate = bracket.promoted()
        if candidate is not None:
            assert isinstance(candidate.point, Architecture)
            self._waiting[candidate.point, bracket.fidelity].append(bracket)
        return candidate

    def _start(self, bracket: Bracket) -> Candidate | None:
        if not bracket.free:
            return None
        architecture = self._proposals.propose(bracket.fidelity)
        return None if architecture is None else bracket.start(architecture)

    def _asker(self, architecture: Architecture, fidelity: int) -> Bracket | None:
        askers = self._waiting.get((architecture, fidelity))
        if not askers:
            return None
        bracket = askers.popleft()
        if not askers:
            del self._waiting[architecture, fidelity]
        return bracket

    def _seat(self, trial: Trial, fidelity: int, worth: tuple[float, ...] | None) -> None:
        for bracket in self._running:
            if bracket.free and bracket.fidelity == fidelity:
                return bracket.take(trial, worth)


def _result(trial: Trial, worth: tuple[float, ...] | None) -> Result:
    number = trial.candidate.number
    return Result(trial.architecture, number if number >= 0 else None, worth)
