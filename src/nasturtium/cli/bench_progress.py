"""What a bench shows while it runs: a live view on a terminal, plain lines elsewhere."""

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from nasturtium.cli.printing import duration
from nasturtium.report.bench_words import regret_text
from nasturtium.run.bench.api import Watcher
from nasturtium.run.bench.course import Row

PLAIN_EVERY = 5.0  # seconds between two plain lines


@contextmanager
def watched() -> Iterator[Watcher]:
    """Gives the watcher that shows the progress of a bench on stderr."""
    console = Console(stderr=True, highlight=False, emoji=False)
    if console.is_terminal:
        view = _View()
        with Live(view, console=console, refresh_per_second=4, transient=True):
            yield view
    else:
        yield _Lines()


class _Progress:
    """Where a bench stands."""

    def __init__(self) -> None:
        self.total = self.before = 0
        self.rows: list[Row] = []
        self.started = time.monotonic()

    def began(self, total: int, done: int) -> None:
        """Starts the clock."""
        self.total, self.before, self.started = total, done, time.monotonic()

    def finished(self, row: Row) -> None:
        """Counts a course."""
        self.rows.append(row)

    @property
    def done(self) -> int:
        """Courses that are finished, those of former sessions included."""
        return self.before + len(self.rows)

    def time_left(self) -> str:
        """How long it will take, by the pace so far."""
        if not self.rows:
            return ""
        pace = (time.monotonic() - self.started) / len(self.rows)
        return duration(pace * (self.total - self.done))

    def failed(self) -> str:
        """How many courses failed, and why the last one did."""
        failures = [row for row in self.rows if row.error is not None]
        return f"{len(failures)} failed, the last: {failures[-1].error}" if failures else ""

    def standing(self) -> list[tuple[str, str, str, int]]:
        """Table, method, mean regret so far and courses, of this session."""
        grouped: dict[tuple[str, str], list[Row]] = {}
        for row in self.rows:
            if row.error is None:
                grouped.setdefault((row.table, row.method), []).append(row)
        return [
            (*key, regret_text(rows[0].metric, sum(map(_regret, rows)) / len(rows)), len(rows))
            for key, rows in sorted(grouped.items())
        ]


class _View(_Progress):
    """A bar and a table that rich draws again and again."""

    def __rich__(self) -> Group:
        line = Table.grid(padding=(0, 2))
        bar = ProgressBar(total=max(self.total, 1), completed=self.done, width=40)
        left = self.time_left()
        line.add_row(
            Text(f"{self.done} of {self.total} courses", style="bold"),
            bar,
            Text(f"about {left} left" if left else "starting"),
        )
        rows = Table.grid(padding=(0, 2))
        for table, method, regret, courses in self.standing():
            rows.add_row(
                Text(table, style="dim"), Text(method), Text(f"regret {regret}"), Text(f"x {courses}")
            )
        return Group(line, rows, Text(self.failed(), style="red"))


class _Lines(_Progress):
    """A line at the beginning and every few seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.last = 0.0

    def began(self, total: int, done: int) -> None:
        """Says how much there is to do."""
        super().began(total, done)
        self._say(f"bench: {total} courses" + (f", {done} of them done before" if done else ""))

    def finished(self, row: Row) -> None:
        """Says how it stands, now and then, and the first failure of a method on a table."""
        before = {(one.table, one.method) for one in self.rows if one.error is not None}
        super().finished(row)
        if row.error is not None and (row.table, row.method) not in before:
            self._say(f"bench: {row.method} on {row.table}, seed {row.seed}, failed: {row.error}")
        elif time.monotonic() - self.last > PLAIN_EVERY or self.done == self.total:
            left = self.time_left()
            self._say(f"bench: {self.done} of {self.total} courses; about {left} left")

    def _say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)
        self.last = time.monotonic()


def _regret(row: Row) -> float:
    return row.picked[-1] - row.optimum if row.picked else math.nan
