"""What a mixture costs on average, which gradient methods can make small beside the loss."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from itertools import product
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Mixture
from nasturtium.cost.counts import COUNTED
from nasturtium.cost.table import LatencyTable
from nasturtium.cost.work import Work
from nasturtium.space import layers as ir
from nasturtium.space.blend import joined, wired
from nasturtium.space.space import Space
from nasturtium.strategy.derive import NEVER_MIXED

Array = NDArray[np.float64]
Prices: TypeAlias = Callable[[Sequence[ir.Layer], ir.Shape], Sequence[float]]  # of each layer of a network


class ExpectedCost:
    """The mean cost of the networks that a mixture stands for, and how it changes with the weights.

    If every decision is drawn by its weights, independently, a layer is there with the product of the weights
    of the options that bring it about; the cost is the sum over layers of price times probability. That is
    the penalty of ProxylessNAS (Cai et al. 2019, arXiv:1812.00332, section 3.3) and FBNet (Wu et al. 2019,
    arXiv:1812.03443), for options within options, too. Layers that a cell leaves out where nothing
    leads to them are counted as if they were there.

    Args:
        space: Bound to a task; all its options can be mixed.
        prices: Of the layers of a network; `macs`, or those of a device (`latencies`).
        base: What every network costs beside its layers.

    Raises:
        ShapeError: Options of a decision give different shapes.
        SpaceError: A block has too many variants to be mixed.
    """

    def __init__(self, space: Space, prices: Prices | None = None, *, base: float = 0.0) -> None:
        mixed = [
            tuple(i for i, label in enumerate(decision.labels) if label not in NEVER_MIXED)
            for decision in space.decisions
        ]
        net = wired(space, mixed)
        sums: dict[ir.Term, float] = {}
        priced = (prices or macs)(net.layers, space.input_shape or ())
        for price, condition in zip(priced, net.conditions, strict=True):
            for term in _alternatives(condition) if price else ():
                sums[term] = sums.get(term, 0.0) + price
        starts = np.cumsum([0, *(len(decision.labels) for decision in space.decisions)]).tolist()
        self.base, self._size = base, starts[-1]
        self._prices = np.array(list(sums.values()))
        # The entries whose product is the probability of a term; where it has fewer, that of a 1 after all.
        self._places = np.full((len(sums), max([1, *map(len, sums)])), self._size)
        for row, term in zip(self._places, sums, strict=True):
            row[: len(term)] = [starts[decision] + option for decision, option in term]
        shares = tuple((1 / len(d.labels),) * len(d.labels) for d in space.decisions)
        self.typical = self(Mixture(space.fingerprint, shares))[0]

    def __call__(self, mixture: Mixture) -> tuple[float, Array]:
        """Returns the mean cost of a mixture, and d cost / d weights, [decisions][options] flattened."""
        weights = np.array([*(weight for row in mixture.weights for weight in row), 1.0])
        factors = weights[self._places]
        gradient = np.zeros(self._size + 1)
        for column in range(factors.shape[1]):
            others = np.delete(factors, column, axis=1).prod(axis=1)
            np.add.at(gradient, self._places[:, column], self._prices * others)
        return self.base + float(self._prices @ factors.prod(axis=1)), gradient[:-1]


def macs(layers: Sequence[ir.Layer], shape: ir.Shape) -> list[float]:
    """Returns the multiply-accumulates of each layer, in millions."""
    counted = ((COUNTED.get(type(layer.op)), layer) for layer in layers)
    return [float(count(layer.op, layer.shape)[1]) / 1e6 if count else 0.0 for count, layer in counted]


def latencies(table: LatencyTable, space: Space) -> Prices:
    """Returns the prices of layers on a device, in milliseconds: the rows of its table."""
    work = Work(space)

    def prices(layers: Sequence[ir.Layer], shape: ir.Shape) -> list[float]:
        kinds = [work.kind(layer, layers, shape) for layer in layers]
        return [0.0 if kind is None else table.row(kind, work.known[kind]) for kind in kinds]

    return prices


def _alternatives(condition: Iterable[Sequence[ir.Term]]) -> list[ir.Term]:
    """Returns terms that exclude each other, one of which holds where all parts of a condition do."""

    def both(before: list[ir.Term], terms: Sequence[ir.Term]) -> list[ir.Term]:
        pairs = (joined(pair) for pair in product(before, terms))
        return [term for term in pairs if term is not None]

    return reduce(both, condition, [()])
