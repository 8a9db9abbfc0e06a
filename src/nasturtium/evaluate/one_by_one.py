"""What evaluators share that take one candidate after the other."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

from nasturtium.protocols import Candidate, Trial

log = logging.getLogger(__name__)


class OneByOne(ABC):
    """An evaluator without workers: `evaluate` ends when the trials of all its candidates are there.

    A subclass says what comes of one (`trial`).
    """

    @property
    def slots(self) -> int:
        """Always 1: trainings share a machine badly."""
        return 1

    @property
    def pending(self) -> int:
        """Always 0."""
        return 0

    def evaluate(self, batch: Sequence[Candidate]) -> Iterator[Sequence[Trial]]:
        """Yields the trial of each candidate as soon as it is there."""
        for candidate in batch:
            yield [self.trial(candidate)]

    @abstractmethod
    def trial(self, candidate: Candidate) -> Trial:
        """Returns what came of one candidate; whatever is wrong with it is a failed trial."""


def failed(candidate: Candidate, metrics: dict[str, float], problem: Exception) -> Trial:
    """Returns the trial of a candidate for which an error was raised, with what was known before it.

    Called where the error is handled: its traceback is logged.
    """
    log.info("candidate %d failed", candidate.number, exc_info=True)
    text = f"{type(problem).__name__}: {problem}".strip()
    return Trial(candidate, metrics, status="failed", error=text)
