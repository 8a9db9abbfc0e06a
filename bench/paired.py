"""Methods that saw the same seeds, compared in pairs."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from scipy.stats import ttest_rel

from nasturtium.run.bench.significance import holm


def compared(values: Mapping[str, Mapping[int, float]]) -> list[dict[str, Any]]:
    """Returns every pair of methods, tested on the seeds that both have.

    The p-values are of two-sided paired t-tests, and the same corrected by Holm for all pairs. With 5 seeds
    the signed-rank test cannot fall below 0.06, whatever the values.

    Args:
        values: Of each method and seed; lower is better.
    """
    rows = []
    for one, other in combinations(values, 2):
        seeds = sorted(values[one].keys() & values[other].keys())
        left, right = (np.array([values[name][seed] for seed in seeds]) for name in (one, other))
        tested = len(seeds) > 1 and bool((left != right).any())
        rows.append(
            {
                "pair": [one, other],
                "seeds": len(seeds),
                "difference": float((left - right).mean()) if seeds else None,
                "wins_of_first": int((left < right).sum()),
                "p": float(ttest_rel(left, right).pvalue) if tested else 1.0,
            }
        )
    corrected = holm([row["p"] for row in rows])
    return [row | {"p_holm": p} for row, p in zip(rows, corrected, strict=True)]


def mean(values: Sequence[float]) -> dict[str, float | None]:
    """Returns mean and its standard error, None of a single value."""
    error = float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
    return {"mean": float(np.mean(values)), "standard_error": error}
