"""How well zero-cost proxies rank NAS-Bench-201, beside what was published of them.

    NASTURTIUM_DATA=... python bench/proxies.py --size small             # 5 minutes on one core
    NASTURTIUM_DATA=... python bench/proxies.py --size small --predictors   # 3 minutes more
    NASTURTIUM_DATA=... python bench/proxies.py --architectures 100      # 16 minutes

Networks of the published size (16 channels, 5 cells a stage) or of the small one (8 channels, one cell), one
batch of 64 CIFAR-10 images, initial weights from one seed; Spearman's correlation with the 200-epoch test
accuracy on CIFAR-10. The 2 % of cells that lead nowhere (10 % accuracy) are kept apart: every proxy finds
them, which flatters it. Seconds are CPU time on one thread; a training step is that of the same batch,
without an optimiser. Scores are kept in bench/results/proxies.json, so that a larger number of architectures
goes on from a smaller one, and the predictors that see them can be compared again.
"""

import argparse
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch.nn import functional

from machine import machine
from nasturtium.architecture import Architecture
from nasturtium.evaluate.execution import execution_for
from nasturtium.evaluate.proxies import ProxyFunction
from nasturtium.evaluate.recipe import Recipe
from nasturtium.evaluate.tables.nasbench201 import nasbench201
from nasturtium.net.build import build
from nasturtium.predictor.boosting import Boosting
from nasturtium.predictor.forest import Forest
from nasturtium.predictor.gp import GaussianProcess
from nasturtium.predictor.protocol import Predictor
from nasturtium.predictor.ridge import Ridge
from nasturtium.run.names import PROXIES, resolve
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space
from nasturtium.space.zoo import nasbench201 as zoo
from nasturtium.tasks.images import image_classification

RESULT = Path(__file__).parent / "results" / "proxies.json"
BATCH = 64
VOTERS = ("synflow", "jacob_cov", "snip")
LEARN = (25, 50, 100)

# Spearman with the 200-epoch CIFAR-10 accuracy: all 15,625 cells (Li et al. 2023, ZiCo, arXiv:2301.11300),
# and as remembered of Abdelfattah et al. 2021 (arXiv:2101.08134, Table 1).
ZICO = {"grad_norm": 0.63, "snip": 0.63, "grasp": 0.54, "fisher": 0.55, "synflow": 0.73, "zen": 0.38,
        "macs": 0.73, "params": 0.75, "zico": 0.80}  # fmt: skip
ABDELFATTAH = {"grad_norm": 0.58, "snip": 0.58, "grasp": 0.48, "fisher": 0.36, "synflow": 0.74,
               "jacob_cov": 0.73, "vote": 0.82}  # fmt: skip

Scores = Mapping[Architecture, Mapping[str, float]]
Make = Callable[[Scores | None], Predictor]


def score(architecture: Architecture, space: Space, task: Any, proxies: Mapping[str, ProxyFunction]) -> Any:
    """Returns the scores of one architecture, and the CPU seconds of building, a training step and each."""
    clock = time.process_time
    start = clock()
    model = build(space.network(architecture), seed=0)
    seconds = {"build": clock() - start}
    rows = rng_for(0, "bench/proxies").choice(len(task.train), BATCH, replace=False)
    execution = execution_for(model, task.input_shape, Recipe(device="cpu"), BATCH)
    scores = {}
    with execution.active(0):
        execution.place(model)
        x = task.normalisation(task.train.images[rows], execution.memory_format)
        y = task.train.labels[rows]
        for _ in range(2):  # the first step also chooses kernels
            start = clock()
            functional.cross_entropy(model(x), y).backward()  # type: ignore[no-untyped-call]
            seconds["forward_backward"] = clock() - start
        model.zero_grad()
        for name, proxy in proxies.items():
            start = clock()
            scores[name] = float(proxy(model, x, y))
            seconds[name] = clock() - start
    return {
        "scores": {name: value if math.isfinite(value) else None for name, value in scores.items()},
        "seconds": {name: round(value, 4) for name, value in seconds.items()},
    }


def ranked(values: list[float | None]) -> NDArray[np.float64]:
    """Returns the scores with those that are not finite below all others."""
    found = [value for value in values if value is not None]
    return np.array([min(found) - 1.0 if value is None else value for value in values])


def vote(columns: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Returns how many of the others a majority of the voters prefers each to (Abdelfattah et al. 2021)."""
    ahead = [np.sign(columns[name][:, None] - columns[name]) for name in VOTERS]
    wins: NDArray[np.float64] = (np.sum(ahead, axis=0) > 0).sum(axis=1).astype(float)
    return wins


def report(rows: Sequence[Any], accuracies: NDArray[np.float64]) -> dict[str, Any]:
    """Returns a row for each proxy."""
    alive = accuracies > 11
    names = [name for name in PROXIES if all(name in row["scores"] for row in rows)]
    columns = {name: ranked([row["scores"][name] for row in rows]) for name in names}
    if set(VOTERS) <= set(columns):
        columns["vote"] = vote(columns)
    step = np.mean([row["seconds"]["forward_backward"] for row in rows])
    found: dict[str, Any] = {}
    for name, column in columns.items():
        parts = VOTERS if name == "vote" else (name,)
        seconds = sum(float(np.mean([row["seconds"][part] for row in rows])) for part in parts)
        better = np.flatnonzero(accuracies >= np.quantile(accuracies[alive], 0.8))
        found[name] = {
            "spearman": round(float(spearmanr(column[alive], accuracies[alive]).statistic), 3),
            "with_dead_cells": round(float(spearmanr(column, accuracies).statistic), 3),
            "in_the_top_fifth": round(float(spearmanr(column[better], accuracies[better]).statistic), 3),
            "zico_paper": ZICO.get(name),
            "abdelfattah_2021": ABDELFATTAH.get(name),
            "seconds": round(seconds, 3),
            "training_steps": round(seconds / step, 2),
            "not_finite": sum(row["scores"].get(part) is None for row in rows for part in parts),
        }  # fmt: skip
    return found


def lift(
    space: Space, every: list[Architecture], rows: Sequence[Any], errors: NDArray[np.float64], draws: int
) -> Any:
    """Returns what predictors gain from the scores: rank correlation on the cells they did not learn."""
    known = {one: row["scores"] for one, row in zip(every, rows, strict=True)}

    def scores(architecture: Architecture) -> dict[str, float]:
        return {name: -math.inf if value is None else value for name, value in known[architecture].items()}

    made: Mapping[str, Callable[..., Predictor]] = {
        "ridge": Ridge,
        "forest": Forest,
        "boosting": Boosting,
        "gp": GaussianProcess,
    }
    found: dict[str, Any] = {}
    for name, make in made.items():
        for label, given in (("alone", None), ("with scores", scores)):
            row = found.setdefault(name, {}).setdefault(label, {})
            for n in LEARN:
                reached = []
                for draw in range(draws):
                    order = rng_for(draw, f"bench/proxies {n}").permutation(len(every))
                    learn, test = order[:n], order[n:]
                    predictor = make(space, seed=draw, scores=given)
                    predictor.fit([every[i] for i in learn], errors[learn])
                    mean, _ = predictor.predict([every[i] for i in test])
                    reached.append(float(spearmanr(mean, errors[test]).statistic))
                row[str(n)] = round(float(np.mean(reached)), 3)
            print(name, label, row, flush=True)
    return found


def main() -> None:
    """Scores architectures that are not in the result yet, then writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--architectures", type=int, default=200)
    parser.add_argument("--size", choices=["small", "published"], default="published")
    parser.add_argument("--predictors", action="store_true", help="also what predictors gain from the scores")
    parser.add_argument("--draws", type=int, default=20, help="of the examples that predictors learn from")
    parser.add_argument("--result", type=Path, default=RESULT)
    given = parser.parse_args()
    torch.set_num_threads(1)
    table = nasbench201("cifar10", 200)
    chosen = rng_for(0, "bench/proxies/cells").permutation(table.space.count)[: given.architectures]
    every = [table.space.unrank(int(i)) for i in chosen]
    truth = [table.truth(one) for one in every]
    task = image_classification("cifar10")
    space = zoo.nasbench201(given.size).bind(task.input_shape, task.outputs)
    proxies = {name: resolve("proxy", name) for name in PROXIES}
    result = json.loads(given.result.read_text(encoding="utf-8")) if given.result.exists() else {}
    cells = result.setdefault("cells", {}).setdefault(given.size, {})
    for done, i in enumerate(chosen):
        if str(i) not in cells:
            cells[str(i)] = score(space.unrank(int(i)), space, task, proxies)
            print(done, i, cells[str(i)]["scores"], flush=True)
            if done % 10 == 0:  # it is a long way to the last
                given.result.write_text(json.dumps(result) + "\n", encoding="utf-8")
    rows = [cells[str(i)] for i in chosen]
    accuracies = np.array([100 * (1 - metrics["test_error"]) for metrics in truth])
    found: dict[str, Any] = {"architectures": len(rows), "batch": BATCH, "proxies": report(rows, accuracies)}
    if given.predictors:
        errors = np.array([metrics["error"] for metrics in truth])
        gained = lift(table.space, every, rows, errors, given.draws)
        found["predictors"] = {"draws": given.draws, "commit": machine()["commit"], **gained}
    result = {"bench": "proxies", **machine(), **result, given.size: found}
    result["cells"] = result.pop("cells")  # last, for whoever reads the file
    given.result.write_text(json.dumps(result) + "\n", encoding="utf-8")
    for name, row in found["proxies"].items():
        print(f"{name:10}", *(f"{key} {value}" for key, value in row.items()))
    print(json.dumps({key: value for key, value in result.items() if key != "cells"}))


if __name__ == "__main__":
    main()
