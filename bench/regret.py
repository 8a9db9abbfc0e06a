"""How far from the best of a table methods end: `auto`, the other strategies, and samplers of others.

    python bench/regret.py [--tables ...] [--methods ...] [--seeds 50] [--budget 200] [--out runs/regret]

Every method sees one training of each network and is judged by the mean of all trainings of what its own
`best(1)` picks. Methods of one seed see the same numbers, so they are compared in pairs by the Wilcoxon
signed-rank test. Stopped and called again, it goes on. Prints one JSON line: per table and method the mean
regret at 25, 50, 100 and 200 evaluations, in points of accuracy where the table is one of accuracies, its
ratio to that of `auto`, the p-value, and the median milliseconds of ask and tell.
"""

import argparse
import json

import numpy as np
from scipy.stats import wilcoxon

from machine import machine
from nasturtium.run.bench.api import bench
from nasturtium.run.bench.results import Results

TABLES = (
    *("nasbench201/cifar10/12", "nasbench201/cifar100/12", "nasbench201/ImageNet16-120/12"),
    *("nasbench_macro", "fcnet/protein_structure", "fcnet/slice_localization"),
)
METHODS = ("random", "evolution", "local", "tpe", "smac", "bench/rivals.py:OptunaGP", "auto")


def row(results: Results, table: str, method: str, marks: list[float]) -> dict[str, object]:
    """Returns the figures of one method on one table."""
    unit = 1.0 if table.startswith("fcnet") else 100.0
    columns = [results.marks.index(mark) for mark in marks]
    seeds = [course.seed for course in results.courses(table, method)]
    shared = sorted({*seeds} & {course.seed for course in results.courses(table, "auto")})
    mine, ours = (results.regret(table, name, seeds=shared)[:, columns] * unit for name in (method, "auto"))
    every = results.regret(table, method)[:, columns] * unit
    ms = np.concatenate([np.array(course.ms) for course in results.courses(table, method)])
    ratios = [
        round(float(b / a), 2) if a > 0 else None for a, b in zip(ours.mean(0), mine.mean(0), strict=True)
    ]
    return {
        "method": method,
        "seeds": len(seeds),
        "mean": [float(f"{value:.4g}") for value in every.mean(axis=0)],
        "standard_error": [float(f"{value:.2g}") for value in every.std(axis=0) / np.sqrt(len(every))],
        "ratio_to_auto": ratios,
        "p": [
            None
            if (mine[:, i] == ours[:, i]).all()
            else float(f"{wilcoxon(mine[:, i], ours[:, i]).pvalue:.2g}")
            for i in range(len(marks))
        ],
        "ms": round(float(np.median(ms)), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Regret of methods on tables of known results.")
    parser.add_argument("--tables", nargs="+", default=TABLES)
    parser.add_argument("--methods", nargs="+", default=METHODS)
    parser.add_argument("--seeds", default="50")
    parser.add_argument("--budget", default="200")
    parser.add_argument("--out", default="runs/regret")
    given = parser.parse_args()
    bench(given.tables, given.methods, seeds=given.seeds, budget=given.budget, out=given.out)
    results = Results.load(given.out)
    marks = [mark for mark in results.marks if mark in (25, 50, 100, 200)]
    tables = {
        table: [row(results, table, method, marks) for method in results.methods(table)]
        for table in results.tables
    }
    failed = [f"{one.table} {one.method} {one.seed}: {one.error}" for one in results.failures]
    print(json.dumps({"bench": "regret", **machine(), "marks": marks, "tables": tables, "failed": failed}))


if __name__ == "__main__":
    main()
