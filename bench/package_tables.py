"""Writes the tables that come with the package, src/nasturtium/data/*.npz, from the converted originals.

    NASTURTIUM_DATA=... python bench/package_tables.py

Rows are put in the order of `Space.rank`, and what the toolkit counts itself (operations, params, MACs) is
left out. tests/evaluate/tables compares what the readers then give with the originals.
"""

import gzip
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import nasturtium
from nasturtium.evaluate.tables.arrays import split
from nasturtium.space.zoo.fcnet import fcnet as joint_space
from nasturtium.space.zoo.nasbench201 import OPS

SOURCE = Path(os.environ["NASTURTIUM_DATA"])
TARGET = Path(nasturtium.__file__).parent / "data"

# The columns of FC-Net's `config`, in the order of the source.
COLUMNS = (
    *("activation_fn_1", "activation_fn_2", "batch_size", "dropout_1", "dropout_2", "init_lr"),
    *("lr_schedule", "n_units_1", "n_units_2"),
)
CURVES = {
    "loss": "val_loss",
    "test_loss": "test_loss",
    "train_loss": "train_loss",
    "train_seconds": "wall_time_s",
}


def by_rank(ops: NDArray[np.uint8], options: int) -> NDArray[np.int64]:
    """Row of each rank: ranks read the options as digits, the first decision first."""
    order = np.argsort(ops.astype(np.int64) @ options ** np.arange(ops.shape[1])[::-1])
    assert len(order) == options ** ops.shape[1]
    return order


def nasbench201() -> dict[str, NDArray]:
    """The accuracies, times and flags of NAS-Bench-201."""
    with np.load(SOURCE / "nasbench201" / "nb201_tss.npz", allow_pickle=False) as source:
        assert tuple(source["op_names"]) == OPS
        assert list(source["datasets"]) == ["cifar10", "cifar100", "ImageNet16-120"]
        order = by_rank(source["ops"], len(OPS))
        kept = ("val_acc_12", "test_acc_12", "val_acc_200", "test_acc_200", "train_time_200_s", "latency_s")
        arrays = {name: source[name][:, order] for name in kept}
        return arrays | {"seed_params_mismatch": source["seed_params_mismatch"][order]}


def nasbench_macro() -> dict[str, NDArray]:
    """The accuracies of NAS-Bench-Macro."""
    with np.load(SOURCE / "nasbench_macro" / "nb_macro_cifar10.npz", allow_pickle=False) as source:
        return {"test_acc": source["test_acc"][by_rank(source["ops"], 3)]}


def fcnet(dataset: str) -> dict[str, NDArray]:
    """Losses and times of FC-Net, rounded to 13 significant bits: four more would double the file."""
    order = ("n_units_1", "activation_fn_1", "dropout_1", "n_units_2", "activation_fn_2", "dropout_2")
    decided = [COLUMNS.index(name) for name in (*order, "batch_size", "init_lr", "lr_schedule")]
    sizes = [len(decision.labels) for decision in joint_space().decisions]
    with np.load(SOURCE / "fcnet_hpolib" / f"{dataset}.npz", allow_pickle=False) as source:
        ranks = np.ravel_multi_index([source["config"][:, column] for column in decided], sizes)
        rows = np.argsort(ranks)
        assert np.array_equal(ranks[rows], np.arange(np.prod(sizes)))
        kept = ("val_mse", "train_time_s_mean")
        return {name: split(rounded(source[name][rows], bits=13)) for name in kept}


def rounded(values: NDArray[np.float32], bits: int) -> NDArray[np.float32]:
    """The nearest float32 with so many significant bits, the first of which is not stored."""
    dropped = 24 - bits
    words = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return ((words + (1 << (dropped - 1))) >> dropped << dropped).view(np.float32)


def nasbench_nlp() -> dict[str, NDArray]:
    """The cells of NAS-Bench-NLP as lines of text, and the curves of their trainings, NaN where they end."""
    with gzip.open(SOURCE / "nasbench_nlp" / "nb_nlp_wikitext2.json.gz", "rt") as file:
        records = sorted(json.load(file), key=lambda record: record["recipe_id"])
    by_cell: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        by_cell.setdefault(nodes(record), []).append(record)
    trainings = max(map(len, by_cell.values()))
    curves = {name: np.full((len(by_cell), trainings, 50), np.nan) for name in CURVES}
    for row, same in enumerate(by_cell.values()):
        for training, record in enumerate(same):
            for name, key in CURVES.items():
                values = [np.nan if value is None else value for value in record[key]]
                values = np.cumsum(values) if name == "train_seconds" else values
                curves[name][row, training, : len(values)] = values
    # A cell is called after the first recipe that it is.
    lines = "\n".join(f"{same[0]['recipe_id']} {text}" for text, same in by_cell.items())
    params = np.array([same[0]["num_params"] for same in by_cell.values()], np.int32)
    arrays = {"cells": np.frombuffer(lines.encode(), np.uint8), "params": params}
    return arrays | {name: split(values.astype(np.float32)) for name, values in curves.items()}


def nodes(record: dict[str, Any]) -> str:
    """The nodes of one cell, sorted by name: ``f=linear(x,h_prev_0) h_new_0=activation_tanh(f)``."""
    given = sorted(record["recipe"].items())
    return " ".join(f"{name}={node['op']}({','.join(node['input'])})" for name, node in given)


TABLES = {
    "nasbench201": nasbench201,
    "nasbench_macro": nasbench_macro,
    "fcnet_protein_structure": lambda: fcnet("protein_structure"),
    "fcnet_slice_localization": lambda: fcnet("slice_localization"),
    "nasbench_nlp": nasbench_nlp,
}


def main() -> None:
    """Writes the files and prints their sizes."""
    for name, make in TABLES.items():
        path = TARGET / f"{name}.npz"
        np.savez_compressed(path, **make())
        print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
