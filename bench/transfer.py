"""What earlier searches save: methods that start cold, and from searches on other data.

    python bench/transfer.py [--target cifar10] [--methods ...] [--seeds 20] [--budget 50]

Tables of NAS-Bench-201, trainings of 12 epochs. For each seed there is an earlier search on each of the two
other data sets, 200 evaluations by regularised evolution. Judged is the best cell seen, by its regret in
points of validation accuracy. Given are, per method, the mean regret after some numbers of evaluations, the
median number of evaluations until the regret is at most 1, 0.5 and 0.25 points (null where half of the seeds
or more never get there), and p of a Wilcoxon test, paired by seed, of the regret against the same method
started cold. Prints one JSON line. The results of the controller, which settles early, are of
``--methods controller --budget 25``, in a file of their own.

- cold: knows nothing.
- first: the five best of each earlier search are tried first, and that is all (`--try-first`).
- quantiles: so they are, and the method is told of the earlier results as quantiles (`--warm-from`).
- policy: the controller is taught by the earlier tasks before (`Controller(prior=)`).
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import wilcoxon

from machine import machine
from nasturtium.architecture import Architecture
from nasturtium.evaluate.table import Table
from nasturtium.front.objectives import ERROR
from nasturtium.protocols import Strategy, Trial
from nasturtium.run.names import table_named
from nasturtium.space.space import Space
from nasturtium.strategy.auto import Auto
from nasturtium.strategy.controller import Controller
from nasturtium.strategy.distinct import Distinct
from nasturtium.strategy.evolution import RegularizedEvolution
from nasturtium.strategy.random import RandomSearch
from nasturtium.strategy.warmstart import Warmstarted, carried, rank

DATASETS = ("cifar10", "cifar100", "ImageNet16-120")
METHODS = ("random", "evolution", "auto", "controller")
FIRST = 5
MARKS = (5, 10, 25, 50, 100)
TRIES = 50  # repeats in a row after which a search ends: a policy has then settled
REGRETS = (1.0, 0.5, 0.25)

Prior = list[list[Trial]]
Make = Callable[..., Strategy]


def course(table: Table, strategy: Strategy, budget: int) -> list[Trial]:
    """Returns what a strategy was told."""
    told: list[Trial] = []
    for number in range(budget):
        asked = strategy.ask(1)
        if not asked:
            break
        told.append(table.trial(replace(asked[0], number=number)))
        strategy.tell(told[-1:])
    return told


def regret(table: Table, told: Sequence[Trial], budget: int) -> NDArray[np.float64]:
    """Returns the regret after each evaluation, in points; a search that ended early stays where it was."""
    errors = [trial.metrics.get("error", 1.0) for trial in told]
    lowest = 100 * (np.minimum.accumulate(errors) - table.optimum())
    return np.pad(lowest, (0, budget - len(lowest)), mode="edge")


def earlier(tables: Sequence[Table], space: Space, seed: int, budget: int) -> Prior:
    """Returns the trials of a search on each table, as the new space has them."""
    return [
        carried(one.space, space, course(one, distinct(RegularizedEvolution, one.space, seed), budget))
        for one in tables
    ]


def distinct(make: Make, space: Space, seed: int) -> Strategy:
    """Returns the strategy as a search runs it, without repeats."""
    return Distinct(make(space, seed=seed), space.canonical, tries=TRIES)


def methods(prior: Prior) -> dict[str, dict[str, Make]]:
    """Returns the ways to start each method, by what to call them."""
    best: list[Architecture] = [one for task in prior for one in rank(ERROR, task).order[:FIRST]]

    def first(inner: Make) -> Make:
        return partial(Warmstarted, inner=inner, seeds=best)

    def quantiles(inner: Make) -> Make:
        return partial(Warmstarted, inner=inner, prior=prior, first=FIRST)

    controller = partial(Controller, learning_rate=0.003)
    policy = partial(controller, prior=prior, entropy=0.03)  # of standard deviations, not of rewards
    found: dict[str, dict[str, Make]] = {"random": {"cold": RandomSearch, "first": first(RandomSearch)}}
    for name, make in (("evolution", RegularizedEvolution), ("auto", Auto)):
        found[name] = {"cold": make, "first": first(make), "quantiles": quantiles(make)}
    found["controller"] = {
        "cold": controller,
        "first": first(controller),
        "policy": policy,
        "policy and first": first(policy),
    }
    return found


def row(regrets: NDArray[np.float64], cold: NDArray[np.float64]) -> dict[str, Any]:
    """Returns the figures of one way to start, from regrets so far, [seeds, evaluations], in points."""
    reached = {limit: (regrets <= limit) for limit in REGRETS}
    counts = {
        limit: np.where(there.any(axis=1), there.argmax(axis=1) + 1, np.inf)
        for limit, there in reached.items()
    }
    marks = [mark for mark in MARKS if mark <= regrets.shape[1]]
    at = regrets[:, [mark - 1 for mark in marks]]
    other = cold[:, [mark - 1 for mark in marks]]
    return {
        "regret": [round(float(value), 3) for value in at.mean(axis=0)],
        "standard_error": [round(float(value), 3) for value in at.std(axis=0, ddof=1) / np.sqrt(len(at))],
        "evaluations_to": {
            str(limit): float(np.median(count)) if np.isfinite(np.median(count)) else None
            for limit, count in counts.items()
        },
        "p": [
            None if (a == b).all() else float(f"{wilcoxon(a, b).pvalue:.2g}")
            for a, b in zip(at.T, other.T, strict=True)
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--target", default="cifar10", choices=DATASETS)
    parser.add_argument("--methods", nargs="+", default=METHODS, choices=METHODS)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--budget", type=int, default=50)
    parser.add_argument("--earlier", type=int, default=200)
    asked = parser.parse_args()
    table = table_named(f"nasbench201/{asked.target}/12", seed=0)
    others = [table_named(f"nasbench201/{name}/12", seed=0) for name in DATASETS if name != asked.target]
    regrets: dict[str, dict[str, list[NDArray[np.float64]]]] = {}
    for seed in range(asked.seeds):
        prior = earlier(others, table.space, seed, asked.earlier)
        ways_of = methods(prior)
        for name in asked.methods:
            for way, make in ways_of[name].items():
                told = course(table, distinct(make, table.space, seed), asked.budget)
                so_far = regret(table, told, asked.budget)
                regrets.setdefault(name, {}).setdefault(way, []).append(so_far)
        print(f"seed {seed}", file=sys.stderr, flush=True)
    found = {
        name: {way: row(np.array(one), np.array(ways["cold"])) for way, one in ways.items()}
        for name, ways in regrets.items()
    }
    given = {"target": asked.target, "seeds": asked.seeds, "earlier": asked.earlier}
    marks = [mark for mark in MARKS if mark <= asked.budget]
    print(json.dumps({"bench": "transfer", **machine(), **given, "evaluations": marks, "methods": found}))


if __name__ == "__main__":
    main()
