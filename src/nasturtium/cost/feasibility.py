"""What costs a space can have: how far they reach, and which share of it meets the constraints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from nasturtium.architecture import Architecture
from nasturtium.errors import InfeasibleSpace
from nasturtium.front.objectives import Constraint
from nasturtium.protocols import CostModel
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space

Value = Callable[[Architecture], float]

STARTS = 3  # samples from which the ends of a cost are looked for


@dataclass(frozen=True, slots=True)
class Reach:
    """How far one cost reaches over a space.

    Attributes:
        metric: Its name.
        smallest: The smallest that was reached, by going down from samples as long as a neighbour is smaller.
        low: The 5th percentile of random architectures.
        median: Their median.
        high: Their 95th percentile.
        largest: The largest that was reached.
    """

    metric: str
    smallest: float
    low: float
    median: float
    high: float
    largest: float


@dataclass(frozen=True, slots=True)
class Feasibility:
    """What a space offers under constraints, before anything is trained.

    Attributes:
        reaches: One per cost.
        samples: Random architectures that were looked at.
        feasible: Share of them that meet all constraints.
    """

    reaches: tuple[Reach, ...]
    samples: int
    feasible: float


def feasibility(
    space: Space,
    costs: CostModel,
    metrics: Iterable[str],
    constraints: Sequence[Constraint] = (),
    *,
    samples: int = 1000,
    seed: int = 0,
) -> Feasibility:
    """Returns how far costs reach, and the share of random architectures that meet the constraints.

    Args:
        space: Bound to the shapes of a task.
        costs: Cheap ones: counts, or the promises of a device profile.
        metrics: Costs to look at; those of the constraints are looked at too.
        constraints: On these costs.
        samples: Random architectures.
        seed: Of the samples.
    """
    names = tuple(dict.fromkeys([*metrics, *(one.metric for one in constraints)]))
    drawn = _drawn(space, samples, seed)
    rows = [costs(one, names) for one in drawn]
    met = np.mean([all(one.holds(row) for one in constraints) for row in rows])
    reaches = []
    for name in names:
        values = np.array([row[name] for row in rows])
        order = [drawn[i] for i in np.argsort(values)]
        value = _valued(costs, name)
        low, median, high = np.percentile(values, [5, 50, 95]).tolist()
        smallest = min(_descended(space, value, one) for one in order[:STARTS])
        largest = -min(_descended(space, lambda a, v=value: -v(a), one) for one in order[-STARTS:])  # type: ignore[misc]
        reaches.append(Reach(name, smallest, low, median, high, largest))
    return Feasibility(tuple(reaches), samples, float(met))


def check_reachable(
    space: Space, costs: CostModel, constraints: Sequence[Constraint], *, samples: int = 100, seed: int = 0
) -> None:
    """Makes sure that each constraint by itself can be met.

    Args:
        space: Bound to the shapes of a task.
        costs: Cheap ones.
        constraints: On these costs.
        samples: Random architectures among which the descent starts.
        seed: Of these.

    Raises:
        InfeasibleSpace: One cannot; the message says the smallest (or largest) cost that was reached.
    """
    drawn = _drawn(space, samples, seed)
    for constraint in constraints:
        sign = 1.0 if constraint.upper else -1.0
        value = _valued(costs, constraint.metric)

        def cost(one: Architecture, sign: float = sign, value: Value = value) -> float:
            return sign * value(one)

        known = {constraint.metric: sign * min(map(cost, drawn))}
        if constraint.holds(known):
            continue
        starts = sorted(drawn, key=cost)[:STARTS]
        known = {constraint.metric: sign * min(_descended(space, cost, one) for one in starts)}
        if not constraint.holds(known):
            end = "smallest" if constraint.upper else "largest"
            raise InfeasibleSpace(
                f"no network of {space.name} has {constraint}: the {end} {constraint.metric} that can be "
                f"reached is {known[constraint.metric]:.6g}; relax the constraint or widen the space"
            )


def _drawn(space: Space, samples: int, seed: int) -> list[Architecture]:
    return [space.sample(rng_for(seed, "feasibility", i)) for i in range(samples)]


def _valued(costs: CostModel, name: str) -> Value:
    return lambda architecture: costs(architecture, [name])[name]


def _descended(space: Space, value: Value, here: Architecture) -> float:
    """Returns the value at the end of a descent to the best neighbour, as long as there is a better one."""
    now = value(here)
    while True:
        best = min(
            ((value(one), one) for one in space.neighbours(here)), key=lambda row: row[0], default=None
        )
        if best is None or best[0] >= now:
            return now
        now, here = best
