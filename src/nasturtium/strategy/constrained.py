"""A wrapper that lets through only what meets the constraints on cheap costs."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from nasturtium.architecture import Architecture
from nasturtium.errors import InfeasibleSpace
from nasturtium.front.objectives import Constraint, check_consistent
from nasturtium.protocols import Candidate, CostModel, Strategy, Trial
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space
from nasturtium.strategy.asked import asked_of

COUNTED = frozenset({"params", "macs", "activation_bytes"})  # microseconds each; other costs may be measured
CHEAP = COUNTED | {"size_bytes", "int8_bytes", "memory_bytes"}  # told of a network's layers, too
PAIRS = 500  # changes of two decisions that a repair looks at where none of one helps
Shortfall = tuple[int, float]  # groups of constraints not yet met, and violation in the first of these
MET: Shortfall = (0, 0.0)
Group = tuple[Constraint, ...]


class Constrained:
    """Tells the inner strategy at once that a candidate is infeasible, and asks again.

    After `tries` infeasible ones in a row the nearest of them is repaired: changed by one decision after the
    other, or by two at once, each time to one that breaks the constraints less. Constraints on metrics that
    the cost model does not give (``error``) cannot be checked beforehand and are not looked at here; see
    `nasturtium.front.objectives.subject_to`.

    Args:
        inner: The strategy.
        space: Where it searches.
        constraints: What candidates must meet.
        costs: What finds out params, latency and so on without training.
        seed: Of the order in which a repair tries neighbours.
        tries: Infeasible candidates in a row before a repair.
        repairs: Repairs in a row that end nowhere before it gives up.

    Raises:
        ConfigError: Two of the constraints contradict each other.
    """

    def __init__(
        self,
        inner: Strategy,
        space: Space,
        constraints: Sequence[Constraint],
        costs: CostModel,
        seed: int = 0,
        *,
        tries: int = 100,
        repairs: int = 10,
    ) -> None:
        check_consistent(constraints)
        self.inner = inner
        self.space = space
        self.constraints = tuple(c for c in constraints if c.metric in costs.names)
        self.costs = costs
        self.seed = seed
        self.tries = tries
        self.repairs = repairs
        self._groups = cheapest_first(self.constraints)
        self._seen: dict[Constraint, float] = {}  # nearest value of each metric so far
        self._tried = 0
        self._repairs = 0
        self._stuck = False  # nothing feasible was found, and nothing was told since
        self._feasible = False  # whether any was ever found

    def ask(self, n: int) -> list[Candidate]:
        """Returns up to `n` candidates that meet the constraints.

        Raises:
            InfeasibleSpace: None was ever found; the message has the nearest values seen.
        """
        found: list[Candidate] = []
        while len(found) < n and not self._stuck:
            candidate = self._next()
            if candidate is None:
                self._stuck = True
            else:
                found.append(candidate)
        return found

    def tell(self, trials: Sequence[Trial]) -> None:
        """Passes results on to the inner strategy."""
        self._stuck = False
        self.inner.tell(trials)

    def best(self, k: int) -> Sequence[Architecture]:
        """Returns up to `k` architectures that the inner strategy would pick now."""
        return self.inner.best(k)

    def _next(self) -> Candidate | None:
        for _ in range(self.repairs):
            candidate = self._tried_or_repaired()
            if candidate is not None:
                return candidate
        self._check_hope()
        return None

    def _tried_or_repaired(self) -> Candidate | None:
        nearest: tuple[Shortfall, Candidate, Architecture] | None = None
        for _ in range(self.tries):
            asked = asked_of(self.inner, 1)
            if not asked:
                return None
            candidate = asked[0]
            if not isinstance(candidate.point, Architecture):
                return candidate
            shortfall, metrics = self._assess(candidate.point)
            if shortfall == MET:
                return candidate
            self.inner.tell([Trial(candidate, metrics, "infeasible", reason(self.constraints, metrics))])
            if nearest is None or shortfall < nearest[0]:
                nearest = shortfall, candidate, candidate.point
        return self._repair(*nearest) if nearest else None

    def _assess(self, architecture: Architecture) -> tuple[Shortfall, dict[str, float]]:
        """Returns how far an architecture is from feasible, see `assess`, and keeps it in mind."""
        self._tried += 1
        shortfall, metrics = assess(architecture, self._groups, self.costs)
        self._note(metrics)
        self._feasible |= shortfall == MET
        return shortfall, metrics

    def _repair(self, shortfall: Shortfall, candidate: Candidate, here: Architecture) -> Candidate | None:
        while shortfall > MET:
            rng = rng_for(self.seed, "repair", self._repairs)
            self._repairs += 1
            for near in self._nearby(here, rng):
                reached, _ = self._assess(near)
                if reached < shortfall:
                    shortfall, here = reached, near
                    break
            else:
                return None
        return replace(candidate, point=here)

    def _nearby(self, here: Architecture, rng: np.random.Generator) -> Iterator[Architecture]:
        """Yields all neighbours, then some of theirs: a narrow window on two costs may need two changes."""
        around = list(self.space.neighbours(here))
        for i in rng.permutation(len(around)):
            yield around[i]
        for _ in range(PAIRS if around else 0):
            beyond = list(self.space.neighbours(around[int(rng.random() * len(around))]))
            yield beyond[int(rng.random() * len(beyond))]

    def _check_hope(self) -> None:
        """Raises when there were samples and none was ever feasible."""
        if self._feasible or not self._tried:
            return
        wanted = " and ".join(map(str, self.constraints))
        seen = ", ".join(
            f"{'smallest' if c.upper else 'largest'} {c.metric} seen {value:.6g}"
            for c, value in self._seen.items()
        )
        raise InfeasibleSpace(
            f"0 of {self._tried} samples of {self.space.name} meet {wanted}; {seen or 'no cost was finite'}: "
            "relax the constraints or give the space smaller options"
        )

    def _note(self, metrics: dict[str, float]) -> None:
        for constraint in self.constraints:
            value = metrics.get(constraint.metric, math.nan)
            if math.isfinite(value):
                nearer = min if constraint.upper else max
                self._seen[constraint] = nearer(self._seen.get(constraint, value), value)


def cheap_of(costs: CostModel | None) -> frozenset[str]:
    """Returns the metrics that a cost model tells in microseconds: it says so itself, or they are counts."""
    return frozenset() if costs is None else getattr(costs, "cheap", CHEAP) & costs.names


def cheapest_first(constraints: Sequence[Constraint]) -> tuple[Group, ...]:
    """Returns the constraints on counts, then those on what is measured; groups without any are left out."""
    counted = tuple(c for c in constraints if c.metric in CHEAP)
    measured = tuple(c for c in constraints if c.metric not in CHEAP)
    return tuple(group for group in (counted, measured) if group)


def assess(
    architecture: Architecture, groups: Sequence[Group], costs: CostModel
) -> tuple[Shortfall, dict[str, float]]:
    """Returns how far an architecture is from feasible, and what is known of it by then.

    Costs of a group are looked at once the groups before are met.
    """
    metrics: dict[str, float] = {}
    for met, group in enumerate(groups):
        metrics |= costs(architecture, {c.metric for c in group})
        violation = sum(c.violation(metrics) for c in group)
        if violation > 0:
            return (len(groups) - met, violation), metrics
    return MET, metrics


def reason(constraints: Sequence[Constraint], metrics: Mapping[str, float]) -> str:
    """Returns which constraints metrics break, and by how much, in words."""
    broken = [c for c in constraints if c.metric in metrics and not c.holds(metrics)]
    return ", ".join(f"{c.metric} is {metrics[c.metric]:.6g}, not {c.op} {c.bound:.12g}" for c in broken)
