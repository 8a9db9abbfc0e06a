"""What the loop writes down: one stage of a run, its budget, and whoever watches."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from nasturtium.errors import JournalError
from nasturtium.protocols import Candidate, Strategy, Trial
from nasturtium.run.budget import Budget, Purse
from nasturtium.store.journal import Journal
from nasturtium.store.memory import MemoryJournal
from nasturtium.store.records import Asked, Ended, Told


class Observer(Protocol):
    """Watches a run, to show its progress; it changes nothing."""

    def began(self, stage: str, purse: Purse, trials: Sequence[Trial]) -> None:
        """A stage begins, or goes on after the `trials` of former sessions."""
        ...

    def asked(self, stage: str, candidates: Sequence[Candidate]) -> None:
        """These are about to be evaluated."""
        ...

    def told(self, stage: str, trials: Sequence[Trial]) -> None:
        """These were evaluated, and are in the journal."""
        ...

    def ended(self, stage: str) -> None:
        """A stage ends: its budget is spent, or its strategy has no more to ask."""
        ...

    def noted(self, stage: str, note: str) -> None:
        """How a stage stands by its monitor, in a few words; the next note takes the place of this one."""
        ...

    def warned(self, stage: str, warning: str) -> None:
        """A monitor warns: what it saw, what that means, and what to do."""
        ...


class Unwatched:
    """The observer that looks away."""

    def began(self, stage: str, purse: Purse, trials: Sequence[Trial]) -> None:
        """Does nothing."""

    def asked(self, stage: str, candidates: Sequence[Candidate]) -> None:
        """Does nothing."""

    def told(self, stage: str, trials: Sequence[Trial]) -> None:
        """Does nothing."""

    def ended(self, stage: str) -> None:
        """Does nothing."""

    def noted(self, stage: str, note: str) -> None:
        """Does nothing."""

    def warned(self, stage: str, warning: str) -> None:
        """Does nothing."""


class Record:
    """One stage of a run as the loop sees it.

    Attributes:
        purse: What the stage has spent.
        trials: What was told, in order, those of former sessions first.
    """

    def __init__(
        self,
        journal: Journal | MemoryJournal,
        stage: str,
        budget: Budget,
        observer: Observer | None = None,
    ) -> None:
        self.purse = Purse(budget)
        self.trials: list[Trial] = []
        self._journal = journal
        self._stage = stage
        self._observer = observer or Unwatched()
        self._waiting: dict[int, Candidate] = {}
        self._empty_ask: int | None = None
        self._ended = False

    def replay(self, strategy: Strategy) -> Sequence[Candidate]:
        """Brings a fresh strategy to where the journal ends.

        Returns:
            The candidates that were asked and never told, to be evaluated again.

        Raises:
            JournalError: the strategy asks for something else than it did.
        """
        seconds = 0.0
        for event in self._journal.events(self._stage):
            if isinstance(event, Asked):
                self._check_same(strategy.ask(event.requested), event)
                self._note_asked(event.requested, event.candidates)
            elif isinstance(event, Told):
                strategy.tell(event.trials)
                self._note_told(event.trials)
            self._ended = isinstance(event, Ended)
            seconds = event.seconds
        self.purse.go_on_from(seconds)
        self._observer.began(self._stage, self.purse, self.trials)
        return list(self._waiting.values())

    def room(self) -> int:
        """How many candidates the budget still has."""
        return self.purse.room()

    def asked(self, requested: int, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
        """Numbers what was asked and writes it down."""
        numbered = _numbered(candidates, self.purse.trials)
        # A finished strategy gives nothing each time the run is resumed: that is written down once.
        if numbered or self._empty_ask != requested:
            self._journal.asked(self._stage, Asked(requested, numbered, self.purse.seconds))
            self._ended = False
        self._note_asked(requested, numbered)
        self._observer.asked(self._stage, numbered)
        return numbered

    def told(self, trials: Sequence[Trial]) -> Sequence[Trial]:
        """Writes down what came of candidates; returns the trials just as a replay would give them."""
        exact = tuple(replace(t, metrics={k: float(v) for k, v in t.metrics.items()}) for t in trials)
        for trial in exact:
            if trial.candidate.number not in self._waiting:
                raise JournalError(
                    f"{self._stage}: the evaluator told of candidate {trial.candidate.number}, which was "
                    "not asked "
                    "or was told before; an evaluator must return each candidate once, with its number"
                )
        self._journal.told(self._stage, Told(exact, self.purse.seconds))
        self._ended = False
        self._note_told(exact)
        self._observer.told(self._stage, exact)
        return exact

    def ended(self) -> None:
        """Writes down that the stage is over, once."""
        if not self._ended:
            self._journal.ended(self._stage, Ended(self.purse.seconds))
        self._observer.ended(self._stage)

    def _note_asked(self, requested: int, candidates: Sequence[Candidate]) -> None:
        self.purse.asked(len(candidates))
        self._waiting.update((candidate.number, candidate) for candidate in candidates)
        self._empty_ask = None if candidates else requested

    def _note_told(self, trials: Sequence[Trial]) -> None:
        self.purse.told(trials)
        self.trials += trials
        self._empty_ask = None
        for trial in trials:
            del self._waiting[trial.candidate.number]

    def _check_same(self, candidates: Sequence[Candidate], event: Asked) -> None:
        first = self.purse.trials
        again = _numbered(candidates, first)
        if again == event.candidates:
            return
        same = [now == then for now, then in zip(again, event.candidates, strict=False)]
        where = first + (same.index(False) if False in same else len(same))
        raise JournalError(
            f"{self._journal.path}: on replay the strategy asks for something else at {self._stage} number "
            f"{where} "
            "than it did then, so the search cannot go on from here; the journal was left as it is. Resume "
            "it with "
            "the versions it was started with, or start afresh in another folder."
        )


def _numbered(candidates: Sequence[Candidate], first: int) -> tuple[Candidate, ...]:
    return tuple(replace(candidate, number=first + i) for i, candidate in enumerate(candidates))
