"""Which front methods reach with a dozen to a hundred trainings, and how they learn a bound that comes late.

    python bench/fronts.py [--cases ...] [--methods ...] [--seeds 200-229] [--workers 1] [--out file.json]

Two objectives: every method sees one training of each network and is judged by the means of all trainings.
Figures are shares of the hypervolume of the table's true front, with costs in logarithms, within the box of
that front and a tenth more: `evaluated` of all networks that it trained, `good` the same in the box of that
part of the front whose error is below the median of the table, `front` of those that looked best by one
training each, `best` of the ten that its own `best` names. A bound that only a training tells (`late`): the
mean error of the best feasible network of those trained, and of `best(1)`, as regret in points of accuracy
(one that breaks the bound, or none, counts like the tenth from below of the feasible), and the share of
trainings within the bound. Methods of a seed see the same numbers, so they are compared in pairs by the
Wilcoxon signed-rank test. `ms` is the processor's time for ask and tell, the median over trials.
"""

import argparse
import inspect
import json
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import wilcoxon

from machine import machine
from nasturtium.architecture import Architecture
from nasturtium.evaluate.table import Level, Table, means
from nasturtium.front.dominance import hypervolume, non_dominated
from nasturtium.front.objectives import Constraint, Objective, subject_to
from nasturtium.protocols import Strategy, Trial
from nasturtium.run.bench.entry import entry_of
from nasturtium.run.bench.protocol import seeds_of
from nasturtium.run.names import settings, table_named
from nasturtium.strategy.distinct import Distinct
from package_tables import SOURCE, by_rank

MARKS = (12, 24, 50)
METHODS = ("random", "evolution", "nsga2", "tpe", "auto")
COUNTED = ("params", "macs")


@dataclass(frozen=True, slots=True)
class Case:
    """What is searched for.

    Attributes:
        table: Name of a table.
        cost: The second objective, or what is bounded.
        late: The bound is this quantile of the cost; 0 makes the cost an objective.
    """

    table: str
    cost: str
    late: float = 0.0

    @property
    def name(self) -> str:
        """What it is called in results."""
        return f"{self.table} {self.cost}" + (f" within its {self.late:.0%} quantile" if self.late else "")


CASES = (
    Case("nasbench201/cifar10/12", "params"),
    Case("nasbench201/cifar10/12", "latency_ms"),
    Case("nasbench201/cifar100/12", "fpga_ms"),
    Case("nasbench_macro", "params"),
    Case("nasbench_macro", "macs"),
    Case("fcnet/protein_structure", "params"),
    Case("nasbench201/cifar10/12", "latency_ms", 0.2),
    Case("nasbench201/cifar100/12", "eyeriss_ms", 0.2),
    Case("nasbench_macro", "macs", 0.1),
)


class Costs:
    """The counts of a table, as a cost model: what a search of trainings knows beforehand."""

    names = frozenset(COUNTED)

    def __init__(self, table: Table) -> None:
        self.table, self.level = table, table.levels[table.epochs]

    def __call__(self, architecture: Architecture, names: Iterable[str]) -> dict[str, float]:
        """Returns the metrics called `names`."""
        row = self.table.row(architecture)
        assert row is not None
        return {name: float(self.level.once[name][row]) for name in names}


@lru_cache(maxsize=8)
def table_of(name: str, cost: str, seed: int | None) -> Table:
    """Returns a table, with the latencies of a device where the cost is one."""
    table = table_named(name, seed=seed)
    if cost in table.metrics:
        return table
    level = table.levels[table.epochs]
    level = Level({**level.once, cost: _measured(cost.removesuffix("_ms"))}, level.runs)
    return Table(table.space, {table.epochs: level}, table.row, epochs=table.epochs, seed=seed)


@cache
def _measured(device: str) -> Any:
    """Returns the latencies of NAS-Bench-201 on a device (Lee et al. 2021, arXiv:2106.08630), by rank."""
    with np.load(SOURCE / "nasbench201" / "nb201_tss.npz") as file:
        ops = file["ops"]
    with np.load(SOURCE / "hw_latency" / "help_nb201.npz") as file:
        values = file["latency_ms"][list(file["devices"]).index(device)].astype(float)
    return values[by_rank(ops, 5)]


@cache
def truth(case: Case) -> Any:
    """Returns error (mean over trainings) and cost of every row of a table, [rows, 2]."""
    table = table_of(case.table, case.cost, None)
    level = table.levels[table.epochs]
    name = table.objective
    error = level.once[name] if name in level.once else means(level.runs[name])
    return np.stack([error, level.once[case.cost]], axis=1)


@cache
def bound(case: Case) -> float:
    """Returns the bound of a late constraint."""
    return float(np.quantile(truth(case)[:, 1], case.late))


def share(case: Case, rows: Sequence[int], *, good: bool = False) -> float:
    """Returns the share of the hypervolume of the true front that some rows reach."""
    points, front = _scaled(case, good)
    return hypervolume(points[list(rows)], (1.0, 1.0)) / front if len(rows) else 0.0


@cache
def _scaled(case: Case, good: bool) -> tuple[Any, float]:
    points = truth(case).copy()
    points[:, 1] = np.log(points[:, 1])
    front = points[non_dominated(points)]
    if good:
        front = front[front[:, 0] <= np.median(points[:, 0])]
    low, high = front.min(axis=0), front.max(axis=0)
    scaled = (points - low) / (high + 0.1 * (high - low) - low)
    return scaled, hypervolume(scaled[non_dominated(scaled)], (1.0, 1.0))


def strategy_of(method: str, case: Case, table: Table, seed: int) -> Strategy:
    """Returns a fresh strategy; it is given the counts where it takes them."""
    error, cost = Objective(table.objective), Objective(case.cost)
    objectives: tuple[Objective, ...] = (error, cost)
    if case.late:
        objectives = subject_to([error], [Constraint(case.cost, "<=", bound(case))])
    entry = entry_of(method.removesuffix(" without costs"))
    made: Callable[..., Strategy] = entry.method()
    known: dict[str, Any] = {}
    if "costs" in inspect.signature(made).parameters and not method.endswith(" without costs"):
        known["costs"] = Costs(table)
    parameters: dict[str, Any] = dict(entry.parameters)
    strategy = made(table.space, seed=seed, objectives=objectives, **known, **settings(parameters))
    return Distinct(strategy, table.space.canonical)


def course(job: tuple[str, Case, int, tuple[int, ...]]) -> dict[str, Any]:
    """Runs one method on one case from one seed."""
    method, case, seed, marks = job
    table = table_of(case.table, case.cost, seed)
    strategy = strategy_of(method, case, table, seed)
    trials: list[Trial] = []
    figures: dict[str, list[float]] = {}
    ms: list[float] = []
    while len(trials) < marks[-1]:
        start = time.process_time()
        asked = strategy.ask(1)
        if not asked:
            break
        spent = time.process_time() - start
        trials.append(table.trial(asked[0]))
        start = time.process_time()
        strategy.tell(trials[-1:])
        ms.append(1000 * (time.process_time() - start + spent))
        if len(trials) in marks:
            for name, value in _judged(case, table, trials, strategy).items():
                figures.setdefault(name, []).append(value)
    return {"method": method, "case": case.name, "seed": seed, "ms": float(np.median(ms)), **figures}


def _judged(case: Case, table: Table, trials: Sequence[Trial], strategy: Strategy) -> dict[str, float]:
    done = [trial for trial in trials if trial.status == "ok"]
    rows = [_row(table, trial.architecture) for trial in done]
    if case.late:
        return _judged_late(case, table, rows, strategy)
    seen = np.array([(t.metrics[table.objective], t.metrics[case.cost]) for t in done])
    best = [_row(table, architecture) for architecture in strategy.best(10)]
    return {
        "evaluated": share(case, rows),
        "good": share(case, rows, good=True),
        "front": share(case, np.array(rows)[non_dominated(seen)].tolist()),
        "best": share(case, best),
    }


def _judged_late(case: Case, table: Table, rows: Sequence[int], strategy: Strategy) -> dict[str, float]:
    points, limit = truth(case), bound(case)
    feasible = points[:, 1] <= limit
    lowest = points[feasible, 0].min()
    worst = float(np.quantile(points[feasible, 0], 0.9))  # the price of having none
    found = min((points[row, 0] for row in rows if feasible[row]), default=worst)
    picked = [_row(table, architecture) for architecture in strategy.best(1)]
    pick = min((points[row, 0] for row in picked if feasible[row]), default=worst)
    unit = 1.0 if table.objective == "loss" else 100.0
    return {
        "regret_found": unit * (min(found, worst) - lowest),
        "regret_picked": unit * (min(pick, worst) - lowest),
        "feasible": float(feasible[list(rows)].mean()),
    }


def _row(table: Table, architecture: Architecture) -> int:
    row = table.row(architecture)
    assert row is not None
    return row


def summary(courses: Sequence[dict[str, Any]], marks: Sequence[int], against: str) -> list[dict[str, Any]]:
    """Returns a row of figures for every method of one case."""
    by = {(one["method"], one["seed"]): one for one in courses}
    methods = list(dict.fromkeys(one["method"] for one in courses))
    names = [name for name in courses[0] if name not in ("method", "case", "seed", "ms")]
    rows = []
    for method in methods:
        seeds = sorted(s for m, s in by if m == method and (against, s) in by)
        row: dict[str, Any] = {"method": method, "seeds": len(seeds)}
        for name in names:
            mine = np.array([by[method, s][name] for s in seeds])
            ours = np.array([by[against, s][name] for s in seeds])
            row[name] = [float(f"{v:.4g}") for v in mine.mean(axis=0)]
            row[f"{name}_error"] = [float(f"{v:.2g}") for v in mine.std(axis=0) / np.sqrt(len(mine))]
            row[f"{name}_p"] = [_p(mine[:, i], ours[:, i]) for i in range(mine.shape[1])]
        row["ms"] = round(float(np.median([by[method, s]["ms"] for s in seeds])), 2)
        rows.append(row)
    return rows


def _p(mine: Any, ours: Any) -> float | None:
    return None if np.array_equal(mine, ours) else float(f"{wilcoxon(mine, ours).pvalue:.2g}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Fronts and late constraints on tables of known results.")
    parser.add_argument("--cases", nargs="+", type=int, default=range(len(CASES)), help="their numbers")
    parser.add_argument("--methods", nargs="+", default=METHODS)
    parser.add_argument("--seeds", default="200-229")
    parser.add_argument("--marks", nargs="+", type=int, default=MARKS)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--against", default="auto", help="p-values compare with it")
    parser.add_argument("--out")
    given = parser.parse_args()
    cases, marks = [CASES[i] for i in given.cases], tuple(given.marks)
    jobs = [(m, case, s, marks) for case in cases for s in seeds_of(given.seeds) for m in given.methods]
    if given.workers > 1:
        with ProcessPoolExecutor(given.workers) as pool:
            found = list(pool.map(course, jobs, chunksize=4))
    else:
        found = [course(job) for job in jobs]
    tables = {
        case.name: summary([one for one in found if one["case"] == case.name], marks, given.against)
        for case in cases
    }
    result = json.dumps({"bench": "fronts", **machine(), "marks": marks, "cases": tables})
    print(result)
    if given.out:
        Path(given.out).write_text(result + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
