"""What a search shows while it runs: a live view on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from nasturtium.cli.printing import duration, quantity, reason
from nasturtium.front.dominance import non_dominated
from nasturtium.front.objectives import parse_constraint, parse_objective
from nasturtium.protocols import Candidate, Trial
from nasturtium.run.picks import feasible

if TYPE_CHECKING:
    from nasturtium.run.budget import Purse
    from nasturtium.run.record import Observer
    from nasturtium.run.spec import Spec

STAGES = {
    "supernet": "supernet",
    "subnets": "search with its weights",
    "search": "search",
    "baseline": "random search, equal cost",
    "sample": "its networks, with shared weights",
}
PLAIN_EVERY = 5.0  # seconds between two plain lines
LAST = 50  # steps of a training over which its loss is averaged


@contextmanager
def watched(spec: Spec) -> Iterator[Observer]:
    """Gives the observer that shows the progress of a search on stderr."""
    console = Console(stderr=True, highlight=False, emoji=False)
    if console.is_terminal:
        view = _View(spec)
        with Live(view, console=console, refresh_per_second=4, transient=True):
            yield view
    else:
        yield _Lines(spec)


class _Progress:
    """Where a stage stands."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.objectives = tuple(map(parse_objective, spec.minimize))
        self.constraints = tuple(map(parse_constraint, spec.subject_to))
        self.stage = ""
        self.purse: Purse | None = None
        self.trials: list[Trial] = []
        self.working: Sequence[Candidate] = ()
        self.note = ""

    def began(self, stage: str, purse: Purse, trials: Sequence[Trial]) -> None:
        """Starts to count anew, from what former sessions told."""
        self.stage, self.purse, self.trials, self.note = stage, purse, list(trials), ""

    def asked(self, stage: str, candidates: Sequence[Candidate]) -> None:
        """Notes what is worked on."""
        self.working = candidates

    def told(self, stage: str, trials: Sequence[Trial]) -> None:
        """Counts results; of the steps of a training the last few will do."""
        steps = self.purse is not None and self.purse.budget.unit == "steps"
        self.trials = [*self.trials[-LAST:], *trials] if steps else [*self.trials, *trials]

    def ended(self, stage: str) -> None:
        """Nothing is worked on any more."""
        self.working = ()

    def noted(self, stage: str, note: str) -> None:
        """Keeps what a monitor says of the stage."""
        self.note = note

    def warned(self, stage: str, warning: str) -> None:
        """Says it once, in a line that stays."""
        print(f"warning: {warning}", file=sys.stderr, flush=True)  # rich puts it above what it draws

    def title(self) -> str:
        before, _, budget = self.stage.partition("/")
        known = STAGES.get(before, "final trainings" if before.startswith("retrain") else before)
        return f"{known}, within {budget}" if budget else known

    def share(self) -> float:
        """Share of the budget that is spent, 0..1."""
        return min(1.0, self.purse.spent / self.purse.budget.amount) if self.purse else 0.0

    def time_left(self) -> str:
        if self.purse is None or not self.trials:
            return ""
        if self.purse.budget.unit == "seconds":
            return duration(self.purse.left)
        pace = self.purse.seconds / max(self.purse.spent, 1e-9)
        return duration(self.purse.left * pace)

    def standing(self) -> str:
        """The best so far, in words."""
        if self.purse is not None and self.purse.budget.unit == "steps":
            return self._training(self.purse)
        failed = [trial for trial in self.trials if trial.status == "failed"]
        kept, points = feasible(self.trials, self.objectives, self.constraints)
        parts = [f"{len(self.trials)} trials"]
        if kept:
            best = min(kept, key=lambda trial: trial.metrics.get("error", float("inf")))
            parts.append(
                "best " + ", ".join(f"{n} {quantity(n, best.metrics[n])}" for n in self._shown(best))
            )
            if len(self.objectives) > 1 and not self.stage.startswith("retrain"):
                parts.append(f"{int(non_dominated(points).sum())} on the front")
        if failed:
            # While nothing has succeeded, the reason may be worth stopping for.
            why = f", the first: {reason(failed[0].error)}" if len(failed) == len(self.trials) else ""
            parts.append(f"{len(failed)} failed{why}")
        return "; ".join(parts)

    def _training(self, purse: Purse) -> str:
        losses = [trial.metrics["loss"] for trial in self.trials if trial.status == "ok"]
        loss = f"; loss {sum(losses) / len(losses):.3f}" if losses else ""
        note = f"; {self.note}" if self.note else ""
        return f"{purse.trials} of {purse.budget.amount:g} steps{loss}{note}"

    def _shown(self, trial: Trial) -> list[str]:
        named = [name for objective in self.objectives for name in sorted(objective.metrics)]
        return [name for name in dict.fromkeys(("error", *named)) if name in trial.metrics]


class _View(_Progress):
    """A panel that rich draws again and again."""

    def __rich__(self) -> Group:
        bar = ProgressBar(total=1.0, completed=self.share(), width=40)
        line = Table.grid(padding=(0, 2))
        left = self.time_left()
        line.add_row(
            Text(self.title(), style="bold"), bar, Text(f"about {left} left" if left else "starting")
        )
        return Group(line, Text(self.standing()))


class _Lines(_Progress):
    """A line when a stage begins and ends, and every few seconds between."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.last = 0.0

    def began(self, stage: str, purse: Purse, trials: Sequence[Trial]) -> None:
        """Says which stage begins."""
        super().began(stage, purse, trials)
        before = f", {len(trials)} trials done before" if trials else ""
        self._say(f"{self.title()}: budget {purse.budget}{before}")

    def told(self, stage: str, trials: Sequence[Trial]) -> None:
        """Says how it stands, now and then."""
        super().told(stage, trials)
        if time.monotonic() - self.last > PLAIN_EVERY:
            left = self.time_left()
            self._say(f"{self.title()}: {self.standing()}" + (f"; about {left} left" if left else ""))

    def ended(self, stage: str) -> None:
        """Says how it ended."""
        super().ended(stage)
        self._say(f"{self.title()}: done, {self.standing()}")

    def _say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)
        self.last = time.monotonic()
