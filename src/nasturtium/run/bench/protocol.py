"""The rules that all courses of a bench share: how much may be spent, what is seen, and who judges."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from nasturtium.errors import ConfigError
from nasturtium.run.budget import Budget, parse_budget

NAMED = (25, 50, 100, 200)  # evaluations at which results are usually printed
PIECES = 20  # of a budget of simulated time


@dataclass(frozen=True, slots=True)
class Protocol:
    """What makes the courses of a bench comparable.

    Attributes:
        budget: Of each course: evaluations, or simulated seconds of training.
        distinct: Whether a network that was evaluated is known from then on, at no cost; published protocols
            pay for it again.
        single: Whether a method sees one training of each architecture, the course's own draw; otherwise the
            mean of all, which no search could have afforded.
        judge: Name of the table whose truth is the score, where it is not the table that is searched.
        metric: The metric of that table that is the score, where it is not its objective; less is better.
    """

    budget: Budget
    distinct: bool = True
    single: bool = True
    judge: str = ""
    metric: str = ""

    @property
    def timed(self) -> bool:
        """Whether simulated seconds are counted, not evaluations."""
        return self.budget.unit != "trials"

    @property
    def marks(self) -> tuple[float, ...]:
        """What is spent when a course is judged: 10, 20, ... and 25, 50, 100, 200 evaluations, and the end.

        Tiny budgets are judged after every evaluation, large ones at fifty places, time at twenty.
        """
        amount = self.budget.amount
        if self.timed:
            return tuple(amount * (i + 1) / PIECES for i in range(PIECES))
        step = 10 * -(-int(amount) // 500) if amount >= 20 else 1
        regular = range(step, int(amount), step)
        return tuple(sorted({*map(float, regular), *(float(m) for m in NAMED if m < amount), amount}))

    def as_json(self) -> dict[str, Any]:
        """Returns it as plain data."""
        rest = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "budget"}
        return {"budget": self.budget.amount, "unit": self.budget.unit, **rest}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Protocol":
        """Returns what `as_json` gave."""
        rest = {one.name: data[one.name] for one in fields(cls) if one.name != "budget"}
        return cls(Budget(data["budget"], data["unit"]), **rest)

    def differences(self, other: "Protocol") -> list[str]:
        """Returns in words where another protocol differs."""
        mine, theirs = self.as_json(), other.as_json()
        if (mine["budget"], mine["unit"]) != (theirs["budget"], theirs["unit"]):
            mine["budget"], theirs["budget"] = str(self.budget), str(other.budget)
        return [
            f"{name} is {mine[name]} there, {theirs[name]} here"
            for name in mine
            if name != "unit" and mine[name] != theirs[name]
        ]


def budget_of(given: str | int) -> Budget:
    """Returns the budget of a course: a time is simulated, the sum of what the trainings took then.

    Raises:
        ConfigError: It means nothing.
    """
    budget = parse_budget(given)
    if budget.unit == "trials":
        return budget
    return Budget(budget.amount, "training seconds")


def seeds_of(given: str | int) -> tuple[int, ...]:
    """Returns the seeds that a text means: ``20`` is 0 to 19, ``100-149`` is those fifty.

    Raises:
        ConfigError: It means no seed.
    """
    first, dash, last = str(given).strip().partition("-")
    try:
        seeds = range(int(first), int(last) + 1) if dash else range(int(first))
    except ValueError:
        seeds = range(0)
    if not seeds:
        raise ConfigError(f"seeds {given!r} means none; give how many (20) or from which to which (100-149)")
    return tuple(seeds)
