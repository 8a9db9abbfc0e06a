"""Whether short trainings pay: multi-fidelity methods against whole trainings, at equal simulated cost.

    python bench/multifidelity.py [--seeds 50] [--trainings 20]

Tables of NAS-Bench-201, which have trainings of 12 and of 200 epochs, each annealed to its end. Every method
spends the seconds of so many mean trainings of 200 epochs; judged is the cell that it would pick, by its
mean test error after 200 epochs less the lowest of the table, in percent. `halving` trains the best 3 of all
that the rest of the budget can train for 12 epochs; the others know nothing of the budget. Given are mean,
standard deviation and p of a paired Wilcoxon test against random search. Prints one JSON line.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from scipy.stats import wilcoxon

from machine import machine
from nasturtium.evaluate.table import Table
from nasturtium.protocols import Strategy
from nasturtium.run.names import table_named
from nasturtium.strategy.asha import ASHA
from nasturtium.strategy.bohb import BOHB
from nasturtium.strategy.distinct import Distinct
from nasturtium.strategy.evolution import RegularizedEvolution
from nasturtium.strategy.halving import SuccessiveHalving
from nasturtium.strategy.hyperband import Hyperband
from nasturtium.strategy.random import RandomSearch

LEVELS = (12, 200)
BEST = 3
DATASETS = ("cifar10", "cifar100", "ImageNet16-120")


def regret(table: Table, strategy: Strategy, seconds: float) -> float:
    """Returns the regret of the pick of a strategy that may spend so many simulated seconds, in percent."""
    number = 0
    while seconds > 0:
        asked = strategy.ask(1)
        if not asked:
            break
        trial = table.trial(replace(asked[0], number=number))
        number += 1
        seconds -= trial.metrics["train_seconds"]
        strategy.tell([trial])
    return 100 * (table.truth(strategy.best(1)[0])["test_error"] - table.optimum("test_error"))


def methods(trainings: int) -> dict[str, Callable[..., Strategy]]:
    """Returns the methods, by what to call them."""
    screened = int((trainings - BEST) * LEVELS[1] / LEVELS[0])
    halving = partial(SuccessiveHalving, fidelities=LEVELS, starts=screened, eta=screened // BEST)
    return {
        "random": RandomSearch,
        "evolution": RegularizedEvolution,
        "halving": halving,
        "halving over evolution": partial(halving, inner=RegularizedEvolution),
        "asha": partial(ASHA, fidelities=LEVELS),
        "asha, eta 16": partial(ASHA, fidelities=LEVELS, eta=16),
        "asha, eta 16, over evolution": partial(ASHA, fidelities=LEVELS, eta=16, inner=RegularizedEvolution),
        "hyperband": partial(Hyperband, fidelities=LEVELS),
        "bohb": partial(BOHB, fidelities=LEVELS),
        "bohb, eta 16": partial(BOHB, fidelities=LEVELS, eta=16),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--trainings", type=int, default=20)
    asked = parser.parse_args()
    found = {}
    for dataset in DATASETS:
        tables = [table_named(f"nasbench201/{dataset}", seed=seed) for seed in range(asked.seeds)]
        seconds = asked.trainings * float(tables[0].levels[LEVELS[1]].once["train_seconds"].mean())
        rows = {
            name: np.array(
                [
                    regret(table, Distinct(make(table.space, seed=seed), repr), seconds)
                    for seed, table in enumerate(tables)
                ]
            )
            for name, make in methods(asked.trainings).items()
        }
        found[dataset] = {
            name: {
                "regret": round(float(row.mean()), 4),
                "std": round(float(row.std(ddof=1)), 4),
                "p": float(wilcoxon(row, rows["random"]).pvalue) if name != "random" else None,
            }
            for name, row in rows.items()
        }
    print(json.dumps({**machine(), "seeds": asked.seeds, "trainings": asked.trainings, "regret": found}))


if __name__ == "__main__":
    main()
