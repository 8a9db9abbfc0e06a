"""The journal of a run folder: everything asked, everything told, durable before the search goes on."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import numpy as np
from filelock import BaseFileLock

from nasturtium.errors import JournalError
from nasturtium.protocols import Candidate, Trial
from nasturtium.store import records, schema
from nasturtium.store.lock import lock
from nasturtium.store.records import Asked, Ended, Event, Header, Session, Told

FILE = "journal.sqlite"

T = TypeVar("T")
_Row = tuple[object, ...]


class Journal:
    """What was asked and told in each stage of a run, and what architectures cost.

    A stage is a name such as ``"search"``; its candidates are numbered from 0. A method that writes returns
    when what it wrote is durable (see `schema.connect` for what that means). Made by `resume` and `read`.

    Attributes:
        path: The file.
        header: What it says of itself.
    """

    def __init__(self, path: Path, database: sqlite3.Connection, held: BaseFileLock | None = None) -> None:
        self.path = path
        self.header = _read_header(database)
        self._database = database
        self._held = held

    @classmethod
    def resume(cls, folder: Path, header: Header) -> Self:
        """Opens the journal of a run folder for writing, or starts one; nobody else can until it is closed.

        Raises:
            JournalError: what is there is no sound journal, or one of another search; it is left as it is.
            StoreError: the folder cannot be written, is full, or another process is at work in it.
        """
        path = folder / FILE
        with schema.storing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        held = lock(folder)
        try:
            if not path.exists() or _may_start_over(path, header):
                schema.create(path, _header_rows(header))
            journal = cls(path, schema.connect(path), held)
            journal._describe(header)
            return journal
        except BaseException:
            held.release()
            raise

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Opens the journal of a run folder to read, also while another process writes to it.

        Raises:
            JournalError: there is none, or no sound one.
        """
        path = folder / FILE
        if not path.is_file():
            raise JournalError(
                f"no run in {folder}: it has no {FILE}. Give the folder that a search wrote to."
            )
        schema.verify(path)
        return cls(path, schema.connect_to_read(path))

    def begin(self, session: Session) -> None:
        """Writes down that a process starts to work on the run."""
        row = (session.started, session.device, json.dumps(dict(session.versions)))
        self._write("INSERT INTO session (started, device, versions) VALUES (?, ?, ?)", row)

    def asked(self, stage: str, event: Asked) -> None:
        """Writes down one ask; the candidates carry their numbers."""
        rows = [_candidate_row(stage, candidate) for candidate in event.candidates]
        self._write_event((stage, "asked", event.requested, event.seconds), _INSERT_CANDIDATE, rows)

    def told(self, stage: str, event: Told) -> None:
        """Writes down one group of trials."""
        rows = [_trial_row(stage, trial) for trial in event.trials]
        self._write_event((stage, "told", None, event.seconds), _INSERT_TRIAL, rows)

    def ended(self, stage: str, event: Ended) -> None:
        """Writes down that a stage is over."""
        self._write_event((stage, "ended", None, event.seconds), _INSERT_TRIAL, [])

    def events(self, stage: str) -> list[Event]:
        """Returns what happened in a stage, in order: what a resume replays."""
        candidates = self._candidates(stage)
        asked = _grouped(candidates)
        told = _grouped(self._trials(stage, {candidate.number: candidate for _, candidate in candidates}))
        made: dict[str, Callable[[int, int, float], Event]] = {
            "asked": lambda event, requested, seconds: Asked(requested, tuple(asked[event]), seconds),
            "told": lambda event, _, seconds: Told(tuple(told[event]), seconds),
            "ended": lambda event, _, seconds: Ended(seconds),
        }
        rows = self._database.execute(_EVENTS, (stage,))
        return [made[kind](event, requested, seconds) for event, kind, requested, seconds in rows]

    def stages(self) -> tuple[str, ...]:
        """Returns the stages that have events, in the order in which they began."""
        query = "SELECT stage FROM event GROUP BY stage ORDER BY MIN(id)"
        return tuple(stage for (stage,) in self._database.execute(query))

    def sessions(self) -> tuple[Session, ...]:
        """Returns the processes that worked on the run, in order."""
        rows = self._database.execute("SELECT started, device, versions FROM session ORDER BY id")
        return tuple(Session(started, device, json.loads(versions)) for started, device, versions in rows)

    def get(self, device: str, canonical: str, metric: str) -> float | None:
        """Returns a cost that was put before, None where none was."""
        query = "SELECT value FROM cost WHERE device = ? AND canonical = ? AND metric = ?"
        row = self._database.execute(query, (device, canonical, metric)).fetchone()
        return None if row is None else float(row[0])

    def put(self, device: str, canonical: str, metric: str, value: float, spread: float) -> None:
        """Keeps a cost of an architecture on a device, and its spread, unless there is one."""
        row = (device, canonical, metric, value, spread)
        self._write("INSERT OR IGNORE INTO cost VALUES (?, ?, ?, ?, ?)", row)

    def close(self) -> None:
        """Closes the file and lets other processes in."""
        self._database.close()
        if self._held is not None:
            self._held.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _describe(self, header: Header) -> None:
        """Writes down what a resume asks for otherwise, such as more budget; the identity is the same."""
        self._write("UPDATE header SET value = ? WHERE name = 'spec'", (json.dumps(dict(header.spec)),))
        self.header = replace(self.header, spec=header.spec)

    def _write_event(self, event: _Row, insert: str, rows: list[_Row]) -> None:
        with schema.storing(self.path), _transaction(self._database) as database:
            number = database.execute(_INSERT_EVENT, event).lastrowid
            database.executemany(insert, [(number, *row) for row in rows])

    def _write(self, insert: str, row: _Row) -> None:
        with schema.storing(self.path), _transaction(self._database) as database:
            database.execute(insert, row)

    def _candidates(self, stage: str) -> list[tuple[int, Candidate]]:
        return [
            (event, Candidate(records.read_point(point, self.header.space), *rest))
            for event, point, *rest in self._database.execute(_CANDIDATES, (stage,))
        ]

    def _trials(self, stage: str, candidates: Mapping[int, Candidate]) -> Iterator[tuple[int, Trial]]:
        for row in self._database.execute(_TRIALS, (stage,)):
            event, number, metrics, status, error, gradient, weights = row
            slope = None if gradient is None else np.frombuffer(gradient)
            yield (
                event,
                Trial(candidates[number], records.read_metrics(metrics), status, error, slope, weights),
            )


_EVENTS = "SELECT id, kind, requested, seconds FROM event WHERE stage = ? ORDER BY id"
_CANDIDATES = "SELECT event, point, fidelity, parent, number FROM candidate WHERE stage = ? ORDER BY number"
_TRIALS = (
    "SELECT event, number, metrics, status, error, gradient, weights FROM trial WHERE stage = ? ORDER BY id"
)
_INSERT_EVENT = "INSERT INTO event (stage, kind, requested, seconds) VALUES (?, ?, ?, ?)"
_INSERT_CANDIDATE = "INSERT INTO candidate VALUES (?, ?, ?, ?, ?, ?)"
_INSERT_TRIAL = "INSERT INTO trial VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)"


def _candidate_row(stage: str, candidate: Candidate) -> _Row:
    point = records.write_point(candidate.point)
    return stage, candidate.number, point, candidate.fidelity, candidate.parent


def _trial_row(stage: str, trial: Trial) -> _Row:
    slope = None if trial.gradient is None else np.ascontiguousarray(trial.gradient, np.float64).tobytes()
    metrics = records.write_metrics(trial.metrics)
    return stage, trial.candidate.number, trial.status, trial.error, metrics, trial.weights, slope


_OFF = (None, "None", "0", "0.0", "False")
# What journals of former versions do not say, and what it was then; None is whatever it is now.
_UNSAID: Mapping[str, str | None] = {"evaluator": None, "costs": None, "recipe.nesterov": "True"}


def _header_rows(header: Header) -> list[tuple[str, str]]:
    return [(name, json.dumps(value)) for name, value in asdict(header).items()]


def _read_header(database: sqlite3.Connection) -> Header:
    values = {name: json.loads(value) for name, value in database.execute("SELECT name, value FROM header")}
    decisions = tuple((path, tuple(labels)) for path, labels in values.pop("decisions"))
    return Header(**values | {"input_shape": tuple(values["input_shape"])}, decisions=decisions)


def _may_start_over(path: Path, header: Header) -> bool:
    """Whether another search has the folder, but asked nothing yet."""
    with Journal.read(path.parent) as journal:
        different = _differences(journal.header.identity, header.identity)
        if different and journal.stages():
            raise JournalError(
                f"{path.parent} holds another search: {'; '.join(different)}. It was left as it is: give the "
                "same search to resume it, or choose another folder for this one."
            )
    return bool(different)


def _differences(there: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    found = []
    for name in sorted(there.keys() | here.keys()):
        old, new = there.get(name), here.get(name)
        if old is None and name in _UNSAID:
            same = _UNSAID[name] in (None, new)
        else:  # a setting that is off is like one that did not exist yet when the run began
            same = old == new or (old in _OFF and new in _OFF and None in (old, new))
        if not same:
            found.append(f"{name} is {old or 'not set'} there, {new or 'not set'} here")
    return found


def _grouped(pairs: Iterable[tuple[int, T]]) -> defaultdict[int, list[T]]:
    groups: defaultdict[int, list[T]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield database
    except BaseException:
        if database.in_transaction:  # where the disk is full, SQLite has rolled back by itself
            database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")
