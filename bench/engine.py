"""Speed of the search engine itself, with evaluations that cost nothing, and of Optuna in the same run.

    python bench/engine.py [--trials 50000] [--journal 3000]

Regularised evolution on the small MobileNet space (31 decisions, most of them conditional): ask and tell in
memory, one by one, and through the real loop with the durable journal on disk. Optuna optimises categorical
parameters, as many with as many options, through its own ask and tell, in shorter runs, as it slows down when
they grow. Everything runs on one core. What works in memory is timed by processor time of this process, as
others may be at work on the machine; what waits for the disk, by the clock. Given are the median, lowest and
highest of several runs (of the thousands, for the long one). Prints one JSON line.
"""

import argparse
import functools
import gc
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import optuna

from machine import machine
from nasturtium.architecture import Architecture
from nasturtium.cost.counts import Counted
from nasturtium.protocols import Candidate, Trial
from nasturtium.run.budget import parse_budget
from nasturtium.run.record import Record
from nasturtium.run.search import search
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space
from nasturtium.space.zoo.mobilenet import mobilenet
from nasturtium.store.journal import Journal
from nasturtium.store.records import Header
from nasturtium.strategy.evolution import RegularizedEvolution

REPEATS = 3


class Free:
    """An evaluator that costs nothing."""

    slots = 1
    pending = 0

    def evaluate(self, batch: Sequence[Candidate]) -> Iterable[Sequence[Trial]]:
        """Yields an error for each."""
        for candidate in batch:
            yield [Trial(candidate, {"error": error_of(candidate.point)})]


def error_of(architecture: Architecture) -> float:
    """Returns something that evolution can make small."""
    return sum(architecture.choices) / (10 * len(architecture.choices))


def in_memory(space: Space, thousands: int) -> np.ndarray:
    """Returns processor and wall seconds of each thousand asks and tells, [2, thousands]."""
    strategy = RegularizedEvolution(space, seed=0)
    times = [(time.process_time(), time.perf_counter())]
    gc.collect()
    for _ in range(thousands):
        for _ in range(1000):
            (candidate,) = strategy.ask(1)
            strategy.tell([Trial(candidate, {"error": error_of(candidate.point)})])
        times.append((time.process_time(), time.perf_counter()))
    return np.diff(np.array(times).T)


def journalled(space: Space, trials: int) -> tuple[float, float]:
    """Returns trials a second through the loop and the journal, by processor time and by the clock."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Journal.resume(Path(folder), Header(space.fingerprint)) as journal,
    ):
        record = Record(journal, "search", parse_budget(f"{trials} trials"))
        processor, wall = time.process_time(), time.perf_counter()
        search(RegularizedEvolution(space, seed=0), Free(), record)
        return trials / (time.process_time() - processor), trials / (time.perf_counter() - wall)


def counting(space: Space, architectures: int) -> float:
    """Returns microseconds to count params and MACs of one architecture not counted before."""
    counted = Counted(space.bind((3, 32, 32), 10))
    sampled = [space.sample(rng_for(0, "bench/engine", i)) for i in range(architectures)]
    start = time.process_time()
    for architecture in sampled:
        counted(architecture, ("params", "macs"))
    return (time.process_time() - start) / architectures * 1e6


def optuna_rate(space: Space, sampler: optuna.samplers.BaseSampler, trials: int, *, sqlite: bool) -> float:
    """Returns trials a second of Optuna's ask, suggest and tell: by the clock with SQLite."""
    now = time.perf_counter if sqlite else time.process_time
    options = {decision.path: list(range(len(decision.labels))) for decision in space.decisions}
    with tempfile.TemporaryDirectory() as folder:
        storage = f"sqlite:///{folder}/study.sqlite" if sqlite else None
        study = optuna.create_study(storage=storage, sampler=sampler)
        start = now()
        for _ in range(trials):
            trial = study.ask()
            total = sum(trial.suggest_categorical(path, choices) for path, choices in options.items())
            study.tell(trial, total / (10 * len(options)))
        return trials / (now() - start)


def spread(found: Sequence[float]) -> dict[str, float]:
    """Returns the median of some measurements, and the lowest and highest of them."""
    numbers = {"median": statistics.median(found), "lowest": min(found), "highest": max(found)}
    return {name: float(f"{number:.4g}") for name, number in numbers.items()}


def repeated(measure: Callable[[], float]) -> dict[str, float]:
    """Returns the spread of some runs."""
    return spread([measure() for _ in range(REPEATS)])


def pin() -> None:
    """Keeps the process on one core, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=50_000, help="of the long run in memory")
    parser.add_argument("--journal", type=int, default=3_000, help="of each run with the journal")
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    result: dict[str, object] = {"bench": "engine", **machine(), "seeds": [0]}
    pin()
    space = mobilenet("small")
    result["space"] = f"{space.name}, {len(space.decisions)} decisions"
    processor, wall = in_memory(space, arguments.trials // 1000)
    result["evolution_in_memory_trials_per_s"] = spread((1000 / processor).tolist())
    result["evolution_in_memory_trials_per_s_by_the_clock"] = spread((1000 / wall).tolist())
    result["cost_of_last_over_first_thousand"] = float(f"{processor[-1] / processor[0]:.4g}")
    processor, wall = zip(*(journalled(space, arguments.journal) for _ in range(REPEATS)), strict=True)
    result["evolution_journalled_trials_per_s"] = spread(processor)
    result["evolution_journalled_trials_per_s_by_the_clock"] = spread(wall)
    result["count_params_and_macs_us"] = repeated(lambda: counting(space, 2000))
    random, tpe = optuna.samplers.RandomSampler(seed=0), optuna.samplers.TPESampler(seed=0)
    for name, sampler, trials, sqlite in (
        ("random_in_memory", random, 300, False),
        ("random_sqlite", random, 20, True),
        ("tpe_in_memory", tpe, 150, False),
    ):
        measured = repeated(functools.partial(optuna_rate, space, sampler, trials, sqlite=sqlite))
        result[f"optuna_{name}_trials_per_s"] = {**measured, "trials": trials}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
