"""How far from the best of a table methods end: `auto`, the other strategies, and samplers of others.

    python bench/regret.py --result bench/results/regret.json
    python bench/regret.py --fcnet --result bench/results/regret-fcnet.json

Every method sees one training of each network and is judged by the mean of all trainings of what its own
`best(1)` picks. Methods of one seed see the same numbers, so they are compared in pairs by the Wilcoxon
signed-rank test. Methods that take half a second and more for each ask have fewer evaluations, seeds and
tables. Stopped and called again, it goes on, in --out and in a folder beside it for the slow ones; --methods
and --slow choose what is run now, and what was run before is in the result too.

Prints one JSON line: per table and method the mean regret at 25, 50, 100 and 200 evaluations, in points of
accuracy where the table is one of accuracies, its ratio to that of `auto`, the p-value, and the median
milliseconds of ask and tell. Beside them stand the seers of NAS-Bench-Macro: each is told which K networks
truly are the best, and picks the one of them whose one training looks best. That is what single trainings
can tell at all.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.stats import wilcoxon

from machine import machine
from nasturtium.protocols import Candidate
from nasturtium.run.bench.api import bench
from nasturtium.run.bench.protocol import seeds_of
from nasturtium.run.bench.results import Results
from nasturtium.run.names import table_named

DATASETS = ("cifar10", "cifar100", "ImageNet16-120")
TABLES = ("nasbench_macro", *(f"nasbench201/{dataset}/12" for dataset in DATASETS))
FCNET = ("fcnet/protein_structure", "fcnet/slice_localization")
METHODS = ("random", "evolution", "local", "reinforce(learning_rate=0.1)", "tpe", "auto")
SLOW = ("smac", "bench/rivals.py:OptunaGP", "bananas", "pnas")
SLOW_TABLES = ("nasbench_macro", *FCNET)
MARKS = (25, 50, 100, 200)
SEEN_BY_SEERS = "nasbench_macro"
TOLD = (12, 6)
DRAWS = 2000  # seeds of a seer whose error is far below the differences between methods


def row(results: Results, ours: Results | None, table: str, method: str) -> dict[str, object]:
    """Returns the figures of one method on one table, beside those of `auto` where these are known."""
    unit = 1.0 if table.startswith("fcnet") else 100.0
    marks = [mark for mark in results.marks if mark in MARKS]
    every = unit * at(results, table, method, marks)
    ms = np.concatenate([np.array(course.ms) for course in results.courses(table, method)])
    return {
        "method": method,
        "seeds": len(every),
        "mean": [float(f"{value:.4g}") for value in every.mean(axis=0)],
        "standard_error": [float(f"{value:.2g}") for value in every.std(axis=0) / np.sqrt(len(every))],
        **(beside(results, ours, table, method, marks) if ours else {}),
        "ms": round(float(np.median(ms)), 2),
    }


def beside(results: Results, ours: Results, table: str, method: str, marks: list[float]) -> dict[str, object]:
    """Returns how the method compares with `auto` on the seeds that both have."""
    both = [(results, method), (ours, "auto")]
    seeds = sorted(set.intersection(*({c.seed for c in of.courses(table, name)} for of, name in both)))
    mine, autos = (at(of, table, name, marks, seeds) for of, name in both)
    pairs = list(zip(mine.T, autos.T, strict=True))
    return {
        "ratio_to_auto": [round(float(m.mean() / a.mean()), 2) if a.mean() > 0 else None for m, a in pairs],
        "p": [None if (m == a).all() else float(f"{wilcoxon(m, a).pvalue:.2g}") for m, a in pairs],
    }


def at(
    results: Results, table: str, method: str, marks: list[float], seeds: list[int] | None = None
) -> np.ndarray:
    """Returns regrets at marks, [seeds, marks]."""
    columns = [results.marks.index(mark) for mark in marks]
    return results.regret(table, method, seeds=seeds)[:, columns]


def seers(seeds: Sequence[int]) -> dict[str, object]:
    """Returns the regret of seers who are told the best 12 and the best 6: on `seeds`, and on many."""
    table = table_named(SEEN_BY_SEERS)
    best = sorted(table.architectures(), key=lambda one: table.truth(one)[table.objective])[: max(TOLD)]
    truth = np.array([table.truth(one)[table.objective] for one in best])

    def regrets(told: int, seeds: Sequence[int]) -> np.ndarray:
        picked = []
        for seed in seeds:
            table.seed = seed  # of the one training of each network that methods of this seed see
            seen = [table.trial(Candidate(one)).metrics[table.objective] for one in best[:told]]
            picked.append(np.argmin(seen))
        return 100 * (truth[picked] - truth[0])

    found: dict[str, object] = {}
    for told in TOLD:
        same, many = regrets(told, seeds), regrets(told, range(DRAWS))
        found[str(told)] = {
            "seeds": len(seeds),
            "mean": float(f"{same.mean():.4g}"),
            "standard_error": float(f"{same.std() / np.sqrt(len(seeds)):.2g}"),
            "draws": DRAWS,
            "mean_of_draws": float(f"{many.mean():.4g}"),
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fcnet", action="store_true", help="multilayer perceptrons, instead of cells")
    parser.add_argument("--methods", nargs="*", default=METHODS)
    parser.add_argument("--seeds", default="100-149")
    parser.add_argument("--budget", help="200, or 100 with --fcnet")
    parser.add_argument("--slow", nargs="*", default=SLOW, help="methods")
    parser.add_argument("--slow-seeds", default="100-129")
    parser.add_argument("--slow-budget", default="100")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--out", type=Path, help="folder; runs/regret or runs/regret-fcnet")
    parser.add_argument("--result", type=Path, help="also write the line there")
    given = parser.parse_args()
    every = FCNET if given.fcnet else TABLES
    few = [table for table in every if table in SLOW_TABLES]
    out = given.out or Path("runs/regret-fcnet" if given.fcnet else "runs/regret")
    parts = [
        (every, given.methods, given.seeds, given.budget or ("100" if given.fcnet else "200"), out),
        (few, given.slow, given.slow_seeds, given.slow_budget, out.with_name(out.name + "-slow")),
    ]
    for tables, methods, seeds, budget, folder in parts:
        if methods:
            bench(tables, methods, seeds=seeds, budget=budget, out=folder, workers=given.workers)
    found = [Results.load(folder) for *_, folder in parts if folder.exists()]
    told = {} if given.fcnet else {"seers": seers(seeds_of(given.seeds))}
    line = json.dumps(report(found, every) | told)
    print(line)
    if given.result:
        given.result.write_text(line + "\n", encoding="utf-8")


def report(found: list[Results], tables: Sequence[str]) -> dict[str, object]:
    """Returns what is printed."""
    rows = {}
    for table in tables:
        ours = next((one for one in found if "auto" in one.methods(table)), None)
        rows[table] = [row(one, ours, table, method) for one in found for method in one.methods(table)]
    marks = sorted({mark for one in found for mark in one.marks if mark in MARKS})
    failed = [f"{bad.table} {bad.method} {bad.seed}: {bad.error}" for one in found for bad in one.failures]
    return {"bench": "regret", **machine(), "marks": marks, "tables": rows, "failed": failed}


if __name__ == "__main__":
    main()
