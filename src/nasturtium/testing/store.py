"""The laws of a store: what is asked and told in it is there again, exactly and in order."""

# ruff: noqa: D102 - the name of each test says its law

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from nasturtium.architecture import Architecture, Mixture
from nasturtium.errors import StoreError
from nasturtium.protocols import Candidate, Trial
from nasturtium.store.journal import Journal
from nasturtium.store.records import Asked, Ended, Event, Header, Session, Told

HEADER = Header(
    space="f00d",
    input_shape=(3, 8, 8),
    outputs=10,
    identity={"method": "evolution", "seed": "0"},
    spec={"budget": "5m", "minimize": ["error"]},
    decisions=(("stem.kernel", ("3", "5")), ("stem.width", ("16", "32", "64"))),
    task={"name": "digits", "images": {"train": 3}},
)
POINT = Architecture("f00d", (1, 2))
RELAXED = Mixture("f00d", ((0.1, 0.9), (1 / 3, 1 / 3, 1 / 3)))


def asked(*numbers: int, seconds: float = 0.0) -> Asked:
    """Returns an ask for as many candidates as numbers, which it gave."""
    return Asked(len(numbers), tuple(Candidate(POINT, number=number) for number in numbers), seconds)


def told(*numbers: int, seconds: float = 0.0) -> Told:
    """Returns a group of trials of these candidates."""
    return Told(tuple(Trial(Candidate(POINT, number=n), {"error": 0.1 * n}) for n in numbers), seconds)


def same(there: Event, here: Event) -> bool:
    """Whether two events are the same to the last bit; NaN equals NaN."""
    return repr(there) == repr(here)


class StoreConformance:
    """Laws that every store keeps; subclass it, name it Test..., and give `make`."""

    def make(self, folder: Path, header: Header) -> Journal:
        """Opens the store of a folder for writing, or starts it."""
        raise NotImplementedError

    def test_a_new_store_is_empty(self, tmp_path: Path) -> None:
        with self.make(tmp_path, HEADER) as store:
            assert store.header == HEADER
            assert store.stages() == ()
            assert store.events("search") == []
            assert store.sessions() == ()

    def test_what_was_written_is_there_again_in_order(self, tmp_path: Path) -> None:
        events: list[Event] = [asked(0, 1, seconds=0.5), told(1, seconds=1.25), told(0), asked(), Ended(3.0)]
        with self.make(tmp_path, HEADER) as store:
            write(store, "search", events)
            assert store.events("search") == events
        with self.make(tmp_path, HEADER) as again:
            assert again.events("search") == events
            assert again.header == HEADER

    def test_groups_keep_their_order(self, tmp_path: Path) -> None:
        events: list[Event] = [asked(0, 1, 2), told(2, 0), told(1)]
        with self.make(tmp_path, HEADER) as store:
            write(store, "search", events)
            assert store.events("search") == events

    def test_stages_are_apart_though_their_numbers_are_alike(self, tmp_path: Path) -> None:
        with self.make(tmp_path, HEADER) as store:
            write(store, "search", [asked(0), told(0)])
            write(store, "baseline", [asked(0)])
            assert store.events("baseline") == [asked(0)]
            assert store.events("search") == [asked(0), told(0)]
            assert store.stages() == ("search", "baseline")

    def test_candidates_keep_all_that_they_are(self, tmp_path: Path) -> None:
        candidates = (Candidate(POINT, 12, 3, 0), Candidate(RELAXED, None, None, 1))
        with self.make(tmp_path, HEADER) as store:
            store.asked("search", Asked(5, candidates))
            (event,) = store.events("search")
            assert event == Asked(5, candidates)

    def test_trials_keep_all_that_they_are(self, tmp_path: Path) -> None:
        candidate = Candidate(POINT, number=0)
        metrics = {"error": 0.1 + 0.2, "loss": math.nan, "macs": math.inf, "gain": -math.inf, "tiny": 5e-324}
        slope = np.array([0.1, -0.0, 1e300])
        trial = Trial(
            candidate, metrics, "failed", "the loss became NaN: \u00e4 \U0001f331", slope, "weights/0"
        )
        with self.make(tmp_path, HEADER) as store:
            write(store, "search", [Asked(1, (candidate,)), Told((trial,))])
            event = store.events("search")[1]
            assert same(event, Told((trial,)))

    def test_a_trial_is_told_once(self, tmp_path: Path) -> None:
        with self.make(tmp_path, HEADER) as store:
            write(store, "search", [asked(0, 1), told(0)])
            with pytest.raises(StoreError):
                store.told("search", told(1, 0))
            assert store.events("search") == [asked(0, 1), told(0)], "half of a group was written"

    def test_another_reader_sees_what_was_written(self, tmp_path: Path) -> None:
        with self.make(tmp_path, HEADER) as store:
            write(store, "search", [asked(0), told(0)])
            with Journal.read(tmp_path) as reader:
                assert reader.events("search") == [asked(0), told(0)]
            write(store, "search", [asked(1)])

    def test_only_one_may_write(self, tmp_path: Path) -> None:
        with self.make(tmp_path, HEADER), pytest.raises(StoreError, match="another"):
            self.make(tmp_path, HEADER)
        self.make(tmp_path, HEADER).close()

    def test_costs_are_kept_as_they_were_put_first(self, tmp_path: Path) -> None:
        with self.make(tmp_path, HEADER) as store:
            assert store.get("cpu", "abc", "latency_ms") is None
            store.put("cpu", "abc", "latency_ms", 1 / 3, 0.01)
            store.put("cpu", "abc", "latency_ms", 0.5, 0.01)
            store.put("gpu", "abc", "latency_ms", 0.25, 0.01)
        with self.make(tmp_path, HEADER) as again:
            assert again.get("cpu", "abc", "latency_ms") == 1 / 3
            assert again.get("gpu", "abc", "latency_ms") == 0.25
            assert again.get("cpu", "abc", "latency_onnx_ms") is None

    def test_sessions_are_kept_in_order(self, tmp_path: Path) -> None:
        sessions = tuple(Session(f"2026-01-0{day}", "cpu", {"torch": f"2.{day}"}) for day in (1, 2))
        with self.make(tmp_path, HEADER) as store:
            for session in sessions:
                store.begin(session)
            assert store.sessions() == sessions


def write(store: Journal, stage: str, events: Sequence[Event]) -> None:
    """Writes events to a stage of a store."""
    for event in events:
        if isinstance(event, Asked):
            store.asked(stage, event)
        elif isinstance(event, Told):
            store.told(stage, event)
        else:
            store.ended(stage, event)
