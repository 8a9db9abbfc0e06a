"""The monitor of a run's supernet: shown while it is trained, kept in the folder, read by the report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nasturtium.errors import StoreError
from nasturtium.evaluate.alarms import alarms, standing
from nasturtium.evaluate.course import Course, read_course
from nasturtium.evaluate.monitor import Monitor
from nasturtium.protocols import Trial
from nasturtium.run.record import Observer
from nasturtium.store.schema import storing

COURSE = "supernet.json"


@dataclass
class Monitored:
    """Passes on what the monitor of a training sees: to the run folder, and to whoever watches.

    What former sessions did is folded again from the checkpoint, so nothing is lost by a kill.

    Attributes:
        monitor: Of its space.
        path: Of the file that is kept.
        observer: Is told how it stands, and of each warning once.
        stage: What it is told that this is.
    """

    monitor: Monitor
    path: Path
    observer: Observer
    stage: str
    _news: bool = False
    _warned: set[str] = field(default_factory=set)

    def fold(self, trials: Sequence[Trial]) -> None:
        """Takes one step."""
        self._news |= self.monitor.fold(trials)

    def show(self) -> None:
        """Says how it stands, if there was a look since the last time."""
        if self._news:
            self._say()

    def end(self) -> None:
        """Takes a last look, the training being over, and says what it showed."""
        self.monitor.end()
        self._say()

    def _say(self) -> None:
        course, self._news = self.monitor.course, False
        write(course, self.path)
        self.observer.noted(self.stage, standing(course))
        for alarm in alarms(course):
            if alarm.name not in self._warned:
                self._warned.add(alarm.name)
                self.observer.warned(self.stage, str(alarm))


def write(course: Course, path: Path) -> None:
    """Writes a course whole, or not at all.

    Raises:
        StoreError: The folder cannot be written or the disk is full.
    """
    draft = path.with_name(f"{path.name}.new")
    with storing(path):
        draft.write_text(json.dumps(course.table()), encoding="utf-8")
        draft.replace(path)


def read(folder: Path) -> Course | None:
    """Returns the course of a run's supernet; None where it has none.

    Raises:
        StoreError: The file is not one that `write` wrote.
    """
    path = folder / COURSE
    if not path.exists():
        return None
    try:
        return read_course(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise StoreError(
            f"cannot read {path}: {problem}; delete it, the same search again writes it anew"
        ) from problem
