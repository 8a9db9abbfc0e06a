"""How the training of a supernet went, as numbers: what its monitor writes down."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

Series = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Course:
    """What was seen of a supernet while it was trained, at some 50 of its steps.

    A share or an entropy is of what was trained at that time; NaN is nothing to say.

    Attributes:
        total: Steps of the whole training.
        decisions: Path and labels of every decision.
        steps: At which it was looked at; all series below have a value for each.
        loss: Training loss, the mean since the value before.
        error: Validation error of the mixtures, likewise; NaN where no mixture was learned.
        entropy: Of the options' distribution over the largest possible, mean over decisions: 0..1.
        skips: Share of skip connections among the operations that something flows through: 0..1.
        weightless: Share of those without weights, skips included.
        eigenvalues: Step and dominant eigenvalue of the Hessian, where one was found.
        counts: Per decision, the trained points in which each option ran.
        learned: Whether gradients of mixtures taught what is trained: `skips` and `weightless` are then those
            of the network that would be picked, else means over what was trained.
        derived: Options of that network; empty where nothing was learned.
        ended: Whether the training is over, after all its steps or because its method stopped it.
    """

    total: int
    decisions: tuple[tuple[str, tuple[str, ...]], ...]
    steps: tuple[int, ...] = ()
    loss: Series = ()
    error: Series = ()
    entropy: Series = ()
    skips: Series = ()
    weightless: Series = ()
    eigenvalues: tuple[tuple[int, float], ...] = ()
    counts: tuple[tuple[int, ...], ...] = ()
    learned: bool = False
    derived: tuple[int, ...] = ()
    ended: bool = False

    @property
    def metrics(self) -> dict[str, float]:
        """What it came to, as metrics of the one trial that a training is; only what is known."""
        last = {name: getattr(self, name)[-1:] for name in ("entropy", "skips", "weightless")}
        found = {f"{name}_share" if name != "entropy" else name: row[0] for name, row in last.items() if row}
        if self.eigenvalues:
            found["eigenvalue"] = self.eigenvalues[-1][1]
        rows = [row for row in self.counts if len(row) > 1]
        if rows:
            found["least_trained"] = float(min(min(row) for row in rows))
            found["most_trained"] = float(max(max(row) for row in rows))
        return {name: value for name, value in found.items() if math.isfinite(value)}

    def table(self) -> dict[str, Any]:
        """Returns it as JSON has it: NaN is null."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def read_course(table: Mapping[str, Any]) -> Course:
    """Returns the course that `Course.table` gave.

    Raises:
        KeyError: Something is missing.
        TypeError: Something is of another kind.
    """
    return Course(**{one.name: _frozen(table[one.name]) for one in fields(Course)})


def _plain(value: Any) -> Any:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_frozen(one) for one in value)
    return math.nan if value is None else value
