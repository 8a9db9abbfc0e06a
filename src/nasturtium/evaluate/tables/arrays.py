"""The arrays of the tables that come with the package."""

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Architecture
from nasturtium.cost.counts import Counted
from nasturtium.space.space import Space


@lru_cache(maxsize=8)
def packaged(name: str) -> Mapping[str, NDArray[Any]]:
    """Returns the arrays of a file that comes with the package, read once; they cannot be written to."""
    with (files("nasturtium") / "data" / name).open("rb") as file, np.load(file, allow_pickle=False) as npz:
        arrays = {key: npz[key] for key in npz.files}
    for array in arrays.values():
        array.flags.writeable = False
    return arrays


def split(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Returns the bytes of float32 values, [4, n]: all first bytes, all second ones... They pack better."""
    flat = np.ascontiguousarray(values, dtype="<f4").ravel()
    return np.ascontiguousarray(flat.view(np.uint8).reshape(-1, 4).T)


def joined(planes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Returns the values that `split` took apart, flat, [n]."""
    values: NDArray[np.float32] = np.ascontiguousarray(planes.T).view("<f4").ravel()
    return values


def errors(accuracies: NDArray[Any]) -> NDArray[np.float64]:
    """Returns errors, 0..1, of accuracies in percent."""
    return 1 - accuracies.astype(np.float64) / 100


def counted(space: Space) -> dict[str, NDArray[np.float64]]:
    """Returns ``params`` and ``macs`` of every architecture, [count], in the order of their ranks.

    One count per option is enough, and thousands of times faster than one per architecture.

    Args:
        space: One whose decisions all exist always, none of which changes what another costs; bound to the
            shapes of its data.
    """
    cost, sizes = Counted(space), [len(decision.labels) for decision in space.decisions]
    zeros = (0,) * len(sizes)
    base = cost(Architecture(space.fingerprint, zeros))
    columns = {}
    for name in ("params", "macs"):
        total = np.full(1, base[name])
        for i, size in enumerate(sizes):
            taken = [(*zeros[:i], option, *zeros[i + 1 :]) for option in range(size)]
            more = [cost(Architecture(space.fingerprint, choices))[name] - base[name] for choices in taken]
            total = np.add.outer(total, more).ravel()  # the first decision varies slowest, as in ranks
        columns[name] = total
    return columns
