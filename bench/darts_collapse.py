"""DARTS collapses into skip connections: reproduced at CPU size, with what warns and what cures.

    NASTURTIUM_DATA=folder nice -n 10 python bench/darts_collapse.py [--seeds 0 1 2] [--steps 1200]

A supernet of NAS-Bench-201 (4 channels, three cells a stage) on CIFAR-10 at 16x16, half of 4,000 images for
weights and half for the mixture. The learning rate of alpha is many times the published one: the search has a
sixteenth of its steps. Judged is the cell that a method ends with, by its mean test accuracy after 200 epochs
in the benchmark's table (all skips, as DARTS was published to end: 54.30).

Cells, rate and length were chosen by what DARTS did on seed 3 (the rate also after a search of seed 0 at five
times of it): with one cell a stage its skips grow, but hardly anything hangs on the cells beside the blocks
between them; with a high rate noise decides which way it goes.

`darts-es` and `perturbation` go on from the search of `darts`: the first is where RobustDARTS would have
stopped it, the second selects from its supernet. At 20 points of a search: share of the mixture that is skip
connections, skips of the argmax cell, its table accuracy, entropy over the largest possible, and for `darts`
the dominant eigenvalue of the Hessian. `warned` has the step of each of the monitor's warnings; the summary
has them beside the steps from which on most of DARTS' cell was skips, and from which on it was worse than the
median of the table. A run that was killed goes on from its checkpoint; runs that are in the output are not
done again. Prints one JSON line; the courses are drawn, too.
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
from nasturtium.evaluate.alarms import alarms
from nasturtium.evaluate.gradient import first_order
from nasturtium.evaluate.hessian import Curvature
from nasturtium.evaluate.monitor import Monitor
from nasturtium.evaluate.recipe import Recipe
from nasturtium.evaluate.table import Table
from nasturtium.evaluate.tables.nasbench201 import nasbench201 as table_of
from nasturtium.evaluate.training import Training
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Strategy, Trial
from nasturtium.run.search import search
from nasturtium.run.steps import Steps
from nasturtium.space.space import Space
from nasturtium.space.zoo.nasbench201 import to_string
from nasturtium.strategy.darts import DARTS
from nasturtium.strategy.darts_minus import DARTSMinus
from nasturtium.strategy.drnas import DrNAS
from nasturtium.strategy.perturbation import Perturbation
from nasturtium.strategy.relaxed import Relaxed
from nasturtium.strategy.robust_darts import RobustDARTS
from nasturtium.tasks.images import ImageClassification, Split, image_classification
from one_shot import skeleton

POINTS = 20  # of a search at which it is looked at; the published 50 epochs have 50
TUNE, BATCHES = 30, 8  # of the perturbation
RATE = 1e-2  # published 3e-4, for 50 epochs of 390 steps
SKIP = "skip_connect"


def shrunk(task: ImageClassification, side: int) -> ImageClassification:
    """Returns the task with images of that height and width."""

    def smaller(split: Split) -> Split:
        images = functional.avg_pool2d(split.images.float(), 32 // side).round().to(split.images.dtype)
        return Split(images, split.labels)

    return replace(task, train=smaller(task.train), valid=smaller(task.valid), test=smaller(task.test))


def made(method: str, space: Space, seed: int, steps: int, rate: float) -> Relaxed:
    """Returns a fresh strategy."""
    match method:
        case "darts":
            return DARTS(space, seed=seed, learning_rate=rate)
        case "darts-":
            return DARTSMinus(space, seed=seed, learning_rate=rate, steps=steps)
    return DrNAS(space, seed=seed, learning_rate=rate)


class Bench:
    """One size of the experiment.

    Attributes:
        task: Images.
        steps: Of a search.
        rate: Learning rate of alpha.
        size: Channels of the first stage, and cells of each.
        folder: Of checkpoints.
    """

    def __init__(
        self, task: ImageClassification, steps: int, rate: float, size: tuple[int, int], folder: Path
    ) -> None:
        self.task, self.steps, self.rate, self.size, self.folder = task, steps, rate, size, folder
        self.space = skeleton(*size).bind(task.input_shape, task.outputs)
        side = "x".join(str(number) for number in (*size, task.input_shape[-1], steps))
        self.named = f"{side}-{len(task.train)}-{rate:g}"
        self.table: Table = table_of("cifar10")
        self.median = statistics.median(self.accuracy(one) for one in self.table.architectures())
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
        there = Architecture(self.table.space.fingerprint, architecture.choices)
        return 100 * (1 - self.table.truth(there)["test_error"])

    def search(self, method: str, seed: int) -> tuple[dict[str, Any], Supernet, list[Trial]]:
        """Searches, and returns the record of it, the supernet and the trials."""
        supernet = Supernet(self.space, seed=seed, norms="batch", affine=False)
        epoch = -(-len(self.task.train) // 64)
        recipe = replace(self.recipe, epochs=-(-self.steps // epoch))
        gradient = Curvature(every=self.steps // POINTS) if method == "darts" else first_order
        training = Training(supernet, self.task, recipe, seed=seed, gradient=gradient)
        path = self.folder / f"{method}-{seed}-{self.named}.safetensors"
        steps = Steps(training, path=path, every=200, steps=self.steps)
        strategy, began = made(method, self.space, seed, self.steps, self.rate), time.process_time()
        search(strategy, training, steps)
        cell = strategy.best(1)[0]
        record = self.ended(cell) | {"cpu_seconds": round(time.process_time() - began)}
        return record | self.course(method, seed, steps.trials), supernet, list(steps.trials)

    def ended(self, cell: Architecture) -> dict[str, Any]:
        """Returns what there is to say of a cell."""
        name = to_string(cell)
        return {"cell": name, "skips": name.count(SKIP), "accuracy": round(self.accuracy(cell), 2)}

    def course(self, method: str, seed: int, trials: Sequence[Trial]) -> dict[str, Any]:
        """Returns how a search went and what the monitor warned of, by telling a fresh strategy the same."""
        strategy = made(method, self.space, seed, self.steps, self.rate)
        monitor = Monitor(self.space, self.steps, strategy.best)
        course: dict[str, list[float]] = {
            name: [] for name in ("step", "skip_share", "skips", "accuracy", "entropy", "eigenvalue", "error")
        }
        errors: list[float] = []
        for step, trial in enumerate(trials, 1):
            monitor.fold(told_again(strategy, trial))
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
        monitor.end()
        return {"course": course, "warned": {alarm.name: alarm.step for alarm in alarms(monitor.course)}}

    def stopped(self, seed: int, trials: Sequence[Trial]) -> dict[str, Any]:
        """Returns where RobustDARTS would have stopped the search of DARTS."""
        inner = partial(DARTS, learning_rate=self.rate)
        # The paper goes back to the tenth of 50 epochs at the earliest.
        strategy = RobustDARTS(self.space, seed=seed, inner=inner, start=POINTS // 5)
        for trial in trials:
            if not told_again(strategy, trial):
                break
        return self.ended(strategy.best(1)[0]) | {"stopped": strategy.stopped}

    def selected(self, seed: int, supernet: Supernet, trials: Sequence[Trial]) -> dict[str, Any]:
        """Returns what perturbation selects from the supernet of DARTS."""
        darts = made("darts", self.space, seed, self.steps, self.rate)
        for trial in trials:
            told_again(darts, trial)
        began = time.process_time()
        start = darts.mixture()
        strategy = Perturbation(self.space, seed=seed, start=start, tune=TUNE)
        epoch = -(-len(self.task.train) // 64)
        epochs = max(1, round(strategy.questions * TUNE / epoch))
        recipe = replace(self.recipe, lr=self.recipe.peak_lr / 10, epochs=epochs)
        training = Training(supernet, self.task, recipe, seed=seed, rewards="same", judged=BATCHES)
        search(strategy, training, Steps(training, steps=strategy.questions * TUNE + 1))
        seconds = round(time.process_time() - began)
        return self.ended(strategy.best(1)[0]) | {"settled": strategy.settled, "cpu_seconds": seconds}


def told_again(strategy: Strategy, trial: Trial) -> list[Trial]:
    """Tells a strategy a step again; returns it with the point asked for, nothing where none is asked."""
    told = [replace(trial, candidate=candidate) for candidate in strategy.ask(1)]
    if told:
        strategy.tell(told)
    return told


def share(space: Space, mixture: Mixture) -> float:
    """Mean weight of the skip connection."""
    rows = zip(space.decisions, mixture.weights, strict=True)
    return float(np.mean([row[decision.labels.index(SKIP)] / sum(row) for decision, row in rows]))


def entropy(mixture: Mixture) -> float:
    """Mean entropy of the decisions, as a share of the largest possible."""
    rows = [np.array(row) / sum(row) for row in mixture.weights]
    return float(np.mean([-(row * np.log(np.maximum(row, 1e-300))).sum() / np.log(len(row)) for row in rows]))


def summary(runs: dict[str, Any], median: float) -> dict[str, Any]:
    """Returns per method the accuracies and skips of its cells, by seed, and when what was seen of DARTS.

    Args:
        runs: By method and seed.
        median: Accuracy of all cells of the table.
    """
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
        told["darts"].setdefault("seen", []).append(run["warned"] | ended_up(run["course"], median))
    return told


def ended_up(course: dict[str, list[float]], median: float) -> dict[str, float | None]:
    """Returns the step from which on most of a cell was skips, and that from which on it was below median."""
    told: dict[str, float | None] = {}
    for name, bad in (
        ("half_skips", [skips > 3 for skips in course["skips"]]),
        ("below_median", [accuracy < median for accuracy in course["accuracy"]]),
    ):
        told[name] = next((course["step"][i] for i in range(len(bad)) if all(bad[i:])), None)
    return told


def done(path: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Returns the runs of these settings that were written before."""
    before = json.loads(path.read_text()) if path.exists() else {}
    runs: dict[str, Any] = before["runs"] if before.get("settings") == settings else {}
    return runs


def write(path: Path, settings: dict[str, Any], runs: dict[str, Any], median: float) -> None:
    """Writes what is known."""
    told = {"median_accuracy": round(median, 2), "summary": summary(runs, median)}
    written = {"machine": machine(), "settings": settings, **told, "runs": runs}
    path.write_text(json.dumps(written, indent=1) + "\n")


COLOURS = {"darts": "#d1495b", "darts-": "#00798c", "drnas": "#edae49"}


def draw(runs: dict[str, Any], median: float, path: Path) -> None:
    """Draws how much of the mixture is skips, and how good its cell is, along the searches of every seed."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, sides = plt.subplots(1, 2, figsize=(9, 4))
    for name, run in sorted(runs.items()):
        method = name.rpartition("/")[0]
        if "course" in run:
            for axes, what in zip(sides, ("skip_share", "accuracy"), strict=True):
                known = method in axes.get_legend_handles_labels()[1]
                label = None if known else method
                axes.plot(run["course"]["step"], run["course"][what], color=COLOURS[method], label=label)
    sides[0].set(xlabel="step of the search", ylabel="weight of skip connections")
    sides[1].set(
        xlabel="step of the search", ylabel="the cell's test accuracy in the table, %", ylim=(80, 95)
    )
    sides[1].axhline(median, color="grey", linestyle="--", label="median of all cells")
    figure.legend(*sides[1].get_legend_handles_labels(), loc="upper center", ncols=4, frameon=False)
    for axes in sides:
        axes.grid(alpha=0.3)
    figure.tight_layout(rect=(0, 0, 1, 0.94))
    figure.savefig(path, dpi=120)


def main() -> None:
    """Runs what is not done yet, and writes after each run."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--rate", type=float, default=RATE)
    parser.add_argument("--width", type=int, default=4)
    parser.add_argument("--cells", type=int, default=3)
    parser.add_argument("--side", type=int, choices=(8, 16, 32), default=16)
    parser.add_argument("--methods", nargs="+", default=["darts", "darts-", "drnas"])
    parser.add_argument("--folder", type=Path, default=Path("runs/darts_collapse"))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results/darts_collapse-cpu.json")
    given = parser.parse_args()
    named = ("steps", "images", "rate", "side", "width", "cells")
    settings = {name: getattr(given, name) for name in named} | {"batch": 64}
    task = image_classification("cifar10", valid_fraction=0.5, max_train=given.images, shift=given.side // 8)
    task = shrunk(task, given.side)
    given.folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(task, given.steps, given.rate, (given.width, given.cells), given.folder)
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
            write(given.out, settings, runs, bench.median)
    runs = done(given.out, settings)
    write(given.out, settings, runs, bench.median)
    draw(runs, bench.median, given.out.with_suffix(".png"))
    print(
        json.dumps({"bench": "darts_collapse", "settings": settings, "summary": summary(runs, bench.median)})
    )


if __name__ == "__main__":
    main()
