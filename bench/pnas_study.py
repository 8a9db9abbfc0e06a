"""PNAS on NAS-Bench-201: how its predictors rank larger cells, and what growing saves against REINFORCE.

    python bench/pnas_study.py                        # about a quarter of an hour on one core
    python bench/pnas_study.py --draws 5 --seeds 5    # a look
    python bench/pnas_study.py --only study           # the other part of the file stays

Cells grow by filling edges: the size of a cell is the number of its edges that are not ``none``. Errors are
validation errors of CIFAR-10 after 12 epochs.

Part 1 is Algorithm 2 of Liu et al. 2018 (arXiv:1712.00559) with its Table 1: a predictor learns from up to
256 cells of size b and ranks those same cells, other cells of size b, and the cells of size b + 1; Spearman's
correlation, mean over draws. Part 2 is their Table 2: the mean error of the best M cells that a search has
met, and how many evaluations REINFORCE needs to reach that of PNAS. Writes bench/results/pnas_study.json and
prints the JSON line.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from machine import machine
from nasturtium.architecture import Architecture
from nasturtium.evaluate.table import Table
from nasturtium.evaluate.tables.nasbench201 import nasbench201
from nasturtium.predictor.lstm import LSTMEnsemble
from nasturtium.predictor.mlp import MLPEnsemble
from nasturtium.predictor.protocol import Predictor
from nasturtium.protocols import Strategy
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space
from nasturtium.strategy.distinct import Distinct
from nasturtium.strategy.growth import OpGrowth
from nasturtium.strategy.pnas import PNAS
from nasturtium.strategy.random import RandomSearch
from nasturtium.strategy.reinforce import Reinforce

RESULT = Path(__file__).parent / "results" / "pnas_study.json"
EXAMPLES, MOST = 256, 10_000  # learnt from, and ranked
SIZES = (2, 3, 4, 5)  # of one edge only eight cells differ
TOPS = (1, 5, 25)
PARTS = ("study", "searches")
# Liu et al. 2018, Table 1: on the cells learnt from, and on those of one block more, for b = 1 to 4.
PUBLISHED = {
    "MLP": ((0.938, 0.113), (0.857, 0.450), (0.714, 0.469), (0.641, 0.444)),
    "RNN": ((0.970, 0.198), (0.996, 0.424), (0.693, 0.401), (0.787, 0.413)),
    "MLP-ensemble": ((0.975, 0.164), (0.786, 0.532), (0.634, 0.504), (0.645, 0.468)),
    "RNN-ensemble": ((0.972, 0.164), (0.906, 0.418), (0.801, 0.465), (0.579, 0.424)),
}


class Words:
    """The filled edges of a cell as (edge, operation), as PNAS reads the blocks of its cells."""

    def __init__(self, space: Space) -> None:
        self.space = space

    def blocks(self, architecture: Architecture) -> list[list[str]]:
        """Returns two words for each filled edge."""
        rows = zip(self.space.decisions, architecture.choices, strict=True)
        filled = [(one.path, one.labels[option]) for one, option in rows if one.labels[option] != "none"]
        return [[f"place={path}", f"op={label}"] for path, label in filled] or [["place=none", "op=none"]]

    def sentence(self, architecture: Architecture) -> list[str]:
        """Returns the same words in a row."""
        return [word for block in self.blocks(architecture) for word in block]


def mlp(space: Space, seed: int, members: int = 5) -> Predictor:
    words, folds = Words(space), members > 1
    return MLPEnsemble(
        space, seed=seed, members=members, encoding="blocks", blocks_of=words.blocks, folds=folds, epochs=60
    )


def rnn(space: Space, seed: int, members: int = 5) -> Predictor:
    words, folds = Words(space), members > 1
    return LSTMEnsemble(space, seed=seed, members=members, words_of=words.sentence, folds=folds, epochs=30)


PREDICTORS: dict[str, Callable[[Space, int], Predictor]] = {
    "MLP": lambda space, seed: mlp(space, seed, 1),
    "RNN": lambda space, seed: rnn(space, seed, 1),
    "MLP-ensemble": mlp,
    "RNN-ensemble": rnn,
}


def by_size(space: Space) -> dict[int, list[Architecture]]:
    """All different cells by size, one of each canonical form, the smallest one."""
    growth, met = OpGrowth(space), set()
    sizes: dict[int, list[Architecture]] = {}
    for architecture in sorted(space, key=growth.size):
        form = space.canonical(architecture)
        if form not in met:
            met.add(form)
            sizes.setdefault(growth.size(architecture), []).append(architecture)
    return sizes


def study(table: Table, draws: int) -> dict[str, Any]:
    """Algorithm 2 on the sizes of `SIZES`."""
    cells = by_size(table.space)
    errors = {size: np.array([table.truth(one)["error"] for one in some]) for size, some in cells.items()}
    rows: dict[str, Any] = {name: {} for name in PREDICTORS}
    for size in SIZES:
        for name, make in PREDICTORS.items():
            found = []
            for draw in range(draws):
                order = rng_for(draw, f"study {size}").permutation(len(cells[size]))
                # Some are always kept back, where there are not many more than are learnt from.
                learnt = order[: min(EXAMPLES, int(0.8 * len(order)))]
                predictor = make(table.space, draw)
                predictor.fit([cells[size][i] for i in learnt], errors[size][learnt])
                larger = rng_for(draw, f"larger {size}").permutation(len(cells[size + 1]))[:MOST]
                groups = {
                    "learnt": (size, learnt),
                    "same_size": (size, order[len(learnt) :]),
                    "larger": (size + 1, larger),
                }
                found.append(
                    {
                        group: rank_correlation(predictor, [cells[b][i] for i in some], errors[b][some])
                        for group, (b, some) in groups.items()
                    }
                )
            rows[name][str(size)] = {
                group: {
                    "mean": float(np.mean([one[group] for one in found])),
                    "std": float(np.std([one[group] for one in found])),
                }
                for group in ("learnt", "same_size", "larger")
            }
            shown = {group: round(one["mean"], 3) for group, one in rows[name][str(size)].items()}
            print(f"size {size}  {name:13} {shown}", flush=True)
    return {"cells": {str(size): len(some) for size, some in cells.items()}, "spearman": rows}


def rank_correlation(
    predictor: Predictor, architectures: Sequence[Architecture], errors: NDArray[np.float64]
) -> float:
    """Spearman's correlation of predicted and true errors."""
    mean, _ = predictor.predict(architectures)
    return float(spearmanr(mean, errors).statistic)


def tops(strategy: Strategy, table: Table, evaluations: int) -> NDArray[np.float64]:
    """Mean error of the best M cells met so far, after each evaluation: [TOPS, evaluations]."""
    seen: dict[str, float] = {}
    curve = np.full((len(TOPS), evaluations), np.nan)
    for i in range(evaluations):
        asked = strategy.ask(1)
        if not asked:  # a policy that has settled names nothing new any more
            curve[:, i:] = curve[:, i - 1 : i]
            break
        (trial,) = [table.trial(candidate) for candidate in asked]
        strategy.tell([trial])
        seen[table.space.canonical(trial.architecture)] = trial.metrics["error"]
        lowest = sorted(seen.values())
        for row, most in enumerate(TOPS):
            if len(lowest) >= most:
                curve[row, i] = np.mean(lowest[:most])
    return curve


def searches(table: Table, seeds: int, budgets: Sequence[int], longest: int) -> dict[str, Any]:
    """Mean curves of PNAS, REINFORCE and random search, and the ratios of evaluations."""
    space = table.space

    def grown(seed: int, budget: int) -> Strategy:
        # A beam with which growth about ends at the budget: eight cells of one edge, then five levels.
        return PNAS(space, seed=seed, beam=budget // 5 - 1, predictor=mlp, growth=OpGrowth)

    rivals: dict[str, Callable[[int], Strategy]] = {
        "reinforce_0.01": lambda seed: Reinforce(space, seed=seed, learning_rate=0.01),
        "reinforce_0.1": lambda seed: Reinforce(space, seed=seed, learning_rate=0.1),
        "random": lambda seed: RandomSearch(space, seed=seed),
    }
    # Repeats cost nobody anything: PNAS makes none, REINFORCE makes more and more.
    means = {
        name: curve([Distinct(make(seed), space.canonical) for seed in range(seeds)], table, longest)
        for name, make in rivals.items()
    }
    rows = []
    for budget in budgets:
        reached = curve([grown(seed, budget) for seed in range(seeds)], table, budget)[:, -1]
        for row, most in enumerate(TOPS):
            found: dict[str, Any] = {"evaluations": budget, "top": most, "error": float(reached[row])}
            for rival, mean in means.items():
                there = np.flatnonzero(mean[row] <= reached[row])
                found[rival] = int(there[0]) + 1 if there.size else None
                found[f"ratio_{rival}"] = (int(there[0]) + 1) / budget if there.size else None
            rows.append(found)
            print(found, flush=True)
    shown = {
        name: {str(at): mean[:, at - 1].tolist() for at in (50, 100, 200, 400, 800) if at <= longest}
        for name, mean in means.items()
    }
    return {"seeds": seeds, "longest": longest, "ratios": rows, "mean_errors_of_the_tops": shown}


def curve(strategies: Sequence[Strategy], table: Table, evaluations: int) -> NDArray[np.float64]:
    """Mean over strategies of `tops`; NaN where fewer than M cells were met."""
    mean: NDArray[np.float64] = np.mean([tops(one, table, evaluations) for one in strategies], axis=0)
    return mean


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--budgets", type=int, nargs="+", default=[100, 200])
    parser.add_argument("--longest", type=int, default=800)
    parser.add_argument("--out", type=Path, default=RESULT)
    arguments = parser.parse_args()
    started = time.perf_counter()
    table = nasbench201("cifar10", 12)
    parts: dict[str, Any] = {}
    if "study" in arguments.only:
        parts["study"] = {"draws": arguments.draws, "published": PUBLISHED} | study(table, arguments.draws)
    if "searches" in arguments.only:
        parts["searches"] = searches(table, arguments.seeds, arguments.budgets, arguments.longest)
    minutes = (time.perf_counter() - started) / 60
    line = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
    for name, part in parts.items():
        line[name] = {**part, **machine(), "minutes_of_this_call": minutes}
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps({"bench": "pnas_study"} | line, indent=1) + "\n")
    print(json.dumps(line))


if __name__ == "__main__":
    main()
