"""FC-Net as a table (Klein & Hutter 2019, arXiv:1905.04970), networks and how they were trained; packaged."""

from collections.abc import Mapping

import numpy as np

from nasturtium.errors import unknown
from nasturtium.evaluate.table import Column, Level, Table
from nasturtium.evaluate.tables.arrays import joined, packaged
from nasturtium.space.space import Space
from nasturtium.space.zoo.fcnet import UNITS
from nasturtium.space.zoo.fcnet import fcnet as joint_space

# Number of features; those that never vary are left out.
DATASETS: Mapping[str, int] = {"protein_structure": 9, "slice_localization": 380}


def fcnet(dataset: str = "protein_structure", *, seed: int | None = None) -> Table:
    """Returns a table of FC-Net: 62,208 perceptrons with their training settings, four trainings each.

    The task is regression, so ``loss`` is the mean squared error on the validation split, of standardised
    targets. ``error`` is the same number under the name that every strategy makes small unless told
    otherwise; it is no share of wrong answers and may exceed 1. There is one fidelity, 100 epochs.

    Args:
        dataset: ``protein_structure`` or ``slice_localization``.
        seed: Of the draw of one of the four trainings, for each architecture; None takes their mean.

    Raises:
        UnknownName: No such data set.
    """
    if dataset not in DATASETS:
        raise unknown("data set of FC-Net", dataset, DATASETS)
    arrays = packaged(f"fcnet_{dataset}.npz")
    space = joint_space().bind((DATASETS[dataset],), 1)
    seconds = joined(arrays["train_time_s_mean"]).astype(float)
    losses = joined(arrays["val_mse"]).reshape(-1, 4).astype(float)
    level = Level({"train_seconds": seconds, **_sizes(space)}, {"loss": losses, "error": losses})
    return Table(space, {100: level}, space.rank, epochs=100, seed=seed, objective="loss")


def _sizes(space: Space) -> dict[str, Column]:
    """Returns ``params`` and ``macs`` of every architecture, [count], in the order of their ranks."""
    shape = [len(decision.labels) for decision in space.decisions]
    paths = [decision.path for decision in space.decisions]
    grid = np.indices(shape, sparse=True)
    one, two = (np.array(UNITS)[grid[paths.index(f"layer{i}.out")]] for i in (1, 2))
    (features,) = space.input_shape or (0,)
    macs = features * one + one * two + two
    params = macs + one + two + 1
    every = {"params": params, "macs": macs}
    return {name: np.broadcast_to(value, shape).ravel().astype(float) for name, value in every.items()}
