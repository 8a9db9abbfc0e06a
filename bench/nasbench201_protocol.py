"""The published protocol of NAS-Bench-201, and regret at fixed numbers of evaluations, against known figures.

    python bench/nasbench201_protocol.py [--seeds 200] [--regret-seeds 100] [--out bench/results/...json]

Protocol (Dong and Yang 2020): search CIFAR-10 by the validation accuracy after 12 epochs, pay the seconds of
each such training until 12,000 are spent, a network that is asked for again is paid for again; the best seen
by that reward is judged by its test accuracy after 200 epochs, mean over its trainings. The same runs go on
to 24,000 s, and every method is judged at each 1,200 s: how much depends on the machine that the trainings
were timed on. Given besides: the mode of REINFORCE's policy, which the first published code took for its
pick; evolution with the published mutation, which draws a node first and then one of its edges, so that the
edge of the first node is changed three times as often as one of the last; and BOHB without the brackets,
whose rungs all cost the same 12 epochs in the released code.

Regret (lowest validation error so far less the lowest of the table, points, 12 epochs, repeats are free) is
beside figures computed on the same table by an implementation that shares no code with this one.

Prints one JSON line. Every few seeds of a row are written down in --folder as they finish: stopped and called
again, also for more seeds, it goes on.
"""

import argparse
import functools
import json
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path

import numpy as np

from machine import machine
from nasturtium.architecture import Architecture
from nasturtium.evaluate.table import Table
from nasturtium.protocols import Strategy
from nasturtium.run.names import resolve, table_named
from nasturtium.run.published import NASBENCH201, Published
from nasturtium.space.space import Space
from nasturtium.space.zoo.nasbench201 import EDGES
from nasturtium.strategy.distinct import Distinct
from nasturtium.strategy.evolution import RegularizedEvolution
from pieces import carry_out

Make = Callable[[Space, int], Strategy]

MARKS = np.arange(1, 21) * 1200.0  # simulated seconds
QUERIES = (50, 100, 150, 300)
PIECE = 5  # seeds that are run, and written down, at a time

# Mean over 100 runs at 50, 100, 150 and 300 evaluations of different cells.
REGRET = {
    "random": {
        "cifar10": (1.58, 1.15, 1.04, 0.71),
        "cifar100": (3.13, 2.26, 1.93, 1.38),
        "ImageNet16-120": (3.75, 2.88, 2.55, 2.00),
    },
    "evolution(population=10, sample=3)": {
        "cifar10": (1.32, 0.66, 0.44, 0.21),
        "cifar100": (2.43, 1.04, 0.65, 0.25),
        "ImageNet16-120": (2.63, 1.52, 1.14, 0.68),
    },
    "reinforce(learning_rate=0.01)": {
        "cifar10": (1.73, 1.10, 0.88, 0.54),
        "cifar100": (2.71, 1.89, 1.48, 0.77),
        "ImageNet16-120": (3.52, 2.71, 2.17, 1.22),
    },
    "reinforce(learning_rate=0.1)": {
        "cifar10": (1.28, 0.75, 0.51, 0.34),
        "cifar100": (2.39, 0.99, 0.53, 0.33),
        "ImageNet16-120": (2.67, 1.24, 0.80, 0.53),
    },
}


class NodeFirst:
    """The space with the mutation of the published evolution: draws a node, then one of its edges."""

    def __init__(self, space: Space) -> None:
        self.space, self.count, self.sample = space, space.count, space.sample

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """Changes one edge into a node drawn uniformly to another operation."""
        node = int(rng.integers(1, 4))
        edge = rng.choice([i for i, (_, end) in enumerate(EDGES) if end == node])
        choices = list(architecture.choices)
        choices[edge] = (choices[edge] + int(rng.integers(1, 5))) % 5
        return Architecture(architecture.space, tuple(choices))


def label(row: Published) -> str:
    """Returns a method with its parameters."""
    set_ = ", ".join(f"{name}={value}" for name, value in row.parameters)
    return f"{row.method}({set_})" if set_ else row.method


def methods() -> dict[str, Make]:
    """Returns what makes each published method."""
    return {
        label(row): functools.partial(made, resolve("method", row.method), dict(row.parameters))
        for row in NASBENCH201.rows
    }


def made(method: Callable[..., Strategy], parameters: dict, space: Space, seed: int) -> Strategy:
    return method(space, seed=seed, **parameters)


def node_first(space: Space, seed: int) -> Strategy:
    return RegularizedEvolution(NodeFirst(space), seed=seed)


def one_budget(space: Space, seed: int) -> Strategy:
    parameters = dict(next(row.parameters for row in NASBENCH201.rows if row.method == "bohb"))
    parameters["fidelities"] = "12"
    return resolve("method", "bohb")(space, seed=seed, **parameters)


def picks(make: Make, seed: int, table: Table, pick: Callable) -> tuple[list[Architecture], list[int]]:
    """Returns what one run picks at each mark, and after how many trainings; one that overruns counts not."""
    strategy, spent, told = make(table.space, seed), 0.0, 0
    found: list[Architecture] = []
    counts: list[int] = []
    while len(found) < len(MARKS):
        (candidate,) = strategy.ask(1)
        trial = table.trial(candidate)
        spent += trial.metrics["train_seconds"]
        while len(found) < len(MARKS) and spent > MARKS[len(found)]:
            found.append(pick(strategy))
            counts.append(told)
        strategy.tell([trial])
        told += 1
    return found, counts


def protocol(make: Make, seed: int, pick: Callable, tables: tuple[Table, Table]) -> dict:
    """Returns accuracies of the picks of one run at each mark, in percent, and the trainings by then."""
    reward, judge = tables
    found, counts = picks(make, seed, reward, pick)
    truths = [judge.truth(one) for one in found]
    test, valid = ([100 * (1 - truth[metric]) for truth in truths] for metric in ("test_error", "error"))
    return {"test": test, "valid": valid, "trainings": counts}


def protocol_summary(runs: list[dict]) -> dict:
    """Returns means over the runs of one row."""
    test, valid, counts = (np.array([run[name] for run in runs]) for name in ("test", "valid", "trainings"))
    at = int(np.flatnonzero(NASBENCH201.seconds == MARKS)[0])
    return {
        "test_mean": rounded(test[:, at].mean()),
        "test_std": rounded(test[:, at].std(ddof=1)),
        "test_standard_error": rounded(test[:, at].std(ddof=1) / np.sqrt(len(runs))),
        "validation_mean": rounded(valid[:, at].mean()),
        "trainings_mean": rounded(counts[:, at].mean()),
        "test_mean_at_each_1200_s": [rounded(value) for value in test.mean(axis=0)],
    }


def best_seen(strategy: Strategy) -> Architecture:
    return strategy.best(1)[0]


def mode(strategy: Strategy) -> Architecture:
    return strategy.policy.mode()


def regrets(make: Make, seed: int, table: Table) -> list[float]:
    """Returns the regret of one run, in points, at each number of queries."""
    lowest = table.optimum("error")
    curve = np.full(max(QUERIES), np.inf)
    strategy = Distinct(make(table.space, seed), lambda architecture: repr(architecture.choices))
    for query in range(max(QUERIES)):
        asked = strategy.ask(1)
        if not asked:  # a policy that has settled has nothing new to ask
            break
        trial = table.trial(asked[0])
        curve[query] = trial.metrics["error"] - lowest
        strategy.tell([trial])
    return (100 * np.minimum.accumulate(curve)[np.array(QUERIES) - 1]).tolist()


def rounded(value: float) -> float:
    return round(float(value), 3)


def piece(row: str, dataset: str, seeds: range) -> list:
    """Returns what came of each seed of a row: its protocol, or its regret on a data set."""
    if dataset:
        table = table_named(f"nasbench201/{dataset}/12")
        return [regrets(methods()[row], seed, table) for seed in seeds]
    make, pick = variants()[row]
    tables = table_named(NASBENCH201.table), table_named(NASBENCH201.judge)
    return [protocol(make, seed, pick, tables) for seed in seeds]


def pieces(row: str, dataset: str, seeds: int) -> dict[str, Callable[[], list]]:
    """Returns the pieces of a row by name."""
    parts = [range(seeds)[first : first + PIECE] for first in range(0, seeds, PIECE)]
    return {
        f"{row} / {dataset or 'protocol'} / {part[0]}-{part[-1]}": functools.partial(
            piece, row, dataset, part
        )
        for part in parts
    }


def variants() -> dict[str, tuple[Make, Callable]]:
    """Returns the published methods, and what else may be meant by them, each with how it picks."""
    ours = methods()
    found: dict[str, tuple[Make, Callable]] = {name: (make, best_seen) for name, make in ours.items()}
    for rate in (0.01, 0.1):
        name = f"reinforce(learning_rate={rate})"
        found[f"{name}, mode of the policy"] = ours[name], mode
    found["evolution, node first"] = node_first, best_seen
    found["bohb, one budget"] = one_budget, best_seen
    return found


def beside_published(found: dict[str, dict]) -> dict[str, dict]:
    """Returns the rows with what was published of them and how far off they are."""
    published = {label(row): row for row in NASBENCH201.rows}
    result = {}
    for name, ours in found.items():
        result[name] = ours
        if name in published:
            row = published[name]
            difference = ours["test_mean"] - row.mean
            near = bool(abs(difference) <= NASBENCH201.tolerance)
            known = {"published_mean": row.mean, "published_std": row.std}
            result[name] = {**known, "difference": rounded(difference), "reproduced": near, **ours}
    return result


def beside_computed(rows: list[tuple[str, str, list[float]]]) -> dict[str, dict]:
    """Returns regrets on three data sets beside the computed ones."""
    found: dict[str, dict] = {}
    for name, dataset, ours in rows:
        wanted = REGRET[name][dataset]
        near = [abs(a - b) <= max(0.15 * b, 0.1) for a, b in zip(ours, wanted, strict=True)]
        compared = {"ours": ours, "computed": list(wanted), "within_15_percent_or_0.1": near}
        found.setdefault(name, {})[dataset] = compared
    return found


def main() -> None:
    """Runs and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=200, help="runs of the protocol, of each method")
    parser.add_argument("--regret-seeds", type=int, default=100, help="runs of each regret")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--folder", type=Path, default=Path("runs/nasbench201_protocol"), help="see above")
    parser.add_argument("--out", type=Path, help="also write the line there")
    arguments = parser.parse_args()
    seeds, regret_seeds = arguments.seeds, arguments.regret_seeds
    protocols = {name: pieces(name, "", seeds) for name in variants()}
    regret = {(name, of): pieces(name, of, regret_seeds) for name, all_of in REGRET.items() for of in all_of}
    # The first seeds of all rows come first.
    rows = [list(row.items()) for row in (*protocols.values(), *regret.values())]
    wanted = dict(one for some in zip_longest(*rows) for one in some if one)
    known = carry_out(wanted, arguments.folder / "pieces.jsonl", arguments.workers)
    runs = {name: [run for one in row for run in known[one]] for name, row in protocols.items()}
    curves = {of: [run for one in row for run in known[one]] for of, row in regret.items()}
    result = {
        "bench": "nasbench201_protocol",
        **machine(),
        "seeds": [0, seeds - 1],
        "regret_seeds": [0, regret_seeds - 1],
        "seconds": NASBENCH201.seconds,
        "marks": MARKS.tolist(),
        "protocol": beside_published({name: protocol_summary(row) for name, row in runs.items()}),
        "regret_at": QUERIES,
        "regret": beside_computed(
            [(*of, [rounded(value) for value in np.mean(row, axis=0)]) for of, row in curves.items()]
        ),
    }
    line = json.dumps(result)
    print(line)
    if arguments.out:
        arguments.out.write_text(line + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
