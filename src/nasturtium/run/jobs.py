"""Candidates that are worked on elsewhere: what a pool of processes and a cluster have in common."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from nasturtium.protocols import Candidate, Evaluator, Trial

STILLBORN = 5  # workers that may be lost before they are there, until a job is given up


@dataclass(frozen=True, slots=True)
class Job:
    """A candidate on its way.

    Attributes:
        candidate: What is evaluated.
        deaths: Workers that have died of it so far.
        stillborn: Workers that were lost before they were there, so not by its doing.
    """

    candidate: Candidate
    deaths: int = 0
    stillborn: int = 0


@dataclass(frozen=True, slots=True)
class Lost:
    """What came of a job whose worker did not survive it.

    Attributes:
        reason: In words.
        final: Whether another try would end alike, as with a limit that was exceeded.
        began: Whether the worker was there at all: else the job is innocent of its end.
    """

    reason: str
    final: bool = False
    began: bool = True


Outcome = Sequence[Trial] | Lost


class Crew(Protocol):
    """The workers. One that is lost is replaced when the next job needs it."""

    size: int

    def start(self, job: Job) -> None:
        """Gives a job to a worker that has none; there is one."""
        ...

    def wait(self, *, block: bool) -> list[tuple[Job, Outcome]]:
        """Returns the jobs that ended since the last call; waits for one, or a moment, if `block`."""
        ...


class Jobs:
    """Keeps a crew busy: the asynchronous half of an evaluator.

    `evaluate` starts what it is given and, while a worker is free, returns at once with what has finished;
    only when none is free, or nothing was given, does it wait. So the loop asks again as soon as a worker
    could do something.

    Args:
        crew: The workers.
        retries: How often a candidate is started again after its worker died; then it is a failed trial.
    """

    def __init__(self, crew: Crew, retries: int) -> None:
        self.crew = crew
        self.retries = retries
        self._waiting: deque[Job] = deque()  # more than there are workers, or to be tried again
        self._running = 0
        self._finished: deque[Sequence[Trial]] = deque()

    @property
    def slots(self) -> int:
        """Workers that have nothing to do."""
        return max(0, self.crew.size - self._running - len(self._waiting))

    @property
    def pending(self) -> int:
        """Candidates whose trials were not given out yet."""
        return self._running + len(self._waiting) + len(self._finished)

    def evaluate(self, batch: Sequence[Candidate]) -> Iterator[Sequence[Trial]]:
        """Starts on `batch` and yields the trials that are there; see the class for when it waits."""
        self._waiting.extend(map(Job, batch))
        self._start()
        block = not batch or not self.slots
        while self._running and not self._finished:
            self._collect(block)
            if not block:
                break
        while self._finished:
            yield self._finished.popleft()

    def _start(self) -> None:
        while self._waiting and self._running < self.crew.size:
            self._running += 1
            self.crew.start(self._waiting.popleft())

    def _collect(self, block: bool) -> None:
        for job, outcome in self.crew.wait(block=block):
            self._running -= 1
            if not isinstance(outcome, Lost):
                self._finished.append(outcome)
                continue
            died = replace(
                job, deaths=job.deaths + outcome.began, stillborn=job.stillborn + (not outcome.began)
            )
            if outcome.final or died.deaths > self.retries or died.stillborn > STILLBORN:
                self._finished.append([_failed(died, outcome)])
            else:
                self._waiting.appendleft(died)
        self._start()


def trials_of(evaluator: Evaluator, candidate: Candidate) -> list[Trial]:
    """Returns the trials of one candidate, waited for; what a worker does."""
    found = [trial for group in evaluator.evaluate([candidate]) for trial in group]
    while evaluator.pending:
        found += [trial for group in evaluator.evaluate([]) for trial in group]
    return found


def _failed(job: Job, lost: Lost) -> Trial:
    count = job.deaths + job.stillborn
    times = f" ({count} times)" if count > 1 else ""
    return Trial(job.candidate, {}, "failed", f"{lost.reason}{times}")
