"""Several objectives as one score, for methods that know a single one."""

import numpy as np
from numpy.typing import NDArray

AUGMENTATION = 0.05


def scalar(values: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Returns one score per row, to be made small.

    A single objective is returned as it is, and draws nothing. Several are scaled to 0..1 over the rows and
    joined by the augmented Chebyshev function under weights drawn uniformly from the simplex, so that asking
    with one draw after another covers the front (Knowles 2006, ParEGO, eq. 2).

    Args:
        values: Objective values, finite, [n, objectives].
        rng: Draws the weights.
    """
    if values.shape[1] == 1:
        return values[:, 0]
    low, high = values.min(axis=0), values.max(axis=0)
    shares = (values - low) / np.where(high > low, high - low, 1.0)
    weighted = shares * rng.dirichlet(np.ones(values.shape[1]))
    scores: NDArray[np.float64] = weighted.max(axis=1) + AUGMENTATION * weighted.sum(axis=1)
    return scores
