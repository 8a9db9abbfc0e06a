"""How long networks take, measured so that a difference means something on a machine that is never still.

A network is timed in blocks. Blocks of different networks come in random order, a few at a time, with blocks
of a reference network between them; where the reference moved meanwhile, all of these are thrown away and
repeated. Each block is divided by the machine's drift at that time, of which the networks beside it tell as
well as the reference: networks and times are two ways of a table of logarithms, to which medians are fitted
(Tukey 1977, Exploratory Data Analysis, chapter 11). The median of a network's blocks is its latency; their
scatter is its repeat-to-repeat spread.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from time import perf_counter, thread_time

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median  # type: ignore[import-untyped]

from nasturtium.seeds import rng_for

Array = NDArray[np.float64]
Run = Callable[[], object]  # runs a network once, on an input that it holds
Clock = Callable[[], float]  # seconds, from any origin

# When other load made the reference 2.1 times slower, other networks then came out up to 5 % too slow or too
# fast.
UNEQUAL = 0.07
POLISHES = 10  # more move nothing
REFERENCE = -1  # its number beside those of networks


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
    """A network whose time tells how fast the machine is now: best one of the kind that is measured.

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
    kept: list[_Group] = []
    groups = list(_groups(len(runs), plan, seed))
    spare = (plan.attempts - 1) * len(groups)
    with _no_garbage_collection():
        counts = [_warm_up(run, plan, clock) for run in runs]
        count = _warm_up(reference.run, plan, clock)
        now = _block(reference.run, count, clock)
        while groups:
            group = groups.pop(0)
            times = [_block(runs[i], counts[i], clock) for i in group]
            before, now = now, _block(reference.run, count, clock)
            moved = abs(now / before - 1) > plan.tolerance
            if moved and spare:
                spare -= 1
                groups.append(group)
                continue
            kept.append(_Group((*group, REFERENCE, REFERENCE), np.log([*times, before, now]), moved))
    return _latencies(kept, counts, np.log(reference.nominal_ms))


@dataclass(frozen=True, slots=True)
class _Group:
    """Blocks that came one after the other.

    Attributes:
        numbers: Of the networks, the reference last, before and after the others.
        logs: Logarithm of each block's milliseconds.
        moved: Whether the reference moved meanwhile.
    """

    numbers: tuple[int, ...]
    logs: Array
    moved: bool


def _latencies(groups: Sequence[_Group], counts: Sequence[int], nominal: float) -> list[Latency]:
    """Puts together the blocks of each network; on this scale the reference takes its nominal time."""
    times = _times(groups, len(counts))
    shift = nominal - times[REFERENCE]
    blocks: list[list[float]] = [[] for _ in counts]
    drifts: list[list[float]] = [[] for _ in counts]
    moves = [0] * len(counts)
    for group in groups:
        slower = group.logs - times[list(group.numbers)]
        for place, number in enumerate(group.numbers[:-2]):
            drift = (
                float(np.median(np.delete(slower, place))) - shift
            )  # by the others: it must not judge itself
            blocks[number].append(float(np.exp(group.logs[place] - drift)))
            drifts[number].append(float(np.exp(drift)))
            moves[number] += group.moved
    rows = zip(blocks, drifts, moves, counts, strict=True)
    return [Latency(tuple(b), c * len(b), m, float(np.median(d))) for b, d, m, c in rows]


def _times(groups: Sequence[_Group], networks: int) -> Array:
    """Returns the logarithm of each network's time, and last of the reference's, by a median polish."""
    numbers = np.concatenate([group.numbers for group in groups])
    numbers[numbers == REFERENCE] = networks
    logs = np.concatenate([group.logs for group in groups])
    group_of = np.repeat(np.arange(len(groups)), [len(group.logs) for group in groups])
    drift = np.zeros(len(groups))
    for _ in range(POLISHES):
        times = np.array(median(logs - drift[group_of], numbers, range(networks + 1)))
        drift = np.array(median(logs - times[numbers], group_of, range(len(groups))))
    return times


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
