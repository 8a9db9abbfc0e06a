"""What a worker process does."""

import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

from nasturtium.protocols import Evaluator
from nasturtium.run.jobs import trials_of
from nasturtium.run.parcel import Parcel

READY = "ready"  # what it says once it has an evaluator


@dataclass(frozen=True, slots=True)
class Raised:
    """What a worker sends when its evaluator raised: the error where it can be pickled, and its text."""

    error: Exception | None
    text: str


def work(connection: Connection, parcel: str) -> None:
    """Makes an evaluator, then takes candidates and gives trials, until nobody listens.

    Args:
        connection: To the parent.
        parcel: File of a pickled `Parcel`.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends the workers
    threading.Thread(target=_follow_parent, args=(parcel,), daemon=True).start()
    try:
        evaluator = _unpacked(parcel)
        connection.send(READY)
        while True:
            connection.send(trials_of(evaluator, connection.recv()))
    except (EOFError, BrokenPipeError):
        return
    except Exception as error:
        connection.send(_raised(error))


def _unpacked(parcel: str) -> Evaluator:
    with Path(parcel).open("rb") as file:
        packed: Parcel = pickle.load(file)
    return packed.evaluator()


def _follow_parent(parcel: str) -> None:
    """Ends this process as soon as its parent has, also in the middle of a training."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    Path(parcel).unlink(missing_ok=True)  # a parent that was killed could not
    os._exit(1)


def _raised(error: Exception) -> Raised:
    text = "".join(traceback.format_exception(error))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # whatever its constructor makes of it
        return Raised(None, text)
    return Raised(error, text)
