"""NAS-Bench-101 as a table (Ying et al. 2019, arXiv:1902.09635), read from its official file."""

import base64
import json
import os
from array import array
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from nasturtium.architecture import Architecture
from nasturtium.errors import DataError
from nasturtium.evaluate.table import Column, Level, Table
from nasturtium.evaluate.tables.tfrecord import message_fields, records
from nasturtium.space.zoo import nasbench101 as zoo

FILES = ("nasbench_full.tfrecord", "nasbench_only108.tfrecord")
METRICS = ("error", "test_error", "train_seconds")


def nasbench101(epochs: int = 108, *, seed: int | None = None, path: Path | str | None = None) -> Table:
    """Returns the table of NAS-Bench-101: 423,624 cells, each trained three times at each number of epochs.

    ``error`` is on the validation split of CIFAR-10, ``test_error`` that of the same training on the test
    split. Each number of epochs is a training of its own. Reading takes about a minute for the 108 epochs
    alone and a few for the full file, once in a process.

    Args:
        epochs: 4, 12, 36 or 108 with the full file, 108 with the other.
        seed: Of the draw of one of the three trainings, for each cell; None takes their mean.
        path: Of ``nasbench_full.tfrecord`` or ``nasbench_only108.tfrecord``, as published; None looks for
            them in the folder ``nasbench101`` of NASTURTIUM_DATA.

    Raises:
        DataError: The file is missing, or is not that table.
        ConfigError: It has no training of so many epochs.
    """
    rows, levels = _read(_found() if path is None else Path(path))
    space = zoo.nasbench101("published")

    def row(architecture: Architecture) -> int | None:
        return rows.get(zoo.module_hash(zoo.spec_of(space, architecture)))

    return Table(space, levels, row, epochs=epochs, seed=seed)


@dataclass(slots=True)
class _Trainings:
    """The trainings of one number of epochs, one after the other: row of the cell, and `METRICS`."""

    rows: "array[int]" = field(default_factory=lambda: array("q"))
    results: "array[float]" = field(default_factory=lambda: array("d"))

    def runs(self, count: int) -> dict[str, Column]:
        """Returns metric to values, [cells, trainings]."""
        order = np.argsort(np.array(self.rows), kind="stable")
        rows = np.array(self.rows)[order]
        training = np.arange(len(rows)) - np.searchsorted(rows, rows)
        runs = np.full((len(METRICS), count, int(training.max()) + 1), np.nan)
        runs[:, rows, training] = np.array(self.results).reshape(-1, len(METRICS))[order].T
        return dict(zip(METRICS, runs, strict=True))


def _found() -> Path:
    root = os.environ.get("NASTURTIUM_DATA")
    places = [Path(root) / "nasbench101" / name for name in FILES] if root else []
    for place in places:
        if place.is_file():
            return place
    looked = " or ".join(map(str, places)) or "NASTURTIUM_DATA is not set"
    raise DataError(
        f"NAS-Bench-101's own file is needed ({looked}): get {FILES[1]} from github.com/google-research/"
        "nasbench, put it into a folder nasbench101, and set NASTURTIUM_DATA to the folder around that"
    )


@lru_cache(maxsize=1)
def _read(path: Path) -> tuple[dict[str, int], dict[int, Level]]:
    """Returns the row of each cell by its hash, and what is known of all rows."""
    rows: dict[str, int] = {}
    params = array("d")
    found: dict[int, _Trainings] = {}
    try:
        for record in records(path):
            name, epochs, _, _, metrics = json.loads(record)
            size, results = _results(base64.b64decode(metrics, validate=True))
            row = rows.setdefault(name, len(rows))
            if row == len(params):
                params.append(size)
            trainings = found.setdefault(epochs, _Trainings())
            trainings.rows.append(row)
            trainings.results.extend(results)
    except (OSError, ValueError, TypeError, KeyError, IndexError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} cannot be read as NAS-Bench-101's table: {error}; get it anew") from error
    if not rows:
        raise DataError(f"{path} has no records; get it anew")
    sizes = {"params": np.array(params)}
    return rows, {epochs: Level(sizes, one.runs(len(rows))) for epochs, one in found.items()}


def _results(message: bytes) -> tuple[float, tuple[float, float, float]]:
    """Returns parameters and `METRICS` of a ModelMetrics message (model_metrics.proto of the benchmark)."""
    params, evaluations = 0.0, []
    for number, value in message_fields(message):
        if number == 1 and isinstance(value, bytes):
            evaluations.append(dict(message_fields(value)))
        elif number == 2 and not isinstance(value, bytes):
            params = float(value)
    end = evaluations[2]  # after the start and half-way
    seconds, valid, test = (float(end[number]) for number in (2, 4, 5))
    return params, (1 - valid, 1 - test, seconds)
