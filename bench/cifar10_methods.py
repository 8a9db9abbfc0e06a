"""PNAS, REINFORCE, `auto` and random search on CIFAR-10, on real trainings at equal cost.

    NASTURTIUM_DATA=... python bench/cifar10_methods.py                  # about 45 minutes of one CPU core
    NASTURTIUM_DATA=... python bench/cifar10_methods.py --size full      # a GPU
    python bench/cifar10_methods.py --methods auto --afresh              # these searches again, no others

Searches the cells of `nasturtium.space.zoo.pnas` in a tower of `layout` cells for the validation error after
a short training. All methods get the same number of trainings of the same number of epochs; those of one
seed see the same cut of the data and, of the same network, the same training, so that they compare in
pairs; a training that another search of the seed has made is read from `trainings.jsonl`, and counted.
What a search's own `best(1)` picks is trained `times` times from other seeds, longer, on train and valid
together, and only then tested. With `--size full` the pick of the lowest validation error is at last trained
at full size and length.

Stopped and called again, it goes on. After each search it writes bench/results/cifar10_methods-SIZE.json and
.png; at the end it prints the JSON line.
"""

import argparse
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

import nasturtium as nt
from cifar10_sizes import SIZES, Size, tower
from machine import machine
from nasturtium.cost.counts import counts
from nasturtium.evaluate.scratch import Scratch
from nasturtium.protocols import Candidate, Trial
from nasturtium.run.budget import parse_budget
from nasturtium.run.names import resolve
from nasturtium.run.record import Record
from nasturtium.run.run import Run
from nasturtium.run.stages import SEARCH
from nasturtium.space.space import Space
from nasturtium.space.zoo.cells import thirds
from nasturtium.store.journal import Journal
from nasturtium.strategy.distinct import Distinct
from nasturtium.tasks.images import ImageClassification
from paired import compared, mean
from pieces import written

RESULTS = Path(__file__).parent / "results"
COLOURS = {"random": "#8d99ae", "reinforce": "#e09f3e", "pnas": "#2a9d8f", "auto": "#d1495b"}


def methods(size: Size) -> dict[str, dict[str, Any]]:
    """Returns what is compared, by the name of its strategy, with its parameters."""
    return {
        "random": {},
        "reinforce": {"learning_rate": 0.1},
        "pnas": {"first": size.first, "beam": size.beam},
        "auto": {},
    }


class Trainings:
    """Trains a network of which the file has no training of this seed yet; what it has costs no time.

    Args:
        scratch: Trains.
        seed: Of the searches that share their trainings.
        path: The file, a line for each training.
    """

    slots = 1
    pending = 0

    def __init__(self, scratch: Scratch, seed: int, path: Path) -> None:
        self.scratch, self.seed, self.path = scratch, seed, path
        self.known = written(path)

    def evaluate(self, batch: Sequence[Candidate]) -> Iterator[Sequence[Trial]]:
        """Yields each trial as it comes."""
        for candidate in batch:
            yield [self.trial(candidate)]

    def trial(self, candidate: Candidate) -> Trial:
        """Trains one network from the seed that belongs to all of this search, or reads what came of it."""
        assert isinstance(candidate.point, nt.Architecture)
        key = f"{self.seed} {self.scratch.space.canonical(candidate.point)}"
        if key not in self.known:
            trial = self.scratch.trial(replace(candidate, number=0))
            line = {"metrics": dict(trial.metrics), "status": trial.status, "error": trial.error}
            with self.path.open("a", encoding="utf-8") as file:
                file.write("\n" + json.dumps({key: line}))
            self.known[key] = line
        line = self.known[key]
        return Trial(candidate, line["metrics"], line["status"], line["error"])


def course(method: str, seed: int, size: Size, folder: Path) -> dict[str, Any]:
    """Returns what one search found, from its file where it has finished before."""
    path = folder / f"{method}-{seed}.json"
    if path.exists():
        done: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return done
    task = data(size, seed)
    space = size.space()
    scratch = Scratch(space, task, size.recipe, seed=seed)
    run = nt.search(
        space,
        method=method,
        parameters=methods(size)[method],
        minimize="error",
        budget=size.evaluations,
        out=folder / f"{method}-{seed}",
        seed=seed,
        baseline=False,
        evaluator=Trainings(scratch, seed, folder / "trainings.jsonl"),
    )
    trials, picked = run.trials(), pick(run, space)
    final = Scratch(space, task, size.recipe, seed=seed, split="final")
    tested = [
        final.trial(Candidate(picked, fidelity=size.final_epochs, number=number))
        for number in range(1, size.times + 1)
    ]
    found = {
        "method": method,
        "seed": seed,
        # A training that fails names no class: it counts as wrong everywhere.
        "errors": [trial.metrics.get("error", 1.0) for trial in trials],
        "failed": [trial.error for trial in (*trials, *tested) if trial.status != "ok"],
        "train_seconds": sum(trial.metrics.get("train_seconds", 0.0) for trial in trials),
        "pick": space.text(picked),
        "pick_error": next(t.metrics["error"] for t in trials if t.architecture == picked),
        "test_errors": [trial.metrics.get("test_error", 1.0) for trial in tested],
    }
    path.write_text(json.dumps(found), encoding="utf-8")
    print(f"{method} {seed}: {found['pick_error']:.4f} valid, {found['test_errors']} test", flush=True)
    return found


def data(size: Size, seed: int) -> ImageClassification:
    """Returns the images of one seed: always the same ones, cut anew into train and valid."""
    return nt.tasks.image_classification(
        "cifar10", seed=seed, max_train=size.images, valid_fraction=size.valid
    )


def pick(run: Run, space: Space) -> nt.Architecture:
    """Returns what the strategy itself picks at the end of its search."""
    spec = run.spec
    method = resolve("method", spec.method)
    made = method(space, seed=spec.seed, objectives=run.objectives, **spec.parameters)
    strategy = Distinct(made, space.canonical)
    with Journal.read(run.folder) as journal:
        Record(journal, SEARCH, parse_budget(spec.budget)).replay(strategy)
    return strategy.best(1)[0]


def top(rows: Sequence[Mapping[str, Any]], size: Size, folder: Path) -> dict[str, Any] | None:
    """Trains the best pick of all searches at full size; returns what came of it."""
    if size.top is None:
        return None
    filters, cells, recipe = size.top
    best = min(rows, key=lambda row: row["pick_error"])
    path = folder / "top.json"
    if path.exists() and (done := json.loads(path.read_text(encoding="utf-8")))["pick"] == best["pick"]:
        return dict(done)
    space = tower(size.blocks, (), filters, thirds(cells))
    architecture = space.parse(best["pick"])
    trial = Scratch(space, data(size, best["seed"]), recipe, seed=0, split="final").trial(
        Candidate(architecture, number=1)
    )
    found = {
        "pick": best["pick"],
        "of": f"{best['method']} {best['seed']}",
        "filters": filters,
        "cells": cells,
        "epochs": recipe.epochs,
        "params": counts(space.network(architecture)).params,
        "test_error": trial.metrics.get("test_error"),
        "failed": trial.error,
    }
    path.write_text(json.dumps(found), encoding="utf-8")
    return found


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Returns means over seeds, and every pair of methods compared."""
    by_method = {name: [row for row in rows if row["method"] == name] for name in COLOURS}
    by_method = {name: some for name, some in by_method.items() if some}
    scores = {
        what: {name: {row["seed"]: score(row, what) for row in some} for name, some in by_method.items()}
        for what in ("validation", "test")
    }
    return {
        "mean": {
            name: {
                "seeds": len(some),
                "validation": mean(list(scores["validation"][name].values())),
                "test": mean(list(scores["test"][name].values())),
                "validation_of_all_trainings": mean([float(np.mean(row["errors"])) for row in some]),
                "train_seconds": float(np.mean([row["train_seconds"] for row in some])),
            }
            for name, some in by_method.items()
        },
        "pairs": {what: compared(values) for what, values in scores.items()},
    }


def score(row: Mapping[str, Any], what: str) -> float:
    """Lowest validation error that a search met, or the mean test error of its pick."""
    return float(min(row["errors"]) if what == "validation" else np.mean(row["test_errors"]))


def draw(rows: Sequence[Mapping[str, Any]], size: Size, path: Path) -> None:
    """Draws the lowest validation error so far, and the test errors of the picks."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.5), width_ratios=(2, 1))
    present = [name for name in COLOURS if any(row["method"] == name for row in rows)]
    for place, name in enumerate(present):
        some = [row for row in rows if row["method"] == name]
        curves = 100 * np.minimum.accumulate([row["errors"] for row in some], axis=1)
        trainings = np.arange(1, curves.shape[1] + 1)
        middle, spread = (
            curves.mean(axis=0),
            curves.std(axis=0, ddof=min(1, len(some) - 1)) / np.sqrt(len(some)),
        )
        left.plot(trainings, middle, c=COLOURS[name], label=f"{name}, {len(some)} seeds")
        left.fill_between(trainings, middle - spread, middle + spread, color=COLOURS[name], alpha=0.15, lw=0)
        tests = [100 * score(row, "test") for row in some]
        right.scatter([place] * len(tests), tests, c=COLOURS[name], alpha=0.7)
        right.plot([place - 0.25, place + 0.25], [np.mean(tests)] * 2, c=COLOURS[name], lw=2)
    left.set(
        xlabel=f"trainings (epochs each: {size.recipe.epochs})", ylabel="lowest validation error so far, %"
    )
    left.xaxis.get_major_locator().set_params(integer=True)
    left.legend(frameon=False)
    right.set_xticks(range(len(present)), present)
    right.set(ylabel=f"test error of the pick, %, {size.final_epochs} epochs")
    for axes in (left, right):
        axes.grid(alpha=0.3)
    figure.suptitle("CIFAR-10, PNAS cells: methods at equal cost (bands: standard error)")
    figure.tight_layout()
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--methods", nargs="+", choices=COLOURS, default=list(COLOURS))
    parser.add_argument("--afresh", action="store_true", help="search again where that was done before")
    parser.add_argument("--folder", type=Path, default=Path("runs/cifar10_methods"), help="where it goes on")
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    size = SIZES[arguments.size]
    folder = arguments.folder / arguments.size
    folder.mkdir(parents=True, exist_ok=True)
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.afresh:
        for path in [folder / f"{m}-{s}" for m in arguments.methods for s in arguments.seeds]:
            shutil.rmtree(path, ignore_errors=True)
            path.with_suffix(".json").unlink(missing_ok=True)
    line: dict[str, Any] = {}
    for seed in arguments.seeds:
        for method in arguments.methods:
            course(method, seed, size, folder)
            line = write(arguments.size, folder, arguments.out)
    line["top"] = top(line["results"], size, folder)
    (arguments.out / f"cifar10_methods-{arguments.size}.json").write_text(json.dumps(line, indent=1) + "\n")
    print(json.dumps(line))


def write(name: str, folder: Path, out: Path) -> dict[str, Any]:
    """Writes and returns what all searches so far have found."""
    size = SIZES[name]
    rows = [json.loads(p.read_text()) for m in COLOURS for p in sorted(folder.glob(f"{m}-*.json"))]
    line = {
        "bench": "cifar10_methods",
        "size": name,
        **asdict(size),
        "methods": methods(size),
        **machine(),
        **summary(rows),
        "results": rows,
    }
    (out / f"cifar10_methods-{name}.json").write_text(json.dumps(line, indent=1) + "\n")
    draw(rows, size, out / f"cifar10_methods-{name}.png")
    return line


if __name__ == "__main__":
    main()
