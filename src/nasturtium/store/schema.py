"""The journal as a file: its tables, and how to tell a sound one from anything else without touching it."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from nasturtium.errors import JournalError, StoreError

APPLICATION_ID = 0x4E415354  # "NAST", at byte 68 of the file
FORMAT = 1  # at byte 60 of the file, SQLite's user_version

_HEADER_BYTES = 100
_MAGIC = b"SQLite format 3\x00"

_TABLES = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {FORMAT};
CREATE TABLE header (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE session (
    id INTEGER PRIMARY KEY, started TEXT NOT NULL, device TEXT NOT NULL, versions TEXT NOT NULL);
CREATE TABLE event (
    id INTEGER PRIMARY KEY, stage TEXT NOT NULL, kind TEXT NOT NULL, requested INTEGER,
    seconds REAL NOT NULL);
CREATE TABLE candidate (
    event INTEGER NOT NULL, stage TEXT, number INTEGER, point TEXT NOT NULL, fidelity INTEGER, parent INTEGER,
    PRIMARY KEY (stage, number)) WITHOUT ROWID;
CREATE TABLE trial (
    id INTEGER PRIMARY KEY, event INTEGER NOT NULL, stage TEXT, number INTEGER, status TEXT NOT NULL,
    error TEXT, metrics TEXT NOT NULL, weights TEXT, gradient BLOB, UNIQUE (stage, number));
CREATE TABLE cost (
    device TEXT, canonical TEXT, metric TEXT, value REAL, spread REAL,
    PRIMARY KEY (device, canonical, metric)) WITHOUT ROWID;
"""


def create(path: Path, header: list[tuple[str, str]]) -> None:
    """Writes an empty journal with its header; it appears under its name whole or not at all."""
    draft = path.with_name(path.name + ".new")
    with storing(path):
        draft.unlink(missing_ok=True)
        with closing(sqlite3.connect(draft)) as database, database:
            database.executescript(_TABLES)
            database.executemany("INSERT INTO header VALUES (?, ?)", header)
        draft.replace(path)


def connect(path: Path) -> sqlite3.Connection:
    """Opens a sound journal for writing.

    Write-ahead log without a flush to the platter per commit: what is committed survives any end of the
    process, SIGKILL included, because the pages are the kernel's by then. A power cut may take back the
    newest commits, never one without all those after it, and never corrupts the file: the journal is then
    a shorter prefix of the run, from which a resume goes on. (12,000 commits a second here, 2,400 with a
    flush each.)
    """
    with storing(path):
        database = sqlite3.connect(path, isolation_level=None)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
    return database


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Opens a sound journal without changing it; another process may be writing to it."""
    with storing(path):
        return sqlite3.connect(
            f"{path.resolve().as_uri()}?mode={_read_mode(path)}", uri=True, isolation_level=None
        )


def verify(path: Path) -> None:
    """Raises JournalError unless the file is a sound journal of a known format; the file is left as it is."""
    with storing(path), path.open("rb") as file:
        start = file.read(_HEADER_BYTES)
    if len(start) < _HEADER_BYTES or not start.startswith(_MAGIC):
        what = "is empty" if not start else "is not an SQLite file, or only the beginning of one"
        raise JournalError(f"{path} {what}, so it is no journal of a run. {_ADVICE}")
    if (application := int.from_bytes(start[68:72], "big")) != APPLICATION_ID:
        raise JournalError(
            f"{path} is an SQLite file of another program (application id {application:#x}, a journal has "
            f"{APPLICATION_ID:#x}). {_ADVICE}"
        )
    if (version := int.from_bytes(start[60:64], "big")) > FORMAT:
        raise JournalError(
            f"{path} has journal format {version}, this nasturtium reads up to {FORMAT}. "
            "Upgrade nasturtium, or choose another folder."
        )
    _check_pages(path, start)


def _check_pages(path: Path, start: bytes) -> None:
    page_size, page_count = int.from_bytes(start[16:18], "big"), int.from_bytes(start[28:32], "big")
    missing = (65536 if page_size == 1 else page_size) * page_count - path.stat().st_size
    if missing > 0 and not _has_log(path):  # a log may hold pages that are not in the file yet
        raise JournalError(f"{path} is truncated: {missing} bytes are missing at its end. {_ADVICE}")
    try:
        with closing(connect_to_read(path)) as database:
            found = str(database.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        found = found.splitlines()[-1]
        raise JournalError(f"{path} is truncated or damaged ({found}). {_ADVICE}")


def _read_mode(path: Path) -> str:
    # Without a log beside it the file is complete: nothing, not even a lock, need be made to read it.
    return "ro" if _has_log(path) else "ro&immutable=1"


def _has_log(path: Path) -> bool:
    log = path.with_name(path.name + "-wal")
    return log.exists() and log.stat().st_size > 0


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turns the errors of a disk into StoreErrors that say what to do."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise JournalError(
            f"{path}: a candidate or trial of this number was written before ({error})"
        ) from error
    except sqlite3.OperationalError as error:
        if "full" in str(error):
            raise _full(path) from error
        if "readonly" in str(error) or "unable to open" in str(error):
            raise _unwritable(path, str(error)) from error
        raise StoreError(
            f"{path}: {error}. What was told before is safe; the same search again resumes."
        ) from error
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise _full(path) from error
        raise _unwritable(path, error.strerror or str(error)) from error


def _full(path: Path) -> StoreError:
    return StoreError(
        f"no space left for {path}. Every trial told so far is safe: make room and give the same search "
        "again "
        "to resume it."
    )


def _unwritable(path: Path, why: str) -> StoreError:
    return StoreError(f"cannot write {path}: {why}. Choose another folder, or mend its permissions.")


_ADVICE = "It was left as it is: restore it from a copy, or choose another folder."
