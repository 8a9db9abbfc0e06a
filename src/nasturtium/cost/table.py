"""A look-up table of layers, fitted to networks: the latency of one is the sum over its layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Architecture
from nasturtium.cost.work import Row, Work
from nasturtium.predictor.grouped import Group, GroupedRidge

Array = NDArray[np.float64]

# What the work of an operation, the work at a side, and each kind of layer by itself may explain.
WORK, PLACED, KINDS = Group(1.0), Group(0.3), Group(0.3, alike=False)


@dataclass(frozen=True, slots=True)
class LatencyTable:
    """Milliseconds of every kind of layer.

    Differs from tables as published (Cai et al. 2019, ProxylessNAS, arXiv:1812.00332): rows are not measured
    one by one, but are the likeliest ones given the times of whole networks, so that what a runtime fuses or
    overlaps is in them. Rows of similar work are similar, so there may be more rows than measurements.

    Attributes:
        base_ms: What any network takes.
        kinds_ms: Of one layer of a kind, by the kind's name (see `Work`). One row alone means little: a
            convolution and the activation after it come together, and the time may stand in either.
        work_ms: Of one unit of work, for kinds that no measured network had.
    """

    base_ms: float
    kinds_ms: Mapping[str, float]
    work_ms: Mapping[str, float]

    def __call__(self, kinds: Counter[str], known: Mapping[str, Row]) -> float:
        """Returns the milliseconds of a network.

        Args:
            kinds: Its layers.
            known: Work of a layer of each kind.
        """
        total = self.base_ms
        for kind, times in kinds.items():
            total += times * self.row(kind, known[kind])
        return total

    def row(self, kind: str, work: Row) -> float:
        """Returns the milliseconds of one layer of a kind, by its work where the table has no such row."""
        ms = self.kinds_ms.get(kind)
        if ms is not None:
            return ms
        return sum(self.work_ms.get(name, 0.0) * amount for name, amount in work.items())


def fit_table(
    work: Work, architectures: Sequence[Architecture], latencies_ms: Array
) -> tuple[LatencyTable, Array]:
    """Returns the table under which the latencies of some networks are likeliest.

    Args:
        work: Of their space.
        architectures: The networks.
        latencies_ms: What was measured of them, [n].

    Returns:
        The table, and what the other networks say of each, [n], in milliseconds.
    """
    layers = [work.kinds(one) for one in architectures]
    kinds = sorted({kind for one in layers for kind in one})
    names = sorted({name for kind in kinds for name in work.known[kind]})
    per_kind = np.array([[work.known[kind].get(name, 0.0) for name in names] for kind in kinds])
    times = np.array([[one[kind] for kind in kinds] for one in layers], float)
    placed = np.array(["@" in name for name in names])
    amounts = times @ per_kind
    model = GroupedRidge((WORK, PLACED, KINDS), relative=True)
    model.fit([amounts[:, ~placed], amounts[:, placed], times], latencies_ms)
    base, (by_work, by_place, by_kind) = model.weights()
    weights = np.zeros(len(names))
    weights[~placed], weights[placed] = by_work, by_place
    rows = per_kind @ weights + by_kind
    table = LatencyTable(
        base,
        {kind: float(row) for kind, row in zip(kinds, rows, strict=True)},
        {name: float(weight) for name, weight in zip(names, weights, strict=True)},
    )
    return table, model.left_out
