"""DARTS collapses into skip connections: reproduced at CPU size, with what warns and what cures.

    NASTURTIUM_DATA=folder nice -n 10 python bench/darts_collapse.py [--seeds 0 1 2] [--steps 1500]

A supernet of NAS-Bench-201 (8 channels, one cell a stage) on CIFAR-10 at 16x16, half of the images for
weights and half for the mixture. The learning rate of alpha is many times the published one: the search has
a thirteenth of its steps, and smaller images. Judged is the cell that a method ends with, by its mean test
accuracy after 200 epochs in the benchmark's table (all skips, as DARTS was published to end: 54.30).

`darts-es` and `perturbation` go on from the search of `darts`: the first is where RobustDARTS would have
stopped it, the second selects from its supernet. At 20 points of a search: share of the mixture that is skip
connections, skips of the argmax cell, its table accuracy, entropy over the largest possible, and for `darts`
the dominant eigenvalue of the Hessian. A run that was killed goes on from its checkpoint; runs that are in
the output are not done again. Prints one JSON line.
"""

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from torch.nn import functional

from machine import machine
from nasturtium.architecture import Architecture, Mixture
from nasturtium.evaluate.gradient import first_order
from nasturtium.evaluate.hessian import Curvature
from nasturtium.evaluate.recipe import Recipe
from nasturtium.evaluate.table import Table
from nasturtium.evaluate.tables.nasbench201 import nasbench201 as table_of
from nasturtium.evaluate.training import Training
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Trial
from nasturtium.run.search import search
from nasturtium.run.steps import Steps
from nasturtium.space.space import Space
from nasturtium.space.zoo.nasbench201 import from_string, nasbench201, to_string
from nasturtium.strategy.darts import DARTS
from nasturtium.strategy.darts_minus import DARTSMinus
from nasturtium.strategy.drnas import DrNAS
from nasturtium.strategy.perturbation import Perturbation
from nasturtium.strategy.relaxed import Relaxed
from nasturtium.strategy.robust_darts import RobustDARTS, stopping_place
from nasturtium.tasks.images import ImageClassification, Split, image_classification

POINTS = 20  # of a search at which it is looked at; the published 50 epochs have 50
TUNE, BATCHES = 30, 8  # of the perturbation
RATE = 2e-2  # published 3e-4, for 50 epochs of 390 steps
SKIP = "skip_connect"


def halved(task: ImageClassification) -> ImageClassification:
    """Returns the task with images of half the height and width."""

    def smaller(split: Split) -> Split:
        images = functional.avg_pool2d(split.images.float(), 2).round().to(split.images.dtype)
        return Split(images, split.labels)

    return replace(task, train=smaller(task.train), valid=smaller(task.valid), test=smaller(task.test))


def made(method: str, space: Space, seed: int, steps: int) -> Relaxed:
    """Returns a fresh strategy."""
    match method:
        case "darts":
            return DARTS(space, seed=seed, learning_rate=RATE)
        case "darts-":
            return DARTSMinus(space, seed=seed, learning_rate=RATE, steps=steps)
    return DrNAS(space, seed=seed, learning_rate=RATE)


class Bench:
    """One size of the experiment.

    Attributes:
        task: Images.
        steps: Of a search.
        folder: Of checkpoints.
    """

    def __init__(self, task: ImageClassification, steps: int, folder: Path) -> None:
        self.task, self.steps, self.folder = task, steps, folder
        self.space = nasbench201().bind(task.input_shape, task.outputs)
        self.table: Table = table_of("cifar10")
        self.recipe = Recipe(
            epochs=1,
            batch_size=64,
            lr=0.025,
            weight_decay=3e-4,
            warmup=0.0,
            label_smoothing=0.0,
            clip_norm=5.0,
            precision="float32",
            device="cpu",
            threads=1,
        )

    def accuracy(self, architecture: Architecture) -> float:
        """Mean test accuracy in the table, in percent."""
        there = from_string(self.table.space, to_string(architecture))
        return 100 * (1 - self.table.truth(there)["test_error"])

    def search(self, method: str, seed: int) -> tuple[dict[str, Any], Supernet, list[Trial]]:
        """Searches, and returns the record of it, the supernet and the trials."""
        supernet = Supernet(self.space, seed=seed, norms="batch", affine=False)
        epoch = -(-len(self.task.train) // 64)
        recipe = replace(self.recipe, epochs=-(-self.steps // epoch))
        gradient = Curvature(every=self.steps // POINTS) if method == "darts" else first_order
        training = Training(supernet, self.task, recipe, seed=seed, gradient=gradient)
        path = self.folder / f"{method}-{seed}-{self.steps}-{RATE}.safetensors"
        steps = Steps(training, path=path, every=200, steps=self.steps)
        strategy, began = made(method, self.space, seed, self.steps), time.process_time()
        search(strategy, training, steps)
        cell = strategy.best(1)[0]
        record = self.ended(cell) | {"cpu_seconds": round(time.process_time() - began)}
        return record | {"course": self.course(method, seed, steps.trials)}, supernet, list(steps.trials)

    def ended(self, cell: Architecture) -> dict[str, Any]:
        """Returns what there is to say of a cell."""
        name = to_string(cell)
        return {"cell": name, "skips": name.count(SKIP), "accuracy": round(self.accuracy(cell), 2)}

    def course(self, method: str, seed: int, trials: Sequence[Trial]) -> dict[str, list[float]]:
        """Returns how a search went, by telling a fresh strategy the same again."""
        strategy = made(method, self.space, seed, self.steps)
        course: dict[str, list[float]] = {
            name: [] for name in ("step", "skip_share", "skips", "accuracy", "entropy", "eigenvalue", "error")
        }
        errors: list[float] = []
        for step, trial in enumerate(trials, 1):
            strategy.ask(1)
            strategy.tell([trial])
            errors.append(trial.metrics["error"])
            if step % (self.steps // POINTS) == 0:
                cell, mixture = strategy.best(1)[0], strategy.mixture()
                values = {
                    "step": step,
                    "skip_share": share(self.space, mixture),
                    "entropy": entropy(mixture),
                    "eigenvalue": trial.metrics.get("eigenvalue", 0.0),
                    "error": float(np.mean(errors)),
                } | {name: value for name, value in self.ended(cell).items() if name != "cell"}
                for name, value in values.items():
                    course[name].append(round(value, 4))
                errors = []
        return course

    def stopped(self, seed: int, trials: Sequence[Trial]) -> dict[str, Any]:
        """Returns where RobustDARTS would have stopped the search of DARTS."""
        inner = partial(DARTS, learning_rate=RATE)
        # The paper goes back to the tenth of 50 epochs at the earliest.
        strategy = RobustDARTS(self.space, seed=seed, inner=inner, start=POINTS // 5)
        for trial in trials:
            if not strategy.ask(1):
                break
            strategy.tell([trial])
        return self.ended(strategy.best(1)[0]) | {"stopped": strategy.stopped}

    def selected(self, seed: int, supernet: Supernet, trials: Sequence[Trial]) -> dict[str, Any]:
        """Returns what perturbation selects from the supernet of DARTS."""
        darts = made("darts", self.space, seed, self.steps)
        for trial in trials:
            darts.ask(1)
            darts.tell([trial])
        began = time.process_time()
        start = darts.mixture()
        strategy = Perturbation(self.space, seed=seed, start=start, batches=BATCHES, tune=TUNE)
        epoch = -(-len(self.task.train) // 64)
        epochs = max(1, round(strategy.questions * TUNE / epoch))
        recipe = replace(self.recipe, lr=self.recipe.peak_lr / 10, epochs=epochs)
        training = Training(supernet, self.task, recipe, seed=seed)
        search(strategy, training, Steps(training, steps=strategy.questions * TUNE + 1))
        seconds = round(time.process_time() - began)
        return self.ended(strategy.best(1)[0]) | {"settled": strategy.settled, "cpu_seconds": seconds}


def share(space: Space, mixture: Mixture) -> float:
    """Mean weight of the skip connection."""
    rows = zip(space.decisions, mixture.weights, strict=True)
    return float(np.mean([row[decision.labels.index(SKIP)] / sum(row) for decision, row in rows]))


def entropy(mixture: Mixture) -> float:
    """Mean entropy of the decisions, as a share of the largest possible."""
    rows = [np.array(row) / sum(row) for row in mixture.weights]
    return float(np.mean([-(row * np.log(np.maximum(row, 1e-300))).sum() / np.log(len(row)) for row in rows]))


def summary(runs: dict[str, Any]) -> dict[str, Any]:
    """Returns per method the accuracies and skips of its cells, by seed, and when curvature warned."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, run in sorted(runs.items()):
        found.setdefault(name.rpartition("/")[0], []).append(run)
    told: dict[str, Any] = {
        method: {
            "accuracy": [run["accuracy"] for run in ran],
            "mean": round(statistics.mean(run["accuracy"] for run in ran), 2),
            "skips": [run["skips"] for run in ran],
        }
        for method, ran in found.items()
    }
    for run in found.get("darts", []):
        told["darts"].setdefault("warned_and_half_skips", []).append(warned(run["course"]))
    return told


def warned(course: dict[str, list[float]]) -> tuple[float | None, float | None]:
    """Returns the steps at which RobustDARTS' rule fired, and from which on over half of a cell was skips."""
    values, skips = course["eigenvalue"], course["skips"]
    seen = [
        n for n in range(1, len(values) + 1) if stopping_place(values[:n], 5, 4, 1.3, POINTS // 5) is not None
    ]
    half = next((i for i in range(len(skips)) if min(skips[i:]) > 3), None)
    return (course["step"][seen[0] - 1] if seen else None, course["step"][half] if half is not None else None)


def done(path: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Returns the runs of these settings that were written before."""
    before = json.loads(path.read_text()) if path.exists() else {}
    runs: dict[str, Any] = before["runs"] if before.get("settings") == settings else {}
    return runs


def write(path: Path, settings: dict[str, Any], runs: dict[str, Any]) -> None:
    """Writes what is known."""
    written = {"machine": machine(), "settings": settings, "summary": summary(runs), "runs": runs}
    path.write_text(json.dumps(written, indent=1) + "\n")


def main() -> None:
    """Runs what is not done yet, and writes after each run."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--methods", nargs="+", default=["darts", "darts-", "drnas"])
    parser.add_argument("--folder", type=Path, default=Path("runs/darts_collapse"))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results/darts_collapse.json")
    given = parser.parse_args()
    settings = {"steps": given.steps, "images": given.images, "alpha_lr": RATE, "side": 16, "batch": 64}
    task = halved(image_classification("cifar10", valid_fraction=0.5, max_train=given.images, shift=2))
    given.folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(task, given.steps, given.folder)
    runs = done(given.out, settings)
    for seed in given.seeds:
        for method in given.methods:
            if f"{method}/{seed}" in runs and (method != "darts" or f"perturbation/{seed}" in runs):
                continue
            record, supernet, trials = bench.search(method, seed)
            found = {f"{method}/{seed}": record}
            if method == "darts":
                found[f"darts-es/{seed}"] = bench.stopped(seed, trials)
                found[f"perturbation/{seed}"] = bench.selected(seed, supernet, trials)
            runs = done(given.out, settings) | found  # another process may have written meanwhile
            write(given.out, settings, runs)
    write(given.out, settings, done(given.out, settings))
    print(json.dumps({"bench": "darts_collapse", "settings": settings, "summary": summary(runs)}))


if __name__ == "__main__":
    main()
