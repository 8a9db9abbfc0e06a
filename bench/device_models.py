"""How well device models rank networks that were never measured on the device.

    NASTURTIUM_DATA=... python bench/device_models.py            # about 10 minutes on one core

Published latencies of NAS-Bench-201 cells (15,284 with a path from input to output) and of 5,000 FBNet
networks on 27 devices and batch sizes each. Two questions. From 10 measured networks of a device, and models
of all devices of other families (a family is one chip or phone at any batch size): how well are the others
ranked? And from 100 networks of the device alone? Spearman's correlation over all networks that were not
learnt from, mean over five random draws per device, median over devices. `chosen` measures the 10 networks
that tell the known devices best apart instead of random ones. Constants of the models were set on other draws
than these. Writes bench/results/device_models.json and prints it.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from fbnet import OPS, fbnet
from machine import machine
from nasturtium.architecture import Architecture
from nasturtium.cost.learned import LatencyColumns, latency_regression
from nasturtium.cost.transfer import SMALLEST, telling, transferred
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space
from nasturtium.space.zoo.nasbench201 import nasbench201

RESULT = Path(__file__).parent / "results" / "device_models.json"
DRAWS, FEW, MANY, LEARNT = 5, 10, 100, 600
BATCHES = {"1", "32", "64", "256"}
# Asked for, and what simpler models reach: Bayesian ridge on 5 principal components, one-hot ridge.
MARKS = {"nasbench201": {"few": (0.98, 0.973), "many": (0.98, 0.973)},
         "fbnet": {"few": (0.97, 0.962), "many": (0.93, 0.70)}}  # fmt: skip

Array = NDArray[np.float64]


class Devices:
    """The latencies of many networks on many devices, and the columns that models learn from.

    Args:
        space: Of the networks.
        ops: The option of each decision, [networks, decisions].
        names: Of the devices.
        latencies_ms: [devices, networks].
    """

    def __init__(self, space: Space, ops: NDArray[np.uint8], names: list[str], latencies_ms: Array) -> None:
        architectures = [Architecture(space.fingerprint, tuple(map(int, row))) for row in ops]
        self.columns = LatencyColumns(space)(architectures, learn=True)
        self.names, self.latencies_ms = names, latencies_ms

    def model(self, device: int, rows: Array) -> Array:
        """Returns milliseconds of all networks on a device, learnt from some of them."""
        regression = latency_regression()
        regression.fit([one[rows] for one in self.columns], self.latencies_ms[device, rows])
        return np.maximum(regression.predict(self.columns), SMALLEST)

    def score(self, device: int, guessed_ms: Array, rows: Array) -> dict[str, float]:
        """Returns how good guesses are on the networks that were not learnt from."""
        unseen = np.setdiff1d(np.arange(len(guessed_ms)), rows)
        guessed, true = guessed_ms[unseen], self.latencies_ms[device, unseen]
        off = np.abs(guessed / true - 1)
        return {
            "spearman": float(spearmanr(guessed, true).statistic),
            "within_5": float((off <= 0.05).mean()),
            "within_10": float((off <= 0.10).mean()),
        }


def family(device: str) -> str:
    """Returns the chip or phone of a setting, without its batch size."""
    first, _, last = device.rpartition("_")
    return first if last in BATCHES and first != "essential_ph" else device


def study(devices: Devices) -> dict[str, Any]:
    """Returns the figures of one space."""
    count, rows_of = devices.latencies_ms.shape
    learnt = rng_for(0, "known devices").choice(rows_of, LEARNT, replace=False)
    known = np.array([devices.model(device, learnt) for device in range(count)])
    found: dict[str, list[dict[str, float]]] = {"few": [], "chosen": [], "many": []}
    for device, name in enumerate(devices.names):
        others = known[[family(other) != family(name) for other in devices.names]]

        def few(rows: Array, device: int = device, others: Array = others) -> Array:
            return transferred(others, rows, devices.latencies_ms[device, rows])(others)

        def many(rows: Array, device: int = device) -> Array:
            return devices.model(device, rows)

        found["few"].append(_mean(devices, device, few, FEW))
        found["many"].append(_mean(devices, device, many, MANY))
        rows = telling(others, FEW)
        found["chosen"].append(devices.score(device, few(rows), rows))
    return {kind: _summary(devices.names, rows) for kind, rows in found.items()}


def _mean(devices: Devices, device: int, guess: Callable[[Array], Array], size: int) -> dict[str, float]:
    scores = []
    for draw in range(DRAWS):
        rows = rng_for(draw, f"measured networks, {size}").choice(
            devices.latencies_ms.shape[1], size, replace=False
        )
        scores.append(devices.score(device, guess(rows), rows))
    return {name: float(np.mean([one[name] for one in scores])) for name in scores[0]}


def _summary(names: list[str], rows: list[dict[str, float]]) -> dict[str, Any]:
    medians = {f"median_{key}": round(float(np.median([row[key] for row in rows])), 4) for key in rows[0]}
    mean = round(float(np.mean([row["spearman"] for row in rows])), 4)
    by_device = {name: round(row["spearman"], 4) for name, row in zip(names, rows, strict=True)}
    return {**medians, "mean_spearman": mean, "spearman": by_device}


def _connected(ops: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Returns which cells have a path of operations from the input to the output."""
    on = ops != 0
    first = on[:, 0]
    second = on[:, 1] | (first & on[:, 2])
    return on[:, 3] | (first & on[:, 4]) | (second & on[:, 5])


def spaces(folder: Path) -> dict[str, Devices]:
    """Returns the two sets of latencies."""
    cells = np.load(folder / "help_nb201.npz")
    chains = np.load(folder / "help_fbnet.npz")
    assert tuple(map(str, chains["op_names"])) == OPS
    kept = _connected(cells["ops"])
    return {
        "nasbench201": Devices(
            nasbench201("published"),
            cells["ops"][kept],
            list(map(str, cells["devices"])),
            cells["latency_ms"][:, kept].astype(float),
        ),
        "fbnet": Devices(
            fbnet(), chains["ops"], list(map(str, chains["devices"])), chains["latency_ms"].astype(float)
        ),
    }


def main() -> None:
    """Runs both studies."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    start = time.perf_counter()
    found: dict[str, Any] = {
        name: study(devices)
        for name, devices in spaces(Path(os.environ["NASTURTIUM_DATA"]) / "hw_latency").items()
    }
    for name, marks in MARKS.items():
        for kind, (mark, simple) in marks.items():
            found[name][kind] |= {"mark": mark, "simple_model": simple}
    result = {
        "bench": "device_models",
        **machine(),
        "draws": DRAWS,
        "seconds": round(time.perf_counter() - start),
        "results": found,
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
