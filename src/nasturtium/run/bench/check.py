"""Whether the methods here reproduce results that others published on a table."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nasturtium.errors import UnknownName
from nasturtium.run.bench.api import Watcher, bench
from nasturtium.run.bench.entry import Entry, entry_of
from nasturtium.run.bench.protocol import Protocol
from nasturtium.run.bench.results import Results
from nasturtium.run.budget import Budget
from nasturtium.run.names import resolve
from nasturtium.run.published import NASBENCH201, Published, PublishedProtocol


@dataclass(frozen=True, slots=True)
class Reproduction:
    """A published row beside ours.

    Attributes:
        row: What was published.
        seeds: Courses of ours that succeeded; 0 where the method is absent or failed.
        mean: Our mean accuracy, percent; NaN without seeds.
        std: Our standard deviation between seeds, points.
        reproduced: Whether the means agree within the tolerance.
    """

    row: Published
    seeds: int
    mean: float
    std: float
    reproduced: bool

    @property
    def label(self) -> str:
        """The method with its parameters."""
        return Entry(self.row.method, self.row.parameters).label

    @property
    def difference(self) -> float:
        """Our mean less the published one, points."""
        return self.mean - self.row.mean

    @property
    def margin(self) -> float:
        """Half of the 95 % interval of our mean: how far chance alone may move it, points."""
        return 1.96 * self.std / math.sqrt(self.seeds) if self.seeds > 1 else math.nan


def check(
    published: PublishedProtocol = NASBENCH201,
    *,
    seeds: int | str | Sequence[int] = 50,
    out: str | Path | None = None,
    workers: int = 1,
    command: str = "",
    watcher: Watcher | None = None,
) -> tuple[list[Reproduction], Results]:
    """Runs a published protocol again, and returns each of its rows beside ours, with the results.

    A method that is not here is a row without seeds.

    Args:
        published: Rules and rows.
        seeds: How many, ``"100-149"``, or which.
        out: Folder; None makes a temporary one.
        workers: Processes; 1 runs all in this one.
        command: What a reader would type to repeat it, for the page.
        watcher: Watches.
    """
    results = bench(
        published.table,
        [Entry(row.method, row.parameters).label for row in published.rows if _is_here(row.method)],
        seeds=seeds,
        out=out,
        workers=workers,
        protocol=rules_of(published),
        command=command,
        watcher=watcher,
    )
    return [_reproduction(published, row, results) for row in published.rows], results


def rules_of(published: PublishedProtocol) -> Protocol:
    """Returns the rules of a published protocol: a network that is asked for again is paid for again."""
    budget = Budget(published.seconds, "training seconds")
    return Protocol(budget, distinct=False, judge=published.judge, metric=published.metric)


def _is_here(method: str) -> bool:
    try:
        resolve("method", method)
    except UnknownName:
        return False
    return True


def _reproduction(published: PublishedProtocol, row: Published, results: Results) -> Reproduction:
    label = entry_of(Entry(row.method, row.parameters).label).label if _is_here(row.method) else ""
    found: list[float] = []
    if label in results.methods(published.table):
        courses = results.courses(published.table, label)
        # The published pick is the network with the best reward seen.
        found = [100 * (1 - course.seen[-1]) for course in courses if math.isfinite(course.seen[-1])]
    mean = statistics.fmean(found) if found else math.nan
    std = statistics.stdev(found) if len(found) > 1 else math.nan
    return Reproduction(row, len(found), mean, std, abs(mean - row.mean) <= published.tolerance)
