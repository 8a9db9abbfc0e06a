"""The public bench: methods x tables x seeds within a budget, to results that a reader can check."""

from __future__ import annotations

import logging
import platform
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Protocol as Interface

from nasturtium.cost.device import this_device
from nasturtium.errors import ConfigError, NasturtiumError, unknown
from nasturtium.evaluate.table import Table
from nasturtium.protocols import Strategy
from nasturtium.run.bench.course import Course, Key, Row
from nasturtium.run.bench.entry import Entry, entry_of
from nasturtium.run.bench.grid import run_courses
from nasturtium.run.bench.protocol import Protocol, budget_of, seeds_of
from nasturtium.run.bench.results import Results
from nasturtium.run.bench.rows import FILE, Session, adding
from nasturtium.run.names import resolve, table_named

log = logging.getLogger(__name__)

PACKAGES = ("nasturtium", "numpy", "scipy", "torch", "optuna", "smac")
METHODS = ("random", "evolution", "tpe", "auto")


class Watcher(Interface):
    """Watches a bench, to show its progress; it changes nothing."""

    def began(self, total: int, done: int) -> None:
        """There are `total` courses, of which former sessions have done some."""
        ...

    def finished(self, row: Row) -> None:
        """A course has finished and is written down."""
        ...


class Unwatched:
    """The watcher that looks away."""

    def began(self, total: int, done: int) -> None:
        """Does nothing."""

    def finished(self, row: Row) -> None:
        """Does nothing."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What is to be compared, with its names resolved and checked.

    Attributes:
        tables: Names.
        entries: The methods.
        seeds: One course each.
        protocol: The rules.
    """

    tables: tuple[str, ...]
    entries: tuple[Entry, ...]
    seeds: tuple[int, ...]
    protocol: Protocol

    def courses(self) -> list[Course]:
        """All courses; a seed at a time, so that a bench that is stopped early still compares everything."""
        return [
            Course(table, entry, seed, self.protocol)
            for seed in self.seeds
            for table in self.tables
            for entry in self.entries
        ]

    def part_of(self, results: Results, against: str | None = None) -> Results:
        """Returns the part of the results of a folder that is this bench, and a method to compare it with."""
        others = [against] if against is not None else []
        labels = dict.fromkeys([*(entry.label for entry in self.entries), *others])
        return results.only(self.tables, list(labels), self.seeds)


def bench(
    tables: str | Sequence[str],
    methods: str | Callable[..., Strategy] | Sequence[str | Callable[..., Strategy]] = METHODS,
    *,
    seeds: int | str | Sequence[int] = 20,
    budget: str | int = 100,
    out: str | Path | None = None,
    workers: int = 1,
    protocol: Protocol | None = None,
    retry: bool = False,
    against: str | None = None,
    command: str = "",
    watcher: Watcher | None = None,
) -> Results:
    """Runs methods on tables of known results, each from several seeds, and returns who found what.

    The same call again goes on where the last one was stopped; other tables, methods and seeds may be added
    to the same folder. Ctrl-C ends it with the courses that have finished.

    Args:
        tables: Names such as ``nasbench_macro`` or ``nasbench201/cifar10/12``, or files.
        methods: Names, ``module:Class`` or ``file.py:Class``, with parameters in brackets
            (``evolution(population=50)``), or classes.
        seeds: How many, ``"100-149"``, or which.
        budget: Of each course: evaluations (``100``) or simulated time of training (``"12000s"``).
        out: Folder; None makes a temporary one.
        workers: Processes; 1 runs all in this one. More start new interpreters, so that a script needs
            ``if __name__ == "__main__"``.
        protocol: Other rules than those of `Protocol`; it replaces `budget`.
        retry: Whether to run courses again that failed.
        against: What the results are to be tested against: one of the methods, or one that the folder has on
            these tables and seeds, which then is among the results.
        command: What a reader would type to repeat it, for the page.
        watcher: Watches.

    Raises:
        NasturtiumError: A table, method or parameter is unknown, a method cannot search a table, or the
            folder holds a bench by other rules. Nothing was run then.
    """
    rules = protocol or Protocol(budget_of(budget))
    asked = prepare(tables, methods, seeds, rules, workers)
    if against is not None:
        _check_against(against, asked, None if out is None else Path(out))
    folder = Path(out) if out is not None else Path(tempfile.mkdtemp(prefix="nasturtium-bench-"))
    carry_out(asked, folder, workers=workers, retry=retry, command=command, watcher=watcher or Unwatched())
    return asked.part_of(Results.load(folder), against)


def prepare(
    tables: str | Sequence[str],
    methods: str | Callable[..., Strategy] | Sequence[str | Callable[..., Strategy]],
    seeds: int | str | Sequence[int],
    protocol: Protocol,
    workers: int = 1,
) -> Bench:
    """Returns the bench that names mean, checked as far as it can be without running it."""
    given = [methods] if isinstance(methods, str) or callable(methods) else list(methods)
    names = [tables] if isinstance(tables, str) else list(tables)
    entries = [entry_of(one) for one in given]
    chosen = seeds_of(seeds) if isinstance(seeds, int | str) else tuple(seeds)
    for what, some in (("table", names), ("method", entries), ("seed", chosen)):
        if not some:
            raise ConfigError(f"a bench needs at least one {what}")
    if workers < 1:
        raise ConfigError(f"workers is {workers}; it must be 1 or more")
    if workers > 1:
        _check_importable(entries)
    asked = Bench(tuple(dict.fromkeys(names)), tuple(dict.fromkeys(entries)), chosen, protocol)
    _check_fits(asked)
    return asked


def carry_out(
    asked: Bench, folder: Path, *, workers: int, retry: bool, command: str, watcher: Watcher
) -> None:
    """Runs what is left of a bench; an interrupt ends it early, with everything finished kept."""
    courses = asked.courses()
    with adding(folder, asked.protocol) as (file, before):
        left = [course for course in courses if not _is_done(course, before, retry=retry)]
        watcher.began(len(courses), len(courses) - len(left))
        if not left:
            return
        file.begin(_session(command, workers))
        try:
            with closing(run_courses(left, workers)) as rows:
                for row in rows:
                    file.add(row)
                    watcher.finished(row)
        except KeyboardInterrupt:
            log.warning("interrupted; the same bench again goes on from here")


def _is_done(course: Course, before: Mapping[Key, Row], *, retry: bool) -> bool:
    row = before.get(course.key)
    if row is None or row.digest != course.entry.digest:
        return False
    return row.error is None or not retry


def _check_importable(entries: Sequence[Entry]) -> None:
    for entry in entries:
        if entry.made is None:
            continue
        try:
            same = resolve("method", entry.name) is entry.made
        except NasturtiumError:
            same = False
        if not same or entry.name.startswith("__main__:"):
            raise ConfigError(
                f"other processes cannot import {entry.name}: put the class into a file and give "
                "file.py:Class, or take workers=1"
            )


def _check_fits(asked: Bench) -> None:
    """Makes every strategy once: what is missing or cannot be is said before anything has run."""
    for name in asked.tables:
        table = table_named(name)
        _check_judge(asked.protocol, name, table)
        for entry in asked.entries:
            try:
                entry.strategy(table, asked.seeds[0])
            except NasturtiumError as error:
                raise type(error)(f"{entry.label} on {name}: {error}") from error


def _check_against(against: str, asked: Bench, folder: Path | None) -> None:
    labels = {entry.label for entry in asked.entries}
    if against in labels:
        return
    held = Results.load(folder).rows if folder is not None and (folder / FILE).is_file() else ()
    there = {row.method for row in held if row.table in asked.tables and row.seed in asked.seeds}
    if against not in there:
        where = "against: one of this bench, or one whose courses on these tables and seeds its folder has"
        raise unknown("method", against, labels | there, where=where)


def _check_judge(protocol: Protocol, name: str, table: Table) -> None:
    if protocol.timed and "train_seconds" not in table.metrics:
        raise ConfigError(
            f"budget {protocol.budget}: table {name} does not say how long trainings took; give evaluations, "
            "such as 100"
        )
    judge = table_named(protocol.judge) if protocol.judge else table
    judge.optimum(protocol.metric or None)
    if judge.space.fingerprint != table.space.fingerprint:
        raise ConfigError(f"table {protocol.judge} cannot judge what is found on {name}: another space")


def _session(command: str, workers: int) -> Session:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    started = datetime.now(UTC).isoformat(timespec="seconds")
    return Session(started, command, _machine(), workers, found)


def _machine() -> str:
    device = this_device()
    return f"{device.cpu}, {device.cores} cores, {device.system}"
