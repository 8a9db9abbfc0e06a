"""Architectures as vectors, whose coordinates say in how many ways two architectures are unlike."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Architecture
from nasturtium.predictor.features import has_cell
from nasturtium.predictor.walks import column, flow
from nasturtium.seeds import rng_for
from nasturtium.space.decisions import Decision
from nasturtium.space.space import Space

Array = NDArray[np.float64]

COLUMNS = (16, 64, 128)  # of hashed runs of 1, 2 and 3 operations
SINGLE = 0.05  # prior share of all decisions one by one, beside 1 shared by the other ways
SAMPLES = 200
LARGEST_CACHE = 10_000


class Embedding:
    """Turns architectures of a space into vectors, and tells how far apart these are, in several ways.

    A way is a set of coordinates, and the distance its squared Euclidean distance, so that any sum of the
    ways, weighted by numbers of 0 or more, can stand in a kernel (Schoenberg 1938). The ways:

    - whether each decision differs (one that only one of two architectures has differs), one way for all
      decisions together and one for each;
    - how often each option is taken, for decisions that are alike (``kernel`` of every block);
    - for each decision about numbers, the steps between the options;
    - of a cell, how often each one, two and three operations in a row occur (square roots of the counts),
      the number of paths, and the length of the shortest and of the longest;
    - each of the numbers that `numbers` gives, such as the logarithm of the parameters.

    Each way is scaled to a mean of 1 between two random architectures; those that are always 0 are left out.

    Args:
        space: Of the architectures.
        numbers: Gives some more numbers of an architecture, finite, always as many.

    Attributes:
        ways: Which coordinates each way has, 0 elsewhere, [ways, coordinates].
        prior: Weight of each way before anything is known; the sum is about 1, [ways].
    """

    def __init__(
        self, space: Space, numbers: Callable[[Architecture], Sequence[float]] = lambda _: ()
    ) -> None:
        self.space, self.numbers = space, numbers
        self._conditional = not all(decision.always for decision in space.decisions)
        self._sizes = np.array([len(decision.labels) + 1 for decision in space.decisions], int)  # and absent
        self._starts = np.cumsum(self._sizes) - self._sizes
        self._numeric = [i for i, decision in enumerate(space.decisions) if decision.ordered]
        self._steps = np.array([len(space.decisions[i].labels) - 1 for i in self._numeric], float)
        self._alike = _alike(space.decisions)
        self._cell = has_cell(space)
        self._rows: dict[Architecture, Array] = {}
        self.ways, self.prior = self._found_ways()

    def __len__(self) -> int:
        """Number of ways."""
        return len(self.ways)

    def __call__(self, architectures: Sequence[Architecture]) -> Array:
        """Returns the vector of each architecture, [n, coordinates]."""
        new = [a for a in dict.fromkeys(architectures) if a not in self._rows]
        if len(self._rows) + len(new) > LARGEST_CACHE:
            self._rows.clear()
            new = list(dict.fromkeys(architectures))
        if new:
            self._rows.update(zip(new, self._vectors(new), strict=True))
        return np.array([self._rows[a] for a in architectures])

    def distances(self, vectors: Array) -> Array:
        """Returns the distances between all pairs of vectors, one by one way: [ways, n, n]."""
        result = np.empty((len(self.ways), len(vectors), len(vectors)))
        for way, row in zip(self.ways, result, strict=True):
            used = np.flatnonzero(way)
            row[:] = squared(vectors[:, used] * np.sqrt(way[used]), vectors[:, used] * np.sqrt(way[used]))
        return result

    def _vectors(self, architectures: list[Architecture]) -> Array:
        n = len(architectures)
        options = np.array([a.choices for a in architectures], int).reshape(n, len(self._sizes))
        if self._conditional:
            active = np.array([self.space.active(a) for a in architectures], bool)
            options[~active] = -1
        taken = np.zeros((n, int(self._sizes.sum())))
        np.put_along_axis(taken, self._starts + options % self._sizes, np.sqrt(0.5), axis=1)
        counts = [
            (options[:, same, None] == np.arange(size)).sum(axis=1).astype(float)
            for same, size in self._alike
        ]
        places = options[:, self._numeric]
        steps = np.where(places < 0, 0.5, places / self._steps)
        flows = [np.array([self._flow(a) for a in architectures])] if self._cell else []
        others = np.array([self.numbers(a) for a in architectures]).reshape(n, -1)
        return np.hstack([taken, *counts, steps, *flows, others])

    def _flow(self, architecture: Architecture) -> Array:
        # All decisions are of one block, which has a graph; `encode.graph` makes sure of it, more slowly.
        graphs = (slot.block.graph() for slot in self.space.slots(architecture))
        found = flow(next(cell for cell in graphs if cell is not None), len(COLUMNS))
        counts = np.zeros(sum(COLUMNS))
        start = 0
        for runs, columns in zip(found.runs, COLUMNS, strict=True):
            for run in runs:
                counts[start + column(run, columns)] += 1
            start += columns
        return np.concatenate([np.sqrt(counts), [np.log1p(found.paths), found.shortest, found.longest]])

    def _found_ways(self) -> tuple[Array, Array]:
        """Returns ways, scaled, and their prior."""
        singles = [int(size) for size in self._sizes]
        others = [*(size for _, size in self._alike), *([1] * len(self._numeric))]
        others += [*COLUMNS, 1, 1, 1] if self._cell else []
        sample = self._vectors([self.space.sample(rng_for(0, "embedding", i)) for i in range(SAMPLES)])
        others += [1] * (sample.shape[1] - sum(singles) - sum(others))  # the other numbers
        blocks = np.repeat(np.arange(len(singles) + len(others)), [*singles, *others])
        ways = (blocks == np.arange(len(singles) + len(others))[:, None]).astype(float)
        together = ways[: len(singles)].sum(axis=0, keepdims=True)
        ways = np.concatenate([ways, together])
        single = np.arange(len(ways)) < len(singles)
        means = 2 * ways @ sample.var(axis=0, ddof=1)  # E |x - y|^2 = 2 var x
        used = means > 1e-9
        ways, single = ways[used] / means[used, None], single[used]
        shares = np.where(single, SINGLE / max(single.sum(), 1), 1 / max((~single).sum(), 1))
        return ways, shares


def squared(left: Array, right: Array) -> Array:
    """Returns the squared Euclidean distance of all pairs of rows, [left, right]."""
    sums = np.einsum("ij,ij->i", left, left)[:, None] + np.einsum("ij,ij->i", right, right)
    squares: Array = np.maximum(sums - 2 * left @ right.T, 0.0)
    return squares


def _alike(decisions: Sequence[Decision]) -> list[tuple[list[int], int]]:
    """Returns the groups of two or more decisions with the same name, numbers aside, and the same options."""
    groups: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for i, decision in enumerate(decisions):
        name = decision.path.rpartition(".")[2].rstrip("0123456789")
        groups.setdefault((name, decision.labels), []).append(i)
    return [(same, len(labels)) for (_, labels), same in groups.items() if len(same) > 1]
