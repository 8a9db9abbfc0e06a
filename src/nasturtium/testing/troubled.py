"""An evaluator that is slow, or in trouble, when it is told to be: for tests of workers."""

import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nasturtium.architecture import Architecture
from nasturtium.errors import StoreError
from nasturtium.evaluate.one_by_one import OneByOne
from nasturtium.protocols import Candidate, Trial
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space
from nasturtium.testing.toys import toy_metrics

Trouble = Literal["dies", "dies once", "hangs", "hangs once", "hogs", "raises", "exits"]


@dataclass(frozen=True)
class Troubled(OneByOne):
    """Evaluates by `toy_metrics`, after a while, with trouble for some candidates. It can be pickled.

    Metrics beside those of `toy_metrics`: ``train_seconds`` that it took, ``pid`` of its process, ``threads``
    that the environment allows.

    Attributes:
        space: Of the architectures.
        trouble: What happens, by candidate number: the process kills itself, each time or the first time;
            hangs, each time or the first time; takes half a gigabyte of memory and hangs; raises; or ends.
        folder: Where it remembers what happened once, in a file ``once-NUMBER``.
        seconds: Least and most that an evaluation takes, drawn by the candidate's number.
    """

    space: Space
    trouble: Mapping[int, Trouble]
    folder: Path | None = None
    seconds: tuple[float, float] = (0.0, 0.0)

    def trial(self, candidate: Candidate) -> Trial:
        """Suffers what is to happen, or returns what the toy gives."""
        began = time.monotonic()
        if candidate.number in self.trouble:
            self._suffer(self.trouble[candidate.number], candidate.number)
        if not isinstance(candidate.point, Architecture) or candidate.point not in self.space:
            return Trial(candidate, {}, "failed", f"{candidate.point} is not in {self.space.name}")
        low, high = self.seconds
        time.sleep(low + (high - low) * rng_for(0, "troubled", max(candidate.number, 0)).random())
        metrics = toy_metrics(self.space, candidate.point)
        metrics |= {"train_seconds": time.monotonic() - began, "pid": float(os.getpid())}
        return Trial(candidate, metrics | {"threads": float(os.environ.get("OMP_NUM_THREADS", "0"))})

    def _suffer(self, trouble: Trouble, number: int) -> None:
        if trouble == "raises":
            raise StoreError("the disk is full, says the test")
        if trouble == "exits":
            os._exit(3)
        if trouble in ("dies once", "hangs once"):
            assert self.folder is not None
            mark = self.folder / f"once-{number}"
            if mark.exists():
                return
            mark.touch()
        if trouble in ("dies", "dies once"):
            os.kill(os.getpid(), signal.SIGKILL)
        held = b"x" * (500_000_000 if trouble == "hogs" else 0)  # not zeros, which take no memory
        time.sleep(600)
        del held
