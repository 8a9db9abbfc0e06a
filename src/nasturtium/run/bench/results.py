"""What a bench found, to be asked for regrets, ranks and tests: `Results`, as `nt.bench` returns it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from nasturtium.errors import ConfigError, unknown
from nasturtium.run.bench import rows as files
from nasturtium.run.bench.course import Row
from nasturtium.run.bench.protocol import NAMED, Protocol
from nasturtium.run.bench.rows import Session
from nasturtium.run.bench.significance import Duel, Matrix, critical_difference, duels, friedman, mean_ranks

Score: TypeAlias = Literal["picked", "seen"]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a method stands on one table.

    Attributes:
        method: Which.
        seeds: Number of courses that succeeded.
        mean: Mean regret at each of the marks asked for.
        median: Median regret at each of them.
        rank: Mean rank among the methods at the last mark, over the seeds that all share; 1 is best.
        ms: Median milliseconds of ask and tell for a trial.
        last_ms: The same for the last tenth of the trials, which know the most.
    """

    method: str
    seeds: int
    mean: tuple[float, ...]
    median: tuple[float, ...]
    rank: float
    ms: float
    last_ms: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """Mean ranks of methods over the same blocks, best first.

    Attributes:
        methods: Which.
        ranks: Of each.
        blocks: On how many (table, seed) pairs.
        difference: How far two ranks lie apart that differ by more than chance (Nemenyi, 5 %).
        p: Of all methods being alike (Friedman).
    """

    methods: tuple[str, ...]
    ranks: tuple[float, ...]
    blocks: int
    difference: float
    p: float


class Results:
    """The courses of a bench.

    Regret is the score of what a method found less that of the best architecture of the table, both of them
    means over the table's trainings: 0 is the best there is. What a method found is its own `best(1)`
    (``picked``) or the architecture with the lowest value that it saw (``seen``).

    Attributes:
        protocol: The rules.
        rows: Of all courses, failed ones included.
        sessions: The commands that made them.
        folder: Where they are kept.
    """

    def __init__(
        self,
        protocol: Protocol,
        rows: Sequence[Row],
        *,
        sessions: Sequence[Session] = (),
        folder: Path | None = None,
    ) -> None:
        self.protocol = protocol
        self.rows = tuple(rows)
        self.sessions = tuple(sessions)
        self.folder = folder

    def __repr__(self) -> str:
        methods = len({row.method for row in self.rows})
        return f"Results({len(self.tables)} tables, {methods} methods, {len(self.rows)} courses)"

    @classmethod
    def load(cls, folder: str | Path) -> Results:
        """Returns the results in a folder, those of an unfinished bench too.

        Raises:
            StoreError: There is no bench in it.
        """
        kept = files.read(Path(folder))
        ordered = sorted(kept.rows.values(), key=lambda row: row.seed)
        return cls(kept.protocol, ordered, sessions=kept.sessions, folder=Path(folder))

    def only(self, tables: Sequence[str], methods: Sequence[str], seeds: Sequence[int]) -> Results:
        """Returns the part of the results that these name, in their order."""
        place = {key: i for i, key in enumerate((t, m, s) for t in tables for m in methods for s in seeds)}
        rows = sorted((row for row in self.rows if row.key in place), key=lambda row: place[row.key])
        return Results(self.protocol, rows, sessions=self.sessions, folder=self.folder)

    @property
    def failures(self) -> tuple[Row, ...]:
        """The courses that failed."""
        return tuple(row for row in self.rows if row.error is not None)

    @property
    def reasons(self) -> dict[tuple[str, str, str], list[int]]:
        """The seeds of the courses that failed, by table, method and reason."""
        found: dict[tuple[str, str, str], list[int]] = {}
        for row in self.failures:
            found.setdefault((row.table, row.method, row.error or ""), []).append(row.seed)
        return found

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables, in order."""
        return tuple(dict.fromkeys(row.table for row in self.rows))

    @property
    def marks(self) -> tuple[float, ...]:
        """What was spent when the courses were judged."""
        return self.protocol.marks

    @property
    def named_marks(self) -> tuple[float, ...]:
        """The few marks to print: 25, 50, 100, 200 evaluations or quarters of the time, and the end."""
        marks = self.marks
        if self.protocol.timed:
            return marks[len(marks) // 4 - 1 :: len(marks) // 4]
        return tuple(mark for mark in marks if mark in NAMED or mark == marks[-1])

    def methods(self, table: str) -> tuple[str, ...]:
        """Names of the methods that have a course on a table that succeeded, in order."""
        return tuple(dict.fromkeys(row.method for row in self._sound(table)))

    def metric(self, table: str) -> str:
        """Name of the metric that is scored on a table."""
        return next((row.metric for row in self._sound(table)), "error")

    def courses(self, table: str, method: str) -> tuple[Row, ...]:
        """The courses of a method on a table that succeeded, by seed.

        Raises:
            UnknownName: There are none.
        """
        found = sorted((row for row in self._sound(table) if row.method == method), key=lambda row: row.seed)
        if not found:
            raise unknown("method", method, self.methods(table), where=f"results on {table}")
        return tuple(found)

    def regret(
        self, table: str, method: str, *, by: Score = "picked", seeds: Sequence[int] | None = None
    ) -> Matrix:
        """Returns the regrets of a method on a table, [seeds, marks]; NaN where it had found nothing.

        Args:
            table: Which.
            method: Which.
            by: ``picked`` or ``seen``.
            seeds: Of which courses; None takes all.
        """
        rows = self.courses(table, method)
        kept = [row for row in rows if seeds is None or row.seed in seeds]
        scores: Matrix = np.array([row.picked if by == "picked" else row.seen for row in kept])
        optima: Matrix = np.array([row.optimum for row in kept])
        regrets: Matrix = scores - optima[:, None]
        return regrets

    def shared_seeds(self, table: str) -> tuple[int, ...]:
        """The seeds of which every method has a course on a table: what can be compared pair by pair."""
        each = [{row.seed for row in self.courses(table, method)} for method in self.methods(table)]
        return tuple(sorted(set.intersection(*each))) if each else ()

    def paired(self, table: str, *, at: float | None = None, by: Score = "picked") -> dict[str, Matrix]:
        """Returns the regret of every method on a table at one mark for the shared seeds, [seeds] each."""
        column, seeds = self._column(at), self.shared_seeds(table)
        return {
            method: self.regret(table, method, by=by, seeds=seeds)[:, column]
            for method in (self.methods(table) if seeds else ())
        }

    def duels(
        self, table: str, *, at: float | None = None, by: Score = "picked", against: str | None = None
    ) -> list[Duel]:
        """Returns the pairs of methods on a table, tested on their shared seeds at one mark.

        Args:
            table: Which.
            at: Mark; None is the end.
            by: ``picked`` or ``seen``.
            against: One method to compare all others with; None tests all pairs. There are no pairs where it
                has a course on another table only, or none that succeeded.

        Raises:
            UnknownName: There are no courses of `against`.
        """
        known = {row.method for row in self.rows}
        if against is not None and against not in known:
            raise unknown("method", against, known, where="against")
        scores = self.paired(table, at=at, by=by)
        return duels({method: row.tolist() for method, row in scores.items()}, against)

    def ranking(self, tables: Sequence[str] | None = None, *, by: Score = "picked") -> Ranking | None:
        """Returns mean ranks at the end over all (table, seed) pairs, of the methods that all tables have.

        Returns:
            None where there are fewer than two methods or blocks to compare.
        """
        chosen = self.tables if tables is None else tables
        shared = [self.paired(table, by=by) for table in chosen]
        shared = [scores for scores in shared if scores]
        methods = [m for m in (shared[0] if shared else ()) if all(m in scores for scores in shared)]
        if len(methods) < 2:
            return None
        blocks = np.concatenate([np.stack([scores[m] for m in methods], axis=1) for scores in shared])
        if len(blocks) < 2:
            return None
        ranks = mean_ranks(blocks)
        order = np.argsort(ranks, kind="stable")
        return Ranking(
            tuple(methods[i] for i in order),
            tuple(float(ranks[i]) for i in order),
            len(blocks),
            critical_difference(len(methods), len(blocks)),
            friedman(ranks, len(blocks)),
        )

    def standings(self, table: str, *, by: Score = "picked") -> list[Standing]:
        """Returns how the methods stand on a table, the lowest mean regret at the end first."""
        columns = [self._column(mark) for mark in self.named_marks]
        ranking = self.ranking([table], by=by)
        ranks: Mapping[str, float] = dict(zip(ranking.methods, ranking.ranks, strict=True)) if ranking else {}
        found = []
        for method in self.methods(table):
            regrets = self.regret(table, method, by=by)[:, columns]
            ms, last_ms = self._cost(table, method)
            means, medians = regrets.mean(axis=0), np.median(regrets, axis=0)
            rank = ranks.get(method, float("nan"))
            found.append(
                Standing(
                    method,
                    len(regrets),
                    tuple(means.tolist()),
                    tuple(medians.tolist()),
                    rank,
                    ms,
                    last_ms,
                )
            )
        # Of equal ends, whoever was nearer before stands first.
        return sorted(
            found, key=lambda one: (np.isnan(one.mean[-1]), one.mean[-1], float(np.nansum(one.mean)))
        )

    def _cost(self, table: str, method: str) -> tuple[float, float]:
        ms = [np.array(row.ms) for row in self.courses(table, method) if row.ms]
        if not ms:
            return float("nan"), float("nan")
        last = [trials[-max(1, len(trials) // 10) :] for trials in ms]
        return float(np.median(np.concatenate(ms))), float(np.median(np.concatenate(last)))

    def _column(self, mark: float | None) -> int:
        if mark is None:
            return len(self.marks) - 1
        if mark not in self.marks:
            known = ", ".join(f"{one:g}" for one in self.marks)
            raise ConfigError(f"nothing was judged at {mark:g}; there is {known}")
        return self.marks.index(mark)

    def _sound(self, table: str) -> list[Row]:
        return [row for row in self.rows if row.table == table and row.error is None]
