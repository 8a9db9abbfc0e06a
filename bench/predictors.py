"""How well predictors rank architectures that they have not seen, by the number of examples.

    NASTURTIUM_DATA=... python bench/predictors.py                   # all of them, about an hour on one core
    NASTURTIUM_DATA=... python bench/predictors.py --only ridge forest --draws 10

The validation errors of NAS-Bench-201 after 12 epochs, three data sets. Every predictor learns from the same
examples in each draw, and ranks the same 2,233 other cells; the figure is Spearman's correlation, its mean
and standard error over the draws. Writes bench/results/predictors.json (rows of other predictors that are
there already stay) and prints the JSON line.
"""

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from machine import machine
from nasturtium.architecture import Architecture
from nasturtium.evaluate.tables.nasbench201 import DATASETS, nasbench201
from nasturtium.predictor.boosting import Boosting
from nasturtium.predictor.forest import Forest
from nasturtium.predictor.gp import GaussianProcess
from nasturtium.predictor.graph import GraphEnsemble
from nasturtium.predictor.lstm import LSTMEnsemble
from nasturtium.predictor.mlp import MLPEnsemble
from nasturtium.predictor.protocol import Predictor
from nasturtium.predictor.ridge import Ridge
from nasturtium.protocols import Candidate
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space

RESULT = Path(__file__).parent / "results" / "predictors.json"
SIZES = (25, 50, 100, 200, 500)
EVERY = 7  # every seventh cell is never learnt from; every fifth would have one operation in common

# The published rows (an implementation that shares no code with this one), 25 to 500 examples.
PUBLISHED = {
    "cifar10": {"ridge one-hot": (0.381, 0.500, 0.577, 0.616, 0.644),
                "ridge path": (0.501, 0.588, 0.651, 0.665, 0.697),
                "gp hamming": (0.426, 0.533, 0.625, 0.700, 0.787)},
    "cifar100": {"ridge one-hot": (0.397, 0.538, 0.605, 0.667, 0.690),
                 "ridge path": (0.489, 0.608, 0.674, 0.719, 0.744),
                 "gp hamming": (0.441, 0.571, 0.652, 0.749, 0.841)},
    "ImageNet16-120": {"ridge one-hot": (0.447, 0.530, 0.618, 0.660, 0.685),
                       "ridge path": (0.519, 0.586, 0.647, 0.701, 0.726),
                       "gp hamming": (0.477, 0.562, 0.654, 0.752, 0.842)},
}  # fmt: skip

Make = Callable[[Space, int], Predictor]

PREDICTORS: Mapping[str, Make] = {
    "ridge one-hot": lambda space, seed: Ridge(space, encoding="one_hot"),
    "ridge path": lambda space, seed: Ridge(space, encoding="path"),
    "gp hamming": lambda space, seed: Hamming(space),
    "ridge rich ranks": lambda space, seed: Ridge(space, encoding="rich", scale="rank", penalty=10.0),
    "forest": lambda space, seed: Forest(space, seed=seed),
    "boosting": lambda space, seed: Boosting(space, seed=seed),
    "gp": lambda space, seed: GaussianProcess(space, seed=seed),
    "mlp": lambda space, seed: MLPEnsemble(space, seed=seed),
    "mlp rich ranks": lambda space, seed: MLPEnsemble(space, seed=seed, encoding="rich", scale="rank"),
    "lstm": lambda space, seed: LSTMEnsemble(space, seed=seed),
    "graph": lambda space, seed: GraphEnsemble(space, seed=seed),
}


class Hamming:
    """The Gaussian process of the published row: kernel exp(-distance / 3), a small nugget, no fitting."""

    def __init__(self, space: Space, nugget: float = 0.01) -> None:
        self.space, self.nugget = space, nugget

    def fit(self, architectures: Sequence[Architecture], values: NDArray[np.float64]) -> None:
        """Solves for the weights of the examples."""
        self.choices = np.array([one.choices for one in architectures])
        self.mean, self.std = values.mean(), values.std() or 1.0
        kernel = self._kernel(self.choices) + self.nugget * np.eye(len(values))
        self.weights = np.linalg.solve(kernel, (values - self.mean) / self.std)

    def predict(
        self, architectures: Sequence[Architecture]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns means, and no deviations."""
        mean = self._kernel(np.array([one.choices for one in architectures])) @ self.weights
        return self.mean + self.std * mean, np.zeros(len(mean))

    def _kernel(self, choices: NDArray[np.int64]) -> NDArray[np.float64]:
        distance = (choices[:, None] != self.choices).sum(axis=2)
        kernel: NDArray[np.float64] = np.exp(-distance / 3)
        return kernel


def correlations(
    predictor: Predictor, every: Sequence[Architecture], errors: NDArray[np.float64], n: int, draws: int
) -> tuple[list[float], float]:
    """Returns Spearman's correlation of each draw, and the mean seconds of a fit."""
    held_out = [i for i in range(len(every)) if i % EVERY == 0]
    rest = np.array([i for i in range(len(every)) if i % EVERY])
    reached, seconds = [], 0.0
    for draw in range(draws):
        rows = rng_for(draw, f"bench predictors {n}").choice(rest, n, replace=False)
        start = time.process_time()
        predictor.fit([every[i] for i in rows], errors[rows])
        seconds += (time.process_time() - start) / draws
        mean, _ = predictor.predict([every[i] for i in held_out])
        reached.append(float(spearmanr(mean, errors[held_out]).statistic))
    return reached, seconds


def table(dataset: str) -> tuple[Space, list[Architecture], NDArray[np.float64]]:
    """Returns the space, its architectures and their errors."""
    looked_up = nasbench201(dataset, 12)
    every = list(looked_up.space)
    errors = [looked_up.trial(Candidate(one)).metrics["error"] for one in every]
    return looked_up.space, every, np.array(errors)


def main() -> None:
    """Runs the predictors that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(PREDICTORS), default=list(PREDICTORS))
    parser.add_argument("--datasets", nargs="+", choices=list(DATASETS), default=list(DATASETS))
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--dry", action="store_true", help="write nothing")
    given = parser.parse_args()
    result: dict[str, Any] = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {}
    found = result.get("spearman", {})
    for dataset in given.datasets:
        space, every, errors = table(dataset)
        for name in given.only:
            predictor = PREDICTORS[name](space, 0)
            row = found.setdefault(dataset, {}).setdefault(name, {})
            for n in given.sizes:
                reached, seconds = correlations(predictor, every, errors, n, given.draws)
                error = np.std(reached, ddof=1) / len(reached) ** 0.5 if len(reached) > 1 else 0.0
                row[str(n)] = {
                    "mean": round(float(np.mean(reached)), 4),
                    "standard_error": round(float(error), 4),
                    "draws": len(reached),
                    "fit_seconds": round(seconds, 3),
                }
            print(f"{dataset:15} {name:18}", *(f"{row[str(n)]['mean']:.3f}" for n in given.sizes), flush=True)
            result = {"bench": "predictors", **machine(), "published": PUBLISHED, "spearman": found}
            if not given.dry:  # after every row: it is a long way to the last
                RESULT.write_text(json.dumps(result) + "\n", encoding="utf-8")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
