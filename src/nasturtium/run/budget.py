"""How long a search may go on: trials, wall time or training time."""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from nasturtium.errors import ConfigError
from nasturtium.protocols import Trial

Unit = Literal["trials", "steps", "seconds", "training seconds"]

MOST_TRIALS = 1_000_000_000
MOST_SECONDS = 366 * 24 * 3600.0

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_WORDS = {"sec": "s", "second": "s", "min": "m", "minute": "m", "hr": "h", "hour": "h", "day": "d"}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)")
_UNBOUNDED = 1 << 40  # room of a budget that does not count trials: more than any evaluator has slots


@dataclass(frozen=True, slots=True)
class Budget:
    """How much a stage may spend.

    Attributes:
        amount: Of `unit`; above 0.
        unit: ``trials`` asked; ``steps`` of a supernet's training; ``seconds`` of wall time; ``training
            seconds``, the sum of ``train_seconds`` over the trials, measured by a training and simulated by a
            table.
    """

    amount: float
    unit: Unit

    def __str__(self) -> str:
        return f"{self.amount:g} {self.unit}"


def parse_budget(given: str | int) -> Budget:
    """Returns the budget that a text means.

    Args:
        given: ``200`` or ``"200 trials"``; ``"90s"``, ``"5m"``, ``"1h30m"``, ``"2 hours"``; ``"2h training"``
            counts what the trainings took and leaves out all else.

    Raises:
        ConfigError: it means nothing, or nothing sensible.
    """
    text = str(given).strip().lower()
    if found := re.fullmatch(r"([+-]?\d+(?:\.\d+)?(?:e\+?\d+)?)(?:\s*trials?)?", text):
        return _checked(Budget(float(found[1]), "trials"), given)
    duration = text.removesuffix("training").strip()
    seconds = _duration(duration)
    if isinstance(given, bool) or seconds is None:
        raise ConfigError(f"budget {given!r} means nothing; {_WANTED}")
    return _checked(Budget(seconds, "seconds" if duration == text else "training seconds"), given)


def _duration(text: str) -> float | None:
    total, end = 0.0, 0
    for part in _PART.finditer(text):
        word = part[2].removesuffix("s") or "s"
        unit = _SECONDS.get(_WORDS.get(word, word))
        if unit is None or text[end : part.start()].strip():
            return None
        total, end = total + float(part[1]) * unit, part.end()
    return total if end and end == len(text) else None


def _checked(budget: Budget, given: str | int) -> Budget:
    if budget.unit == "trials" and budget.amount != int(budget.amount):
        raise ConfigError(f"budget {given!r} is not a whole number of trials; {_WANTED}")
    if budget.amount <= 0:
        raise ConfigError(f"budget {given!r} leaves nothing to search with; {_WANTED}")
    most = MOST_TRIALS if budget.unit == "trials" else MOST_SECONDS
    if budget.amount > most:
        limit = f"{most:g} trials" if budget.unit == "trials" else "a year"
        raise ConfigError(f"budget {given!r} is more than {limit}; {_WANTED}")
    return budget


_WANTED = 'give trials ("200") or time ("90s", "5m", "2h", "1h30m")'


class Purse:
    """What a stage has spent of its budget. It starts from what the journal says was spent before.

    Attributes:
        budget: What there was in the beginning.
        trials: Number of candidates asked, or of steps.
        training_seconds: Sum of ``train_seconds`` over the trials told.
    """

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.trials = 0
        self.training_seconds = 0.0
        self._before = 0.0
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Wall time of the stage, over all sessions."""
        return self._before + time.monotonic() - self._started

    def go_on_from(self, seconds: float) -> None:
        """Starts the clock, with the wall time that former sessions took."""
        self._before, self._started = seconds, time.monotonic()

    def asked(self, count: int) -> None:
        """Spends candidates."""
        self.trials += count

    def told(self, trials: Iterable[Trial]) -> None:
        """Spends what the trials took to train."""
        self.training_seconds += sum(trial.metrics.get("train_seconds", 0.0) for trial in trials)

    @property
    def spent(self) -> float:
        """What is gone, in the unit of the budget."""
        if self.budget.unit in ("trials", "steps"):
            return self.trials
        return self.seconds if self.budget.unit == "seconds" else self.training_seconds

    @property
    def left(self) -> float:
        """What is left, in the unit of the budget; 0 where more was spent."""
        return max(0.0, self.budget.amount - self.spent)

    def room(self) -> int:
        """How many candidates more may be asked now; what has begun is finished, whatever it takes."""
        if self.budget.unit in ("trials", "steps"):
            return int(self.left)
        return _UNBOUNDED if self.left else 0
