"""The evaluator that looks results up in a table of trainings made by others (a tabular benchmark)."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError, DataError, unknown
from nasturtium.protocols import Candidate, Trial
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space
from nasturtium.space.zoo import nasbench201 as tss
from nasturtium.space.zoo import nasbench_macro as macro

Column: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Level:
    """What a table knows of all architectures at one fidelity.

    Attributes:
        once: Metric to values, [rows]: costs, and results that are means of several trainings.
        runs: Metric to values, [rows, trainings], NaN where there is no such training; all metrics have the
            same gaps.
    """

    once: Mapping[str, Column]
    runs: Mapping[str, Column]


class Table:
    """Gives every candidate the result that its training had, and the seconds that it took.

    Trials are like those of `Scratch`: ``error`` (0..1), ``train_seconds`` (simulated: what the training took
    then, not the look-up), ``epochs``, and whatever else the table has. A candidate's `fidelity` picks the
    level; a `parent` changes nothing, since the trainings of one level were not continued from those of
    another.

    Args:
        space: Of the architectures.
        levels: What is known, by fidelity (epochs of training).
        row: Number of an architecture's row; called only with architectures of the space.
        epochs: Level of a candidate that names no fidelity.
        seed: Which of the trainings of an architecture is seen: with a seed each candidate sees one, drawn by
            its number; None sees their mean, which no single training costs and no search could have
            afforded.

    Raises:
        ConfigError: There is no level of that many epochs.
    """

    def __init__(
        self,
        space: Space,
        levels: Mapping[int, Level],
        row: Callable[[Architecture], int],
        *,
        epochs: int,
        seed: int | None = None,
    ) -> None:
        self.space, self.levels, self.row = space, levels, row
        self.epochs, self.seed = epochs, seed
        if problem := self._lacks(epochs):
            raise ConfigError(problem)

    @property
    def slots(self) -> int:
        """Always 1, like a single machine that trains."""
        return 1

    @property
    def pending(self) -> int:
        """Always 0: a look-up takes no time."""
        return 0

    def evaluate(self, batch: Sequence[Candidate]) -> Iterator[Sequence[Trial]]:
        """Looks the candidates up, one after the other."""
        for candidate in batch:
            yield [self.trial(candidate)]

    def trial(self, candidate: Candidate) -> Trial:
        """Returns what came of one candidate; one that the table does not have is a failed trial."""
        point = candidate.point
        epochs = self.epochs if candidate.fidelity is None else candidate.fidelity
        if not isinstance(point, Architecture) or point not in self.space:
            return Trial(
                candidate, status="failed", error=f"{point} is not an architecture of {self.space.name}"
            )
        if problem := self._lacks(epochs):
            return Trial(candidate, status="failed", error=problem)
        level, row = self.levels[epochs], self.row(point)
        metrics = {name: float(column[row]) for name, column in level.once.items()}
        metrics |= self._seen({name: column[row] for name, column in level.runs.items()}, candidate.number)
        return Trial(candidate, {**metrics, "epochs": float(epochs)})

    def _seen(self, trainings: Mapping[str, Column], number: int) -> dict[str, float]:
        """Returns one training, or the mean of all, from the metrics of an architecture's trainings."""
        if self.seed is None:
            return {name: float(np.nanmean(values)) for name, values in trainings.items()}
        draw = rng_for(self.seed, "table", max(number, 0)).random()
        seen = {}
        for name, values in trainings.items():
            there = values[~np.isnan(values)]
            seen[name] = float(there[int(draw * len(there))])
        return seen

    def _lacks(self, epochs: int) -> str | None:
        if epochs in self.levels:
            return None
        known = ", ".join(map(str, sorted(self.levels)))
        return f"no training of {epochs} epochs in the table of {self.space.name}; it has {known} epochs"


# Shape of an image and number of classes; Dong & Yang 2020 (arXiv:2001.00326), section 2.2.
DATASETS: Mapping[str, tuple[tuple[int, int, int], int]] = {
    "cifar10": ((3, 32, 32), 10),
    "cifar100": ((3, 32, 32), 100),
    "ImageNet16-120": ((3, 16, 16), 120),
}


TSS_ARRAYS = (
    *("ops", "val_acc_12", "test_acc_12", "val_acc_200", "test_acc_200", "train_time_200_s"),
    *("latency_s", "params", "macs", "seed_params_mismatch"),
)


def nasbench201(
    folder: Path | str | None = None,
    dataset: str = "cifar10",
    *,
    epochs: int = 200,
    seed: int | None = None,
    doubtful: bool = True,
) -> Table:
    """Returns the table of NAS-Bench-201 (Dong & Yang 2020, arXiv:2001.00326): 15,625 cells, two trainings.

    ``error`` is on the validation split and is what a search may see; ``test_error`` is the mean over
    trainings, for the report. The 12 epochs are a training of their own, with its own schedule, not the start
    of the 200. On cifar10 the error is of trainings on half of the training data, the test error of others on
    all of it.

    Args:
        folder: Holds ``nasbench201/nb201_tss.npz``; None takes the environment variable NASTURTIUM_DATA.
        dataset: ``cifar10``, ``cifar100`` or ``ImageNet16-120``.
        epochs: 12 or 200, where a candidate names no fidelity.
        seed: Of the draw of one of the 2 or 3 trainings of 200 epochs; None takes their mean. Of 12 epochs
            there is one.
        doubtful: Whether to see also the 294 trainings whose record states the size of another network.

    Raises:
        DataError: The file is missing or is not that table.
        UnknownName: No such data set.
        ConfigError: Neither 12 nor 200 epochs.
    """
    if dataset not in DATASETS:
        raise unknown("data set of NAS-Bench-201", dataset, DATASETS)
    arrays = _read(folder, "nasbench201/nb201_tss.npz", TSS_ARRAYS)
    i = list(DATASETS).index(dataset)
    trained = np.where(arrays["seed_params_mismatch"] & (not doubtful), np.nan, arrays["val_acc_200"][i])
    # Where every training is doubtful, they are all that there is.
    trained = np.where(np.isnan(trained).all(1, keepdims=True), arrays["val_acc_200"][i], trained)
    costs = {
        "params": arrays["params"][i].astype(float),
        "macs": arrays["macs"][i].astype(float),
        "latency_ms": arrays["latency_s"][i] * 1000.0,
    }
    seconds = arrays["train_time_200_s"][i].astype(float)
    short = {"error": _error(arrays["val_acc_12"][i]), "test_error": _error(arrays["test_acc_12"][i])}
    levels = {
        12: Level({**short, **costs, "train_seconds": seconds * 12 / 200}, {}),
        200: Level(
            {"test_error": _error(arrays["test_acc_200"][i]), **costs, "train_seconds": seconds},
            {"error": _error(trained)},
        ),
    }
    rows = {tuple(ops): row for row, ops in enumerate(arrays["ops"].tolist())}
    space = tss.nasbench201("published").bind(*DATASETS[dataset])
    return Table(space, levels, lambda a: rows[a.choices], epochs=epochs, seed=seed)


def nasbench_macro(folder: Path | str | None = None, *, seed: int | None = None) -> Table:
    """Returns the table of NAS-Bench-Macro (Su et al. 2021, arXiv:2103.11922): 6,561 networks, 50 epochs.

    The benchmark has test accuracies of three trainings and no validation split, so ``error`` is the test
    error of the training seen, and ``test_error`` the mean of the three. It has no training times either.

    Args:
        folder: Holds ``nasbench_macro/nb_macro_cifar10.npz``; None takes the environment variable
            NASTURTIUM_DATA.
        seed: Of the draw of one of the three trainings; None takes their mean.

    Raises:
        DataError: The file is missing or is not that table.
    """
    arrays = _read(folder, "nasbench_macro/nb_macro_cifar10.npz", ("test_acc", "params", "flops"))
    errors = _error(arrays["test_acc"])
    once = {
        "test_error": errors.mean(1),
        "params": arrays["params"].astype(float),
        "macs": arrays["flops"].astype(float),
    }
    space = macro.nasbench_macro("published")
    return Table(space, {50: Level(once, {"error": errors})}, space.rank, epochs=50, seed=seed)


def _error(accuracy: NDArray[Any]) -> Column:
    """Returns errors, 0..1, of accuracies in percent."""
    return 1 - accuracy.astype(np.float64) / 100


def _read(folder: Path | str | None, name: str, needed: Sequence[str]) -> dict[str, NDArray[Any]]:
    root = folder if folder is not None else os.environ.get("NASTURTIUM_DATA")
    if not root:
        raise DataError(
            f"the table {name} is needed: give the folder that holds it, or set NASTURTIUM_DATA to that"
        )
    path = Path(root) / name
    if not path.is_file():
        raise DataError(f"there is no {path}; give the folder that holds {name} or set NASTURTIUM_DATA to it")
    try:
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key] for key in needed}
    except (OSError, ValueError, EOFError, KeyError, BadZipFile) as error:
        raise DataError(f"{path} cannot be read as an npz table: {error}; get it anew") from error
