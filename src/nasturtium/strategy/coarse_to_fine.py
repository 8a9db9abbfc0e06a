"""From coarse to fine: networks whose parts are all alike first, then small changes of the best of them."""

import re
from collections import deque
from collections.abc import Sequence
from itertools import product
from math import prod

import numpy as np

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.protocols import Candidate, Trial
from nasturtium.seeds import rng_for
from nasturtium.space.decisions import Decision
from nasturtium.space.space import Space
from nasturtium.strategy.archive import Archive
from nasturtium.strategy.derive import settled


class CoarseToFine:
    """Tries a grid of skeletons, and then changes the best networks by a step here and there.

    Yu et al. 2020 (BigNAS, arXiv:2003.11142): a grid over what holds for the whole network (resolution,
    depth, width, kernel size) finds good skeletons for every budget; around the best of them single stages
    are mutated by a step.

    Differs: made of any space. What is decided together are the decisions whose paths end alike (all
    ``kernel``, all ``times``); a level takes options in the same place of their orders. Where the grid is
    larger than `coarse`, that many of its networks are drawn, the lowest and the highest among them. Options
    that are not numbers have no order in which to go a step, so any other may follow.

    Args:
        space: Where to search.
        seed: The same seed and the same tells give the same asks.
        objectives: What is made small.
        levels: Of each kind of decision in the grid, at most.
        coarse: Networks of the grid, at most.
        parents: The best so many of all are changed.
        changes: Largest number of steps of a change; each number is as likely.
        tries: Children in a row that were asked before; then a random network takes the place.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        levels: int = 3,
        coarse: int = 50,
        parents: int = 10,
        changes: int = 2,
        tries: int = 20,
    ) -> None:
        if levels < 2 or min(coarse, parents, changes, tries) < 1:
            raise ConfigError(
                f"levels is {levels}, coarse {coarse}, parents {parents}, changes {changes} and tries "
                f"{tries}; the first must be 2 or more, the others 1 or more"
            )
        self.space, self.seed = space, seed
        self.levels, self.coarse = levels, coarse
        self.parents, self.changes, self.tries = parents, changes, tries
        self._archive = Archive(objectives)
        self._orders = [in_order(decision) for decision in space.decisions]
        self._skeletons = deque(self._grid())
        self._seen: set[Architecture] = set()
        self._asked = 0

    def ask(self, n: int) -> list[Candidate]:
        """Returns `n` networks: of the grid, then changes of the best."""
        return [Candidate(self._next()) for _ in range(n)]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results."""
        for trial in trials:
            self._seen.add(trial.architecture)
            self._archive.record(trial)

    def best(self, k: int) -> list[Architecture]:
        """Returns up to `k` distinct architectures, best first."""
        return self._archive.best(k)

    def _next(self) -> Architecture:
        number, self._asked = self._asked, self._asked + 1
        rng = rng_for(self.seed, "coarse to fine", number)
        found = self._skeletons.popleft() if self._skeletons else self._near(rng)
        self._seen.add(found)
        return found

    def _grid(self) -> list[Architecture]:
        """The skeletons: the lowest, the highest, then the others in random order."""
        roles = [role_of(decision) for decision in self.space.decisions]
        sizes: dict[str, int] = {}
        for role, order in zip(roles, self._orders, strict=True):
            sizes[role] = max(sizes.get(role, 1), min(self.levels, len(order)))
        rng = rng_for(self.seed, "coarse to fine: grid")
        points: list[tuple[int, ...]]
        if prod(sizes.values()) <= self.coarse:
            every = list(product(*map(range, sizes.values())))
            points = [every[i] for i in rng.permutation(len(every))]
        else:
            shape = 2 * self.coarse, len(sizes)
            points = list(map(tuple, rng.integers([*sizes.values()], size=shape).tolist()))
        lowest, highest = (0,) * len(sizes), tuple(size - 1 for size in sizes.values())
        found = dict.fromkeys(self._alike(roles, sizes, point) for point in (lowest, highest, *points))
        return list(found)[: self.coarse]

    def _alike(self, roles: Sequence[str], sizes: dict[str, int], point: Sequence[int]) -> Architecture:
        """Returns the network whose decisions of a role all take the same level."""
        shares = {
            role: level / max(size - 1, 1) for (role, size), level in zip(sizes.items(), point, strict=True)
        }
        rows = zip(roles, self._orders, strict=True)
        return settled(self.space, [order[round(shares[role] * (len(order) - 1))] for role, order in rows])

    def _near(self, rng: np.random.Generator) -> Architecture:
        best = self._archive.best(self.parents)
        for _ in range(self.tries if best else 0):
            found = best[int(rng.random() * len(best))]
            for _ in range(1 + int(rng.random() * self.changes)):
                found = self._changed(found, rng)
            if found not in self._seen:
                return found
        return self.space.sample(rng)

    def _changed(self, parent: Architecture, rng: np.random.Generator) -> Architecture:
        """Returns the network a step of one decision away; decisions that come to exist are drawn."""
        active = self.space.active(parent)
        free = [i for i, here in enumerate(active) if here and len(self._orders[i]) > 1]
        if not free:
            return parent
        rows = zip(parent.choices, active, self._orders, strict=True)
        choices = [old if here else int(rng.random() * len(order)) for old, here, order in rows]
        changed = free[int(rng.random() * len(free))]
        order = self._orders[changed]
        place, step = order.index(choices[changed]), 1 + int(rng.random() * (len(order) - 1))
        if is_numeric(self.space.decisions[changed]):
            step = 1 if place == 0 or (place < len(order) - 1 and rng.random() < 0.5) else -1
        choices[changed] = order[(place + step) % len(order)]
        return settled(self.space, choices)


def role_of(decision: Decision) -> str:
    """Returns what a decision is about, wherever in the network: ``kernel`` for ``stage1.block2.kernel``."""
    return re.sub(r"\d+", "", decision.path.rpartition(".")[2])


def is_numeric(decision: Decision) -> bool:
    """Whether all options are numbers."""
    return all(isinstance(one, int | float) and not isinstance(one, bool) for one in decision.options)


def in_order(decision: Decision) -> list[int]:
    """Returns the options of a decision from the smallest number to the largest, others as they are given."""
    options = range(len(decision.labels))
    return sorted(options, key=decision.options.__getitem__) if is_numeric(decision) else list(options)
