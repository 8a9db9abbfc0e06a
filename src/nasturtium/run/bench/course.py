"""One course of a bench: one method on one table from one seed, through the loop of every search."""

import math
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from nasturtium.architecture import Architecture
from nasturtium.errors import DataError
from nasturtium.evaluate.table import Table
from nasturtium.front.objectives import Objective
from nasturtium.run.bench.entry import Entry
from nasturtium.run.bench.protocol import Protocol
from nasturtium.run.bench.watched import Watched
from nasturtium.run.names import table_named
from nasturtium.run.record import Record
from nasturtium.run.search import search
from nasturtium.store.memory import MemoryJournal
from nasturtium.strategy.distinct import Distinct

Key = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Course:
    """What is to be run.

    Attributes:
        table: Name of the table.
        entry: The method.
        seed: Of the strategy, and of which training of each architecture is seen: methods of the same seed
            see the same numbers.
        protocol: The rules.
    """

    table: str
    entry: Entry
    seed: int
    protocol: Protocol

    @property
    def key(self) -> Key:
        """Which course of the bench this is."""
        return self.table, self.entry.label, self.seed


@dataclass(frozen=True, slots=True)
class Row:
    """What came of a course.

    Attributes:
        table: Name of the table.
        method: The method with its parameters.
        seed: Of the course.
        digest: Of the user's file that the method came from.
        metric: What is scored.
        optimum: The lowest score that any architecture of the table has.
        at: Marks at which it was judged: evaluations, or simulated seconds.
        picked: Score of the strategy's own pick at each mark.
        seen: Score, at each mark, of the architecture with the lowest value seen.
        values: What each trial showed; NaN for one that failed.
        seconds: Simulated seconds spent after each trial; empty where the table knows none.
        ms: Milliseconds of ask and tell for each trial.
        wall_seconds: What the course took.
        error: Why it failed; None where it did not.
    """

    table: str
    method: str
    seed: int
    digest: str = ""
    metric: str = ""
    optimum: float = math.nan
    at: tuple[float, ...] = ()
    picked: tuple[float, ...] = ()
    seen: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
    seconds: tuple[float, ...] = ()
    ms: tuple[float, ...] = ()
    wall_seconds: float = 0.0
    error: str | None = None

    @property
    def key(self) -> Key:
        """Which course of the bench this is."""
        return self.table, self.method, self.seed

    def as_json(self) -> dict[str, Any]:
        """Returns it as plain data, with None for NaN."""
        return {name: _plain(value) for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Row":
        """Returns what `as_json` gave."""
        return cls(**{one.name: _read(data[one.name], one.name) for one in fields(cls)})


def run_course(course: Course) -> Row:
    """Runs a course; one that raises is a row that says why."""
    start = time.perf_counter()
    try:
        return _run(course, start)
    except Exception as error:  # whatever a method does, the other courses go on
        return failed(course, _last_line(error), time.perf_counter() - start)


def failed(course: Course, why: str, wall_seconds: float = 0.0) -> Row:
    """Returns the row of a course that came to nothing."""
    table, method, seed = course.key
    return Row(table, method, seed, course.entry.digest, error=why, wall_seconds=round(wall_seconds, 3))


def _run(course: Course, start: float) -> Row:
    protocol, seed = course.protocol, course.seed
    table = table_named(course.table, seed=seed if protocol.single else None)
    judging = _judging(protocol.judge or course.table)
    metric = protocol.metric or judging.objective
    strategy = course.entry.strategy(table, seed)
    if protocol.distinct:
        strategy = Distinct(strategy, table.space.canonical)
    watched = Watched(strategy, _judge(judging, metric), Objective(table.objective), protocol)
    search(watched, table, Record(MemoryJournal(), "bench", protocol.budget))
    watched.finish()
    if all(map(math.isnan, watched.values)):
        trials = len(watched.values)
        why = (
            f"none of {trials} trials succeeded; the first: {watched.problem}"
            if trials
            else "it asked nothing"
        )
        return failed(course, why, time.perf_counter() - start)
    return Row(
        *course.key,
        digest=course.entry.digest,
        metric=metric,
        optimum=judging.optimum(metric),
        at=protocol.marks,
        picked=tuple(watched.picked),
        seen=tuple(watched.seen),
        values=tuple(float(f"{value:.7g}") for value in watched.values),
        seconds=tuple(round(s, 2) for s in watched.seconds) if "train_seconds" in table.metrics else (),
        ms=tuple(float(f"{ms:.4g}") for ms in watched.ms),
        wall_seconds=round(time.perf_counter() - start, 3),
    )


def _judge(table: Table, metric: str) -> Callable[[Architecture], float]:
    def judge(architecture: Architecture) -> float:
        try:
            return table.truth(architecture)[metric]
        except DataError:  # a table of part of its space: the pick may be a network that it does not have
            return math.nan

    return judge


@lru_cache(maxsize=8)
def _judging(name: str) -> Table:
    return table_named(name)


def _last_line(error: Exception) -> str:
    """The last line of the traceback, and where it came from."""
    line = traceback.format_exception_only(error)[-1].strip()
    frames = traceback.extract_tb(error.__traceback__)
    return f"{line} ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else line


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _read(value: Any, name: str) -> Any:
    if isinstance(value, list):
        return tuple(_read(one, name) for one in value)
    return math.nan if value is None and name != "error" else value
