"""A stop watch and a judge beside a strategy, which change nothing of what it does."""

import math
import time
from collections import deque
from collections.abc import Callable, Sequence

from nasturtium.architecture import Architecture
from nasturtium.front.objectives import Objective, values
from nasturtium.protocols import Candidate, Strategy, Trial
from nasturtium.run.bench.protocol import Protocol


class Watched:
    """Passes asks and tells on, and notes what each trial showed and cost, and what had been found by then.

    Args:
        inner: The strategy.
        judge: Gives the score of an architecture, NaN where nobody knows it.
        objective: What the strategy makes small.
        protocol: Says when to judge.

    Attributes:
        values: Of the objective, as seen, one per trial; NaN for one that failed.
        seconds: Simulated training seconds spent by then, one per trial.
        ms: Milliseconds of ask and tell, one per trial.
        picked: Score of the strategy's own `best(1)` at each mark of the protocol that was reached.
        problem: Why the first trial that failed did; empty while none has.
        seen: Score of the architecture with the lowest value seen, at the same marks. At several fidelities
            only values of the highest so far compare.
    """

    def __init__(
        self,
        inner: Strategy,
        judge: Callable[[Architecture], float],
        objective: Objective,
        protocol: Protocol,
    ) -> None:
        self.inner = inner
        self.values: list[float] = []
        self.seconds: list[float] = []
        self.ms: list[float] = []
        self.picked: list[float] = []
        self.seen: list[float] = []
        self.problem = ""
        self._judge, self._objective = judge, objective
        self._timed = protocol.timed
        self._marks = deque(protocol.marks)
        self._incumbent: tuple[tuple[float, float], Architecture] | None = None
        self._asking = 0.0  # seconds of asks whose trials are not told yet

    def ask(self, n: int) -> Sequence[Candidate]:
        """Asks the strategy, by the clock."""
        start = time.perf_counter()
        candidates = self.inner.ask(n)
        self._asking += time.perf_counter() - start
        return candidates

    def tell(self, trials: Sequence[Trial]) -> None:
        """Tells the strategy, by the clock, and judges at the marks that lie before and after."""
        seconds = sum(trial.metrics.get("train_seconds", 0.0) for trial in trials)
        after = self._spent(len(trials), seconds)
        # What a training that ends later shows was not known yet.
        while self._marks and self._marks[0] < after:
            self._judge_now()
        start = time.perf_counter()
        self.inner.tell(trials)
        self._note(trials, 1000 * (self._asking + time.perf_counter() - start))
        while self._marks and self._marks[0] <= after:
            self._judge_now()

    def best(self, k: int) -> Sequence[Architecture]:
        """Returns what the strategy would pick now."""
        return self.inner.best(k)

    def finish(self) -> None:
        """Judges at the marks that were not reached: the strategy had no more to ask."""
        while self._marks:
            self._judge_now()

    def _spent(self, trials: int, seconds: float) -> float:
        if self._timed:
            return (self.seconds[-1] if self.seconds else 0.0) + seconds
        return len(self.values) + trials

    def _note(self, trials: Sequence[Trial], ms: float) -> None:
        self._asking = 0.0
        for trial in trials:
            (value,) = values((self._objective,), trial)
            self.values.append(value if math.isfinite(value) else math.nan)
            spent = self.seconds[-1] if self.seconds else 0.0
            self.seconds.append(spent + trial.metrics.get("train_seconds", 0.0))
            self.ms.append(ms / len(trials))
            if math.isfinite(value):
                self._challenge(trial, value)
            else:
                self.problem = self.problem or trial.error or f"no {self._objective}"

    def _challenge(self, trial: Trial, value: float) -> None:
        rank = -trial.metrics.get("epochs", 0.0), value
        if self._incumbent is None or rank < self._incumbent[0]:
            self._incumbent = rank, trial.architecture

    def _judge_now(self) -> None:
        self._marks.popleft()
        best = self.inner.best(1)
        self.picked.append(self._judge(best[0]) if best else math.nan)
        self.seen.append(self._judge(self._incumbent[1]) if self._incumbent else math.nan)
