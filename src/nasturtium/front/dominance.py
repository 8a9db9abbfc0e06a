"""Which points of several minimised objectives are worth keeping: ranks, crowding, hypervolume.

A row with a NaN or an infinity is not worth keeping: it is on no front, and ranks below every finite row.
"""

import math
from collections.abc import Sequence

import moocore
import numpy as np
from numpy.typing import ArrayLike, NDArray


def non_dominated(points: ArrayLike) -> NDArray[np.bool_]:
    """Returns which points no other dominates.

    One point dominates another when it is nowhere larger and somewhere smaller; equal points do not dominate
    each other, so all copies of a point on the front are on the front.

    Args:
        points: Objectives to be minimised, [points, objectives].

    Returns:
        Mask, [points].
    """
    return np.equal(ranks(points), 0)


def ranks(points: ArrayLike) -> NDArray[np.int64]:
    """Returns the index of the front that each point is on.

    0 is the non-dominated ones, 1 those that are non-dominated once these are taken away, and so on.

    Deb et al. 2002, NSGA-II, section III-A. Two objectives cost O(n log n) (Jensen 2003), through moocore.

    Args:
        points: Objectives to be minimised, [points, objectives].

    Returns:
        Ranks, [points]. Rows with a NaN or an infinity share one rank after the last front, at least 1.
    """
    rows = _rows(points)
    finite = np.isfinite(rows).all(axis=1)
    result = np.ones(len(rows), np.int64)
    if finite.any():
        result[finite] = moocore.pareto_rank(rows[finite])
        result[~finite] = result[finite].max() + 1
    return result


def crowding(points: ArrayLike) -> NDArray[np.float64]:
    """Returns how far each point of one front is from its neighbours.

    The crowding distance of Deb et al. 2002, NSGA-II, section III-B.

    Args:
        points: Objectives of one front, [points, objectives].

    Returns:
        Distances, [points]: inf for the ends of every objective, 0 for rows with a NaN or an infinity.
    """
    rows = _rows(points)
    finite = np.isfinite(rows).all(axis=1)
    inside = rows[finite]
    distance = np.zeros(len(inside))
    for column in inside.T:
        distance += _gaps(column)
    result = np.zeros(len(rows))
    result[finite] = distance
    return result


def _gaps(column: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the distance between the two neighbours of each value, as a share of the range, [points]."""
    order = np.argsort(column, kind="stable")
    ordered = column[order] / max(
        np.abs(column).max(initial=0.0), 1.0
    )  # scaled, so that the range cannot overflow
    spread = ordered[-1] - ordered[0] if len(ordered) else 0.0
    gaps = np.full(len(column), np.inf)
    gaps[order[1:-1]] = (ordered[2:] - ordered[:-2]) / spread if spread > 0 else 0.0
    return gaps


def order(points: Sequence[Sequence[float]] | NDArray[np.float64]) -> list[int]:
    """Returns the indices of the points, best first: by rank, then the less crowded, then as given.

    The crowded comparison of Deb et al. 2002, section III-B; with one objective it sorts.

    Args:
        points: Objectives to be minimised, [points, objectives].
    """
    if len(points) and len(points[0]) == 1:  # a strategy asks this of some twenty numbers after every trial
        column = [row[0] if math.isfinite(row[0]) else math.inf for row in points]
        return sorted(range(len(column)), key=column.__getitem__)
    rows = _rows(points)
    rank = ranks(rows)
    distance = np.zeros(len(rows))
    for front in np.unique(rank):
        members = rank == front
        distance[members] = crowding(rows[members])
    return [int(i) for i in np.lexsort((-distance, rank))]  # lexsort is stable, and its last key is the first


def hypervolume(points: ArrayLike, reference: Sequence[float]) -> float:
    """Returns the volume that the points dominate, up to the reference point: 0 when there are none.

    Args:
        points: Objectives to be minimised, [points, objectives].
        reference: A point worse than those of interest, [objectives]; what is beyond it counts nothing.
    """
    worst = np.asarray(reference, np.float64)
    if not np.isfinite(worst).all():
        raise ValueError(f"the reference point is {list(reference)}; every number must be finite")
    rows = _rows(points, len(worst))
    inside = rows[np.isfinite(rows).all(axis=1) & (rows < worst).all(axis=1)]
    return float(moocore.hypervolume(inside, ref=worst)) if len(inside) else 0.0


def _rows(points: ArrayLike, width: int | None = None) -> NDArray[np.float64]:
    rows = np.asarray(points, np.float64)
    if rows.size == 0 and rows.ndim < 2:
        rows = rows.reshape(0, width or 1)
    if rows.ndim != 2 or rows.shape[1] != (width or rows.shape[1]):
        raise ValueError(f"points are {list(rows.shape)}; they must be [points, {width or 'objectives'}]")
    return rows


def dominates(first: Sequence[float], second: Sequence[float]) -> bool:
    """Whether the first point is nowhere larger than the second and somewhere smaller; never with a NaN."""
    return all(a <= b for a, b in zip(first, second, strict=True)) and tuple(first) != tuple(second)
