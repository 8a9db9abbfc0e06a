"""A journal that is kept in memory only, for runs that are written down elsewhere as a whole."""

from pathlib import Path

from nasturtium.store.records import Asked, Ended, Event, Told


class MemoryJournal:
    """What was asked and told in each stage, like `Journal`, but gone with the process.

    A bench runs thousands of short searches on tables, each of which is repeated in a second when it is lost;
    a file on disk for each would cost more than the search.

    Attributes:
        path: What stands in messages where a file would be named.
    """

    path = Path("memory")

    def __init__(self) -> None:
        self._events: dict[str, list[Event]] = {}

    def asked(self, stage: str, event: Asked) -> None:
        """Keeps one ask."""
        self._events.setdefault(stage, []).append(event)

    def told(self, stage: str, event: Told) -> None:
        """Keeps one group of trials."""
        self._events.setdefault(stage, []).append(event)

    def ended(self, stage: str, event: Ended) -> None:
        """Keeps that a stage is over."""
        self._events.setdefault(stage, []).append(event)

    def events(self, stage: str) -> list[Event]:
        """Returns what happened in a stage, in order."""
        return list(self._events.get(stage, ()))
