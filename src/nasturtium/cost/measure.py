"""How long networks take, measured so that a difference means something on a machine that is never still.

A network is timed in blocks. Blocks of different networks come in random order, with blocks of a small
reference network between them; each is divided by the reference's drift, and is thrown away and repeated
where the reference moved while it ran. The median of a network's blocks is its latency; their scatter is its
repeat-to-repeat spread.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from time import perf_counter, thread_time

import numpy as np

from nasturtium.seeds import rng_for

Run = Callable[[], object]  # runs a network once, on an input that it holds
Clock = Callable[[], float]  # seconds, from any origin

# When other load made the reference 2.1 times slower, other networks then came out up to 5 % too slow or too
# fast.
UNEQUAL = 0.07


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure. The defaults take 70 to 150 ms for a network of 0.5 ms.

    Attributes:
        repeats: Blocks per network, each in its own place in the random order.
        block_runs: Runs per block, at least; `repeats` times this is at least 30.
        block_ms: Time per block, at least.
        warm_up_runs: Runs before the first block, at least; more until times are stable.
        reference_every: Networks between two blocks of the reference.
        tolerance: Largest relative move of the reference over networks that are kept.
        attempts: Times that the whole measurement may be repeated for moves of the reference.
    """

    repeats: int = 10
    block_runs: int = 3
    block_ms: float = 2.5
    warm_up_runs: int = 8
    reference_every: int = 4
    tolerance: float = 0.03
    attempts: int = 2


@dataclass(frozen=True, slots=True)
class Latency:
    """How long one network takes.

    Attributes:
        blocks_ms: Median time of a run in each block, divided by the machine's drift at that time, in
            milliseconds.
        runs: Runs that were kept.
        unsteady: Blocks kept although the reference moved, because every attempt was used up.
        drift: How many times slower than at calibration the machine was, median over blocks.
    """

    blocks_ms: tuple[float, ...]
    runs: int
    unsteady: int = 0
    drift: float = 1.0

    @property
    def median_ms(self) -> float:
        """The latency."""
        return float(np.median(self.blocks_ms))

    @property
    def iqr_ms(self) -> float:
        """Interquartile range over blocks."""
        low, high = np.percentile(self.blocks_ms, [25, 75])
        return float(high - low)

    @property
    def spread_ms(self) -> float:
        """Standard deviation of the latency from one whole measurement to the next, in milliseconds.

        Two parts. The scatter of blocks, each of which had its own place in the random order: a median of n
        scatters sqrt(pi / 2n) times as much as one value, if values are normal and independent (Laplace).
        Under a load that comes and goes neighbours are alike; then the halves of the measurement differ by
        more, and that counts. And what division by the drift leaves: not all networks are slowed equally when
        other load comes.
        """
        n = len(self.blocks_ms)
        if n < 2:
            return float("inf")
        scatter = np.std(self.blocks_ms, ddof=1) * np.sqrt(np.pi / 2 / n)
        halves = abs(np.median(self.blocks_ms[: n // 2]) - np.median(self.blocks_ms[n // 2 :])) / 2
        return float(np.hypot(max(scatter, halves), UNEQUAL * abs(np.log(self.drift)) * self.median_ms))


@dataclass(frozen=True, slots=True)
class Reference:
    """A small network whose time tells how fast the machine is now.

    Attributes:
        run: Runs it once.
        nominal_ms: Its time when it was calibrated, on which all latencies are put.
    """

    run: Run
    nominal_ms: float


def clock_for(threads: int) -> Clock:
    """Returns the clock for networks that run on so many threads.

    On one thread it is the thread's own processor time: on a quiet machine the same as wall time, and on a
    busy one blind to the times when others had the core (which made wall times scatter by 40 % where these
    did by 4 %).
    """
    return thread_time if threads == 1 else perf_counter


def differ(a: Latency, b: Latency) -> bool:
    """Whether two networks differ in latency by more than one network does from measurement to measurement.

    Three standard deviations, not two: these come from few blocks, and neighbouring blocks see the same load.
    A difference below 1 % is never one: where weights happen to lie in memory makes that much.
    """
    difference = abs(a.median_ms - b.median_ms)
    at_least = 0.01 * min(a.median_ms, b.median_ms)
    return difference > max(at_least, 3 * float(np.hypot(a.spread_ms, b.spread_ms)))


def calibrate(run: Run, plan: Plan | None = None, *, clock: Clock = perf_counter) -> Reference:
    """Returns the reference with its time on the machine undisturbed.

    The fastest of many blocks: other load only ever makes blocks slower, and this value scales all later
    ones. (The median of 20 blocks was seen to be 1.7 times as high when the machine was busy.)
    """
    plan = plan or Plan()
    with _no_garbage_collection():
        runs = _warm_up(run, plan, clock)
        return Reference(run, min(_block(run, runs, clock) for _ in range(10 * plan.repeats)))


def measure(
    runs: Sequence[Run],
    reference: Reference,
    plan: Plan | None = None,
    *,
    seed: int = 0,
    clock: Clock = perf_counter,
) -> list[Latency]:
    """Measures networks beside each other.

    Args:
        runs: One callable per network, which runs it once.
        reference: From `calibrate`, on this machine.
        plan: How much to measure.
        seed: Of the random order.
        clock: Gives seconds.

    Returns:
        One latency per network, in the order of `runs`.
    """
    plan = plan or Plan()
    kept: list[list[tuple[float, float, bool]]] = [[] for _ in runs]
    groups = list(_groups(len(runs), plan, seed))
    spare = (plan.attempts - 1) * len(groups)
    with _no_garbage_collection():
        counts = [_warm_up(run, plan, clock) for run in runs]
        watch = _Watch(reference, _warm_up(reference.run, plan, clock), plan.tolerance, clock)
        while groups:
            group = groups.pop(0)
            times = [_block(runs[i], counts[i], clock) for i in group]
            drift, moved = watch.look()
            if moved and spare:
                spare -= 1
                groups.append(group)
                continue
            for i, time_ms in zip(group, times, strict=True):
                kept[i].append((time_ms, drift, moved))
    return [_latency(blocks, count) for blocks, count in zip(kept, counts, strict=True)]


def _latency(blocks: Sequence[tuple[float, float, bool]], count: int) -> Latency:
    """Puts together the blocks of one network: time in ms, drift, whether the reference moved."""
    times, drifts, moved = zip(*blocks, strict=True)
    adjusted = tuple(time_ms / drift for time_ms, drift in zip(times, drifts, strict=True))
    return Latency(adjusted, count * len(blocks), sum(moved), float(np.median(drifts)))


class _Watch:
    """Looks at the reference before and after each group of networks."""

    def __init__(self, reference: Reference, runs: int, tolerance: float, clock: Clock) -> None:
        self.reference = reference
        self.runs = runs
        self.tolerance = tolerance
        self.clock = clock
        self.last_ms = _block(reference.run, runs, clock)

    def look(self) -> tuple[float, bool]:
        """Returns the drift since calibration, as a factor, and whether it moved since the last look."""
        before, now = self.last_ms, _block(self.reference.run, self.runs, self.clock)
        self.last_ms = now
        return (before + now) / 2 / self.reference.nominal_ms, abs(now / before - 1) > self.tolerance


def _groups(count: int, plan: Plan, seed: int) -> Iterator[list[int]]:
    """Yields which networks to time between two looks at the reference, in a new random order each repeat."""
    for repeat in range(plan.repeats):
        order = rng_for(seed, "measure", repeat).permutation(count).tolist()
        edges = [*range(0, count, plan.reference_every), count]
        yield from (order[start:stop] for start, stop in pairwise(edges))


def _warm_up(run: Run, plan: Plan, clock: Clock) -> int:
    """Runs a network until its times are stable, and returns how many runs make a block."""
    last = _block(run, plan.warm_up_runs, clock)
    for _ in range(10):
        now = _block(run, plan.block_runs, clock)
        if abs(now / last - 1) <= plan.tolerance:
            break
        last = now
    return max(plan.block_runs, round(plan.block_ms / max(now, 1e-3)))


def _block(run: Run, runs: int, clock: Clock) -> float:
    """Returns the median time of a run, in milliseconds."""
    times = []
    for _ in range(runs):
        start = clock()
        run()
        times.append(clock() - start)
    return 1e3 * float(np.median(times))


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Keeps collections, which a search has and a shipped network has not, out of the times."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
