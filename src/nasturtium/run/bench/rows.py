"""The folder of a bench: one file of JSON lines, to which every course is added when it has finished."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from nasturtium.errors import StoreError
from nasturtium.run.bench.course import Key, Row
from nasturtium.run.bench.protocol import Protocol
from nasturtium.store.lock import lock
from nasturtium.store.schema import storing

FILE = "courses.jsonl"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Session:
    """One command that added to a bench.

    Attributes:
        started: When, ISO 8601 with the zone.
        command: What to type to run it again.
        machine: Processor, cores and system, in words.
        workers: Processes that ran courses.
        versions: Name to version of what the results depend on.
    """

    started: str
    command: str
    machine: str
    workers: int
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Kept:
    """What a folder holds.

    Attributes:
        protocol: The rules of all its courses.
        sessions: The commands that added to it.
        rows: The newest row of each course.
        size: Bytes of the file that are whole lines; a course that was being written when the process died
            is not among them.
    """

    protocol: Protocol
    sessions: tuple[Session, ...]
    rows: Mapping[Key, Row]
    size: int


class RowFile:
    """Adds to the file of a folder; made by `adding`."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path, self._file = path, file

    def begin(self, session: Session) -> None:
        """Adds a command."""
        self._write({"session": asdict(session)})

    def add(self, row: Row) -> None:
        """Adds what came of a course; on return it survives the end of the process."""
        self._write({"course": row.as_json()})

    def _write(self, line: dict[str, Any]) -> None:
        with storing(self._path):
            self._file.write(_line(line))
            self._file.flush()


@contextmanager
def adding(folder: Path, protocol: Protocol) -> Iterator[tuple[RowFile, Mapping[Key, Row]]]:
    """Opens a folder to add to it, or makes it; nobody else can until the end. Gives also what it holds.

    Raises:
        StoreError: It holds a bench by other rules, something else, or cannot be written; it is left as it
            is.
    """
    path = folder / FILE
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    held = lock(folder)
    try:
        kept = _resumed(path, protocol)
        with storing(path), path.open("r+b" if path.exists() else "w+b") as file:
            file.truncate(kept.size if kept else 0)
            file.seek(0, 2)
            rows = RowFile(path, file)
            if kept is None:
                file.write(_line({"nasturtium_bench": FORMAT, "protocol": protocol.as_json()}))
            yield rows, kept.rows if kept else {}
    finally:
        held.release()


def read(folder: Path) -> Kept:
    """Returns what a folder holds.

    Raises:
        StoreError: There is no bench in it, or one that cannot be read.
    """
    path = folder / FILE
    if not path.is_file():
        raise StoreError(f"no bench in {folder}: it has no {FILE}. Give the --out folder of a bench.")
    kept = _kept(path)
    if kept is None:
        raise StoreError(f"{path} is empty: the bench ended before it began. Run it again.")
    return kept


def _resumed(path: Path, protocol: Protocol) -> Kept | None:
    kept = _kept(path) if path.exists() else None
    if kept is not None and (different := kept.protocol.differences(protocol)):
        raise StoreError(
            f"{path.parent} holds a bench by other rules: {'; '.join(different)}. Results by different rules "
            "do not compare: give the same rules to go on, or another --out folder."
        )
    return kept


def _kept(path: Path) -> Kept | None:
    """What a file holds; None where not even its first line is whole."""
    with storing(path):
        content = path.read_bytes()
    size = content.rfind(b"\n") + 1
    protocol: Protocol | None = None
    sessions: list[Session] = []
    rows: dict[Key, Row] = {}
    for number, line in enumerate(content[:size].splitlines(), 1):
        try:
            data = json.loads(line)
            if number == 1:
                protocol = _header(path, data)
            elif "session" in data:
                sessions.append(Session(**data["session"]))
            else:
                row = Row.from_json(data["course"])
                rows[row.key] = row
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"{path}, line {number} is no line of a bench ({type(error).__name__}: {error}). It was left "
                "as it is: mend or remove the line, or choose another folder."
            ) from error
    return Kept(protocol, tuple(sessions), rows, size) if protocol else None


def _header(path: Path, data: Mapping[str, Any]) -> Protocol:
    if data["nasturtium_bench"] > FORMAT:
        raise StoreError(
            f"{path} has format {data['nasturtium_bench']}, this nasturtium reads up to {FORMAT}. "
            "Upgrade nasturtium, or choose another folder."
        )
    return Protocol.from_json(data["protocol"])


def _line(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
