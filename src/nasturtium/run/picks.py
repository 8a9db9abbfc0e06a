"""Which networks of a front to look at closely: the most accurate, the knee, the cheapest."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasturtium.front.dominance import non_dominated
from nasturtium.front.objectives import Constraint, Objective, values
from nasturtium.protocols import Trial

Points = NDArray[np.float64]

QUALITY = frozenset({"error", "loss", "test_error"})


@dataclass(frozen=True, slots=True)
class Choice:
    """One network chosen from a front.

    Attributes:
        row: Which point it is.
        name: Why it was chosen.
    """

    row: int
    name: str


def feasible(
    trials: Iterable[Trial], objectives: Sequence[Objective], constraints: Sequence[Constraint]
) -> tuple[list[Trial], Points]:
    """Returns the trials that succeeded and meet the constraints, and their objectives [n, m].

    Where networks were trained at several fidelities, only those of the highest: an error after three epochs
    says nothing beside one after nine.
    """
    kept, points = [], []
    for trial in _of_highest_fidelity([trial for trial in trials if trial.status == "ok"]):
        point = values(objectives, trial)
        if all(map(math.isfinite, point)) and all(bound.holds(trial.metrics) for bound in constraints):
            kept.append(trial)
            points.append(point)
    return kept, np.array(points, dtype=float).reshape(len(kept), len(objectives))


def _of_highest_fidelity(trials: Sequence[Trial]) -> Sequence[Trial]:
    fidelities = [math.inf if t.candidate.fidelity is None else t.candidate.fidelity for t in trials]
    highest = max(fidelities, default=math.inf)
    return [trial for trial, fidelity in zip(trials, fidelities, strict=True) if fidelity == highest]


def within(
    trials: Sequence[Trial], points: Points, objectives: Sequence[Objective], budgets: Sequence[Constraint]
) -> list[Choice]:
    """Returns for each budget the point of lowest error among those that meet it, where any does.

    Called for it: ``latency_ms-2`` for ``latency_ms <= 2``. The best within two budgets is chosen once, for
    the first.
    """
    quality = next((i for i, o in enumerate(objectives) if o.metrics & QUALITY), 0)
    found: dict[int, str] = {}
    for budget in budgets:
        rows = [row for row, trial in enumerate(trials) if budget.holds(trial.metrics)]
        if rows:
            found.setdefault(rows[_lowest(points[rows], quality)], called(budget))
    return [Choice(row, name) for row, name in found.items()]


def called(budget: Constraint) -> str:
    """Returns the name of the pick within a budget."""
    return f"{budget.metric}-{budget.bound:.12g}"


def unmet(trials: Sequence[Trial], budgets: Sequence[Constraint]) -> list[str]:
    """Returns what to say of budgets that none of the trials meets, and how near they come."""
    said = []
    for budget in budgets:
        values = [t.metrics[budget.metric] for t in trials if budget.metric in t.metrics]
        if any(budget.holds(trial.metrics) for trial in trials):
            continue
        nearest = (min if budget.upper else max)(values, default=math.nan)
        said.append(
            f"no network that was found meets {budget}, the nearest has {nearest:.6g}; a longer search or "
            f'subject_to "{budget}" may find one'
        )
    return said


def picked(
    trials: Sequence[Trial],
    points: Points,
    objectives: Sequence[Objective],
    count: int,
    budgets: Sequence[Constraint] = (),
) -> list[Choice]:
    """Returns the points `within` each budget, and as many more that `choose` finds as make `count`."""
    chosen = {one.row: one for one in within(trials, points, objectives, budgets)}
    for one in choose(points, objectives, count) if count else ():
        if len(chosen) < count:
            chosen.setdefault(one.row, one)
    return list(chosen.values())


def contenders(
    trials: Sequence[Trial],
    points: Points,
    objectives: Sequence[Objective],
    count: int,
    budgets: Sequence[Constraint] = (),
) -> list[int]:
    """Returns the rows of up to `count` points that may turn out best, and of the best within each budget.

    Where their errors are uncertain, as with shared weights, a second look is worth most near the budgets: at
    the best within each, then at the second best, and so on. What is left over, or all of it without budgets,
    is spread over the front.
    """
    chosen, least, left = list[int](), 0, list(range(len(trials)))
    while left and len(chosen) < max(count, 1):
        found = within([trials[row] for row in left], points[left], objectives, budgets)
        if not found:
            break
        chosen += [left[one.row] for one in found]
        least = least or len(chosen)  # no budget goes without
        left = [row for row in left if row not in chosen]
    spread = [one.row for one in choose(points, objectives, count)]
    return list(dict.fromkeys(chosen + spread))[: max(count, least)]


def choose(points: Points, objectives: Sequence[Objective], count: int) -> list[Choice]:
    """Returns up to `count` points worth a closer look.

    With one objective: the lowest. With several, from the front: the lowest error, the knee (nearest to
    the ideal point, every objective scaled to 0..1 over the front), the lowest cost; then, again and
    again, the point farthest from those chosen. A point that is two of these is chosen once.

    Args:
        points: Objective values, [n, objectives], all finite.
        objectives: What they are values of.
        count: How many to choose.
    """
    if len(objectives) == 1:
        order = np.argsort(points[:, 0], kind="stable")[:count].tolist()
        return [Choice(row, f"best-{place}" if place > 1 else "best") for place, row in enumerate(order, 1)]
    front = np.flatnonzero(non_dominated(points))
    return [Choice(int(front[row]), name) for row, name in _spread(points[front], objectives, count)]


def _spread(front: Points, objectives: Sequence[Objective], count: int) -> list[tuple[int, str]]:
    if not len(front):
        return []
    low, high = front.min(axis=0), front.max(axis=0)
    scaled = (front - low) / np.where(high > low, high - low, 1.0)
    quality = next((i for i, o in enumerate(objectives) if o.metrics & QUALITY), 0)
    cost = next(i for i in range(len(objectives)) if i != quality)
    names: dict[int, str] = {}
    names.setdefault(_lowest(front, quality), "accurate")
    names.setdefault(int(np.argmin((scaled**2).sum(axis=1))), "knee")
    names.setdefault(_lowest(front, cost), "cheapest")
    while len(names) < min(count, len(front)):
        gaps = np.linalg.norm(scaled[:, None] - scaled[list(names)], axis=2).min(axis=1)  # [n]
        gaps[list(names)] = -1.0  # points of equal front are as far from each other as from themselves
        names[int(np.argmax(gaps))] = f"between-{len(names) - 2}"
    return list(names.items())[:count]


def _lowest(front: Points, column: int) -> int:
    """The row lowest in one objective; among equals, the lowest in the others."""
    others = [front[:, i] for i in range(front.shape[1]) if i != column]
    return int(np.lexsort([*others[::-1], front[:, column]])[0])
