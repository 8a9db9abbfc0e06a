"""Builds a device profile: draws networks, has them measured within a budget, fits the models."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Architecture
from nasturtium.cost.costs import Measured
from nasturtium.cost.device import Device
from nasturtium.cost.measure import Latency
from nasturtium.cost.profile import (
    RUNTIMES,
    Course,
    Profile,
    Relative,
    Sample,
    by_table,
    course_of,
    examples,
    fit_course,
)
from nasturtium.cost.transfer import Mixture, telling, transferred
from nasturtium.cost.work import Work
from nasturtium.errors import ConfigError, unknown
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space

Array = NDArray[np.float64]
Watch = Callable[[str, int, float], None]  # runtime, networks measured so far, share of the budget spent

BATCH = 8  # networks measured beside each other
HELD_OUT = 4  # every so many-th network is not learnt from
FEWEST = 4  # networks without which nothing is fitted
CHOSEN = 10  # networks that a transfer measures because they tell known devices best apart
POOL = 2000  # networks that a transfer chooses from
FIT_SHARE = 0.1  # of the budget, for the models
MOST = 400  # networks per runtime: the models gain little from more


class Measurer(Protocol):
    """Measures architectures of one space on one device: `Measured` here, `Remote` elsewhere."""

    @property
    def device(self) -> Device:
        """The device."""
        ...

    @property
    def batch(self) -> int:
        """Inputs that a run takes at once."""
        ...

    def measure(self, architectures: Sequence[Architecture], name: str) -> list[Latency]:
        """Measures architectures beside each other in random order."""
        ...


def build_profile(
    space: Space,
    runtimes: Sequence[str] = ("pytorch",),
    *,
    seconds: float = 300.0,
    most: int = MOST,
    measurer: Measurer | None = None,
    known: Sequence[tuple[str, Profile]] = (),
    seed: int = 0,
    watch: Watch = lambda runtime, count, share: None,
) -> Profile:
    """Returns the profile of a device.

    Args:
        space: To sample, bound to the shapes of a task.
        runtimes: Of ``pytorch`` and ``onnxruntime``; they share the budget alike.
        seconds: Budget.
        most: Networks per runtime, at most.
        measurer: Of the device; None is this machine, on one thread.
        known: Names and profiles of other devices, of the same space: then a dozen measurements are enough.
        seed: Of the networks.
        watch: Is told how far it is.

    Raises:
        ConfigError: A known profile is of another space or lacks a runtime, a runtime that does not exist or
            is not installed, or too little time for three networks.
    """
    for runtime in runtimes:
        if runtime not in RUNTIMES:
            raise unknown("runtime", runtime, RUNTIMES)
    for _, profile in known:
        profile.check(space)
    measurer = measurer or Measured(space)
    share = seconds * (1 - FIT_SHARE) / max(len(runtimes), 1)
    profiler = _Profiler(space, measurer, _Limits(share, most, seed), watch)
    courses = [
        profiler.course(runtime, {name: course_of(one, runtime) for name, one in known})
        for runtime in dict.fromkeys(runtimes)
    ]
    return Profile(
        measurer.device,
        space.name,
        space.fingerprint,
        tuple(space.input_shape or ()),
        space.outputs or 0,
        datetime.now(UTC).isoformat(timespec="seconds"),
        tuple(courses),
        measurer.batch,
    )


@dataclass(frozen=True, slots=True)
class _Limits:
    """When to stop, and where the random numbers come from."""

    seconds: float
    most: int
    seed: int

    def __post_init__(self) -> None:
        if self.most < FEWEST:
            raise ConfigError(f"the budget is {self.most} networks; a profile needs {FEWEST} or more")


@dataclass(frozen=True, slots=True)
class _Profiler:
    space: Space
    measurer: Measurer
    limits: _Limits
    watch: Watch

    def course(self, runtime: str, known: Mapping[str, Course]) -> Course:
        """Returns all that is found out of one runtime."""
        pool, says = self._pool(known)
        # Half of the measurements at most: the others show how good the transfer is.
        count = min(CHOSEN, self.limits.most // 2)
        chosen = [pool[i] for i in telling(says, count)] if known else []
        samples = []
        for i, (architecture, latency) in enumerate(self._measured(runtime, chosen)):
            # Those that a transfer has chosen are no random networks, so none of them is judged by.
            held_out = i >= len(chosen) and i % HELD_OUT == HELD_OUT - 1
            figures = latency.median_ms, latency.spread_ms, latency.drift
            samples.append(Sample(architecture.choices, *figures, held_out))
        mixture = self._mixture(known, says, samples) if known else None
        return fit_course(self.space, RUNTIMES[runtime], samples, mixture)

    def _measured(
        self, runtime: str, chosen: Sequence[Architecture]
    ) -> Iterator[tuple[Architecture, Latency]]:
        """Yields networks with latencies until time or networks are used up, `FEWEST` at least."""
        start, count, most = time.monotonic(), 0, self.limits.most
        drawn = _drawn(self.space, chosen, self.limits.seed)
        while count < most:
            spent = (time.monotonic() - start) / self.limits.seconds
            batch = list(islice(drawn, min(BATCH, most - count)))
            if not batch or (spent >= 1 and count >= FEWEST):
                return
            yield from zip(batch, self.measurer.measure(batch, RUNTIMES[runtime]), strict=True)
            count += len(batch)
            self.watch(runtime, count, min(max(spent, count / most), 1.0))

    def _pool(self, known: Mapping[str, Course]) -> tuple[list[Architecture], Array]:
        """Returns random networks, and what the tables of known devices say of them."""
        if not known:
            return [], np.zeros((0, 0))
        pool = [self.space.sample(rng_for(self.limits.seed, "pool", i)) for i in range(POOL)]
        return pool, self._says(known, pool)

    def _says(self, known: Mapping[str, Course], asked: Sequence[Architecture]) -> Array:
        work = Work(self.space)
        return np.array([by_table(course.table, work)(asked) for course in known.values()])

    def _mixture(
        self, known: Mapping[str, Course], pooled: Array, samples: Sequence[Sample]
    ) -> tuple[Mixture, list[Relative]]:
        asked, values = examples(self.space, [one for one in samples if not one.held_out])
        rows = pooled.shape[1] + np.arange(len(asked))
        found = transferred(np.hstack([pooled, self._says(known, asked)]), rows, values)
        return found, [Relative(name, course.table) for name, course in known.items()]


def _drawn(space: Space, first: Sequence[Architecture], seed: int) -> Iterator[Architecture]:
    """Yields some architectures and then random ones, no network twice; a small space comes to an end."""
    met: set[str] = set()
    for one in first:
        met.add(space.canonical(one))
        yield one
    misses = counter = 0
    while misses < 1000:
        one = space.sample(rng_for(seed, "profile", counter))
        counter += 1
        text = space.canonical(one)
        misses = misses + 1 if text in met else 0
        if text not in met:
            met.add(text)
            yield one
