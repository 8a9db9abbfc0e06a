"""The trainings of NAS-Bench-301 as a table (Siems et al. 2020, arXiv:2008.09777), from their official files.

Its surrogate models are not read: each is a pickle, which runs what is in it, made by one old release of the
library that trained it.
"""

import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from nasturtium.architecture import Architecture
from nasturtium.errors import DataError, SpaceError
from nasturtium.evaluate.table import Level, Table
from nasturtium.space.space import Space
from nasturtium.space.zoo.cells import PairCell, thirds
from nasturtium.space.zoo.darts import NODES, darts_of, from_genotype
from nasturtium.space.zoo.genotypes import Genotype

FILTERS, CELLS = 32, 8  # of the networks that were trained; automl/nasbench301, nasbench301/api.py
METRICS = ("error", "test_error", "train_seconds")
PREFIX = "NetworkSelectorDatasetInfo:darts:"


def nasbench301(
    epochs: int | None = None, *, seed: int | None = None, path: Path | str | None = None
) -> Table:
    """Returns the table of the trainings that the surrogates of NAS-Bench-301 were fitted to.

    Cells of the DARTS space in networks of 8 cells and 32 filters on CIFAR-10, found by a dozen methods:
    about 60,000 of the 1.08e18, so it answers for those alone. It is for predictors, for warm starts and for
    whoever chooses among its own `architectures`, not for a search over the whole space. It is read once in a
    process.

    Args:
        epochs: Of training; None takes the number that most trainings had.
        seed: Of the draw of one training, for each cell that has several; None takes their mean.
        path: Folder of the ``results_*.json`` files, as published, with all folders inside it; None is the
            folder ``nasbench301`` of NASTURTIUM_DATA.

    Raises:
        DataError: There are no such files, or one is not of that form.
        ConfigError: There is no training of so many epochs.
    """
    read = _read(_found() if path is None else Path(path))
    levels = {budget: _level(runs, len(read.rows)) for budget, runs in read.trainings.items()}
    most = max(read.trainings, key=lambda budget: len(read.trainings[budget]))
    return Table(read.space, levels, read.rows.get, epochs=epochs or most, seed=seed, listed=read.rows)


@dataclass(frozen=True, slots=True)
class _Read:
    """What the files hold: the row of each architecture, and (row, `METRICS`, params) by epochs."""

    space: Space
    rows: dict[Architecture, int]
    trainings: dict[int, list[tuple[int, tuple[float, ...], float]]]


def genotype_of(config: Mapping[str, Any]) -> Genotype:
    """Returns the cells that a configuration of the benchmark describes.

    Edge ``start + i`` of a node leads from state i; the edges of a node are numbered after those of the nodes
    before it, and all but the first node name their two states (automl/nasbench301, representations.py).

    Raises:
        KeyError: An edge or a node is missing.
        ValueError: A node's states are not two numbers.
    """
    normal, reduction = _cell(config, "normal"), _cell(config, "reduce")
    return Genotype("NAS-Bench-301", normal, reduction, FILTERS, thirds(CELLS), "darts")


def _cell(config: Mapping[str, Any], name: str) -> PairCell:
    blocks = []
    start = 0
    for node in range(NODES):
        states = "0_1" if node == 0 else config[f"{PREFIX}inputs_node_{name}_{node + 2}"]
        left, right = (int(state) for state in states.split("_"))
        first, second = (config[f"{PREFIX}edge_{name}_{start + state}"] for state in (left, right))
        blocks.append((left, first, right, second, "add"))
        start += node + 2
    return PairCell(tuple(blocks), output="all")


@lru_cache(maxsize=1)
def _read(folder: Path) -> _Read:
    read = _Read(darts_of(FILTERS, thirds(CELLS), "nasbench301"), {}, {})
    for path in _files(folder):
        try:
            said = json.loads(path.read_bytes())
            config, info = said["optimized_hyperparamater_config"], said["info"][0]
            if (config[f"{PREFIX}init_channels"], config[f"{PREFIX}layers"]) != (FILTERS, CELLS):
                continue
            architecture = from_genotype(read.space, genotype_of(config))
            metrics = (_error(info["val_accuracy"]), _error(said["test_accuracy"]), float(said["runtime"]))
            params, epochs = _without_head(info["model_parameters"]), int(said["budget"])
        except (OSError, ValueError, TypeError, KeyError, IndexError, SpaceError) as error:
            problem = f"{type(error).__name__}: {error}"
            raise DataError(f"{path} cannot be read as a training of NAS-Bench-301: {problem}") from error
        row = read.rows.setdefault(architecture, len(read.rows))
        read.trainings.setdefault(epochs, []).append((row, metrics, params))
    if not read.rows:
        raise DataError(
            f"{folder} has no trainings of {CELLS} cells and {FILTERS} filters; get the data anew"
        )
    return read


def _level(trainings: list[tuple[int, tuple[float, ...], float]], count: int) -> Level:
    numbers = [0] * count
    params = np.full(count, np.nan)
    placed = []
    for row, metrics, size in trainings:
        placed.append((row, numbers[row], metrics))
        numbers[row] += 1
        params[row] = size
    runs = np.full((len(METRICS), count, max(numbers)), np.nan)
    for row, number, metrics in placed:
        runs[:, row, number] = metrics
    return Level({"params": params}, dict(zip(METRICS, runs, strict=True)))


def _files(folder: Path) -> Iterator[Path]:
    """The files in an order that every machine has."""
    return iter(sorted(folder.rglob("results_*.json"), key=lambda path: path.relative_to(folder).as_posix()))


def _error(accuracy: float | None) -> float:
    return math.nan if accuracy is None else 1 - accuracy / 100


def _without_head(parameters: int) -> float:
    """The parameters of the network alone: those that were recorded include the auxiliary head's."""
    channels = 4 * FILTERS * 4  # four nodes of the second reduction
    head = channels * 128 + 2 * 128 + 128 * 768 * 4 + 2 * 768 + 768 * 10 + 10
    return float(parameters - head)


def _found() -> Path:
    root = os.environ.get("NASTURTIUM_DATA")
    folder = Path(root) / "nasbench301" if root else None
    if folder is None or not folder.is_dir():
        looked = "NASTURTIUM_DATA is not set" if folder is None else f"there is no folder {folder}"
        raise DataError(
            f"the trainings of NAS-Bench-301 are needed ({looked}): get the dataset that "
            "github.com/automl/nasbench301 links to (its surrogate models are pickles and are not read), "
            "unpack it into a folder nasbench301, and set NASTURTIUM_DATA to the folder around that"
        )
    return folder
