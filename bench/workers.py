"""How busy workers are, with evaluations that sleep 50 to 500 ms, drawn at random.

    python bench/workers.py [--workers 8] [--trials 400] [--kinds processes ray]

Through the real loop with the durable journal on disk, by regularised evolution, so that asking and writing
count. Workers are started and warmed up first. Busy is the time that evaluations took, as a share of workers
times the time until the last candidate was given out; with the tail, in which fewer are at work than there
are workers because the budget is spent, it is given as well. Prints one JSON line.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from machine import machine
from nasturtium.protocols import Candidate, Evaluator, Trial
from nasturtium.run.budget import parse_budget
from nasturtium.run.processes import Processes
from nasturtium.run.record import Record
from nasturtium.run.search import search
from nasturtium.space.zoo.mobilenet import mobilenet
from nasturtium.store.journal import Journal
from nasturtium.store.records import Header
from nasturtium.strategy.evolution import RegularizedEvolution
from nasturtium.testing.troubled import Troubled

SECONDS = (0.05, 0.5)


class Clocked:
    """Passes on to an evaluator, and notes when the last candidate was given to it."""

    def __init__(self, inner: Evaluator) -> None:
        self.inner = inner
        self.last = time.perf_counter()

    @property
    def slots(self) -> int:
        """Those of the inner evaluator."""
        return self.inner.slots

    @property
    def pending(self) -> int:
        """Those of the inner evaluator."""
        return self.inner.pending

    def evaluate(self, batch: Sequence[Candidate]) -> Iterator[Sequence[Trial]]:
        """Passes on."""
        if batch:
            self.last = time.perf_counter()
        yield from self.inner.evaluate(batch)


def busy(inner: Evaluator, workers: int, trials: int) -> dict[str, float]:
    """Returns the share of the workers' time that evaluations took, with and without the tail."""
    space = mobilenet("small")
    warm = [Candidate(space.unrank(i), number=i) for i in range(workers)]
    done = [trial for group in inner.evaluate(warm) for trial in group]
    while inner.pending:
        done += [trial for group in inner.evaluate([]) for trial in group]
    clocked = Clocked(inner)
    with (
        tempfile.TemporaryDirectory() as folder,
        Journal.resume(Path(folder), Header(space.fingerprint)) as journal,
    ):
        record = Record(journal, "search", parse_budget(f"{trials} trials"))
        began = time.perf_counter()
        search(RegularizedEvolution(space), clocked, record)
        whole = time.perf_counter() - began
    worked = sum(trial.metrics["train_seconds"] for trial in record.trials)
    # Of the workers at work when the last candidate was given out, each has on average half of its job to do.
    tail = sum(sorted(trial.metrics["train_seconds"] for trial in record.trials[-workers:])) / 2
    full = clocked.last - began
    return {
        "seconds": round(whole, 2),
        "busy": round((worked - tail) / (workers * full), 4),
        "busy_with_tail": round(worked / (workers * whole), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--kinds", nargs="+", default=["processes"], choices=["processes", "ray"])
    asked = parser.parse_args()
    make = partial(Troubled, mobilenet("small"), {}, None, SECONDS)
    found = {}
    for kind in asked.kinds:
        if kind == "processes":
            with Processes(make, asked.workers, threads=1) as evaluator:
                found[kind] = busy(evaluator, asked.workers, asked.trials)
        else:
            import ray

            from nasturtium.run.ray import Ray

            ray.init(num_cpus=asked.workers, include_dashboard=False, log_to_driver=False)
            with Ray(make, asked.workers) as evaluator:
                found[kind] = busy(evaluator, asked.workers, asked.trials)
    print(json.dumps({**machine(), "workers": asked.workers, "trials": asked.trials, "found": found}))


if __name__ == "__main__":
    main()
