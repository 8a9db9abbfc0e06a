"""NAS-Bench-201 as a table (Dong & Yang 2020, arXiv:2001.00326); it comes with the package."""

from collections.abc import Mapping

import numpy as np

from nasturtium.errors import unknown
from nasturtium.evaluate.table import Level, Table
from nasturtium.evaluate.tables.arrays import counted, errors, packaged
from nasturtium.space.zoo import nasbench201 as zoo

# Shape of an image and number of classes; Dong & Yang 2020, section 2.2.
DATASETS: Mapping[str, tuple[tuple[int, int, int], int]] = {
    "cifar10": ((3, 32, 32), 10),
    "cifar100": ((3, 32, 32), 100),
    "ImageNet16-120": ((3, 16, 16), 120),
}


def nasbench201(
    dataset: str = "cifar10", epochs: int = 200, *, seed: int | None = None, doubtful: bool = True
) -> Table:
    """Returns the table of NAS-Bench-201: 15,625 cells, two trainings of each.

    ``error`` is on the validation split and is what a search may see; ``test_error`` is the mean over
    trainings, for the report. The 12 epochs are a training of their own, with its own schedule, not the start
    of the 200. On cifar10 the error is of trainings on half of the training data, the test error of others on
    all of it.

    Args:
        dataset: ``cifar10``, ``cifar100`` or ``ImageNet16-120``.
        epochs: 12 or 200, where a candidate names no fidelity.
        seed: Of the draw of one of the 2 or 3 trainings of 200 epochs, for each cell; None takes their mean.
            Of 12 epochs there is one.
        doubtful: Whether to see also the 294 trainings whose record states the size of another network.

    Raises:
        UnknownName: No such data set.
        ConfigError: Neither 12 nor 200 epochs.
    """
    if dataset not in DATASETS:
        raise unknown("data set of NAS-Bench-201", dataset, DATASETS)
    arrays, i = packaged("nasbench201.npz"), list(DATASETS).index(dataset)
    space = zoo.nasbench201("published").bind(*DATASETS[dataset])
    trained = np.where(arrays["seed_params_mismatch"] & (not doubtful), np.nan, arrays["val_acc_200"][i])
    # Where every training is doubtful, they are all that there is.
    trained = np.where(np.isnan(trained).all(1, keepdims=True), arrays["val_acc_200"][i], trained)
    costs = counted(space) | {"latency_ms": arrays["latency_s"][i] * 1000.0}
    seconds = arrays["train_time_200_s"][i].astype(float)
    short = {"error": errors(arrays["val_acc_12"][i]), "test_error": errors(arrays["test_acc_12"][i])}
    levels = {
        12: Level({**short, **costs, "train_seconds": seconds * 12 / 200}, {}),
        200: Level(
            {"test_error": errors(arrays["test_acc_200"][i]), **costs, "train_seconds": seconds},
            {"error": errors(trained)},
        ),
    }
    return Table(space, levels, space.rank, epochs=epochs, seed=seed)
