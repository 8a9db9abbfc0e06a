"""Do the errors of networks whose weights a hypernetwork writes rank them as trainings of their own do?

    NASTURTIUM_DATA=... python bench/smash.py                     # about two minutes of a CPU core

Trains hypernetworks (Brock et al. 2018, SMASH, arXiv:1708.05344) of two sizes on random networks of the small
NAS-Bench-201 space, on digits, then lets them write the weights of random networks and compares validation
errors with those of the same networks trained alone. The paper reports that correlation, and that it is seen
only where the hypernetwork is large enough and the space restricted. Beside them: a supernet of shared
weights trained on the same paths, the number of multiply-accumulates, which costs nothing to know, and a
second training of each network alone: nothing can agree with the first much better than that does. A
network alone has one epoch: after four most of them err by 2 %, and two trainings agree no more than chance.

Writes bench/results/smash.json and prints the JSON line. Seconds are those of the processor.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import kendalltau, spearmanr

import nasturtium as nt
from machine import machine
from nasturtium.architecture import Architecture
from nasturtium.cost.counts import Counted
from nasturtium.evaluate.inherited import Inherited
from nasturtium.evaluate.scratch import Scratch
from nasturtium.evaluate.training import Training
from nasturtium.net.hypernet import Hypernet
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Candidate
from nasturtium.run.names import space_named
from nasturtium.run.search import search
from nasturtium.run.steps import Steps
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space
from nasturtium.strategy.paths import UniformPaths
from nasturtium.tasks.images import ImageClassification

RESULTS = Path(__file__).parent / "results"
RECIPE = nt.Recipe(batch_size=64, device="cpu", precision="float32", threads=1)
RESAMPLES = 2000  # of the networks, for the interval of a correlation


def networks_of(space: Space, count: int) -> list[Architecture]:
    """Returns different networks, drawn at random."""
    found: dict[str, Architecture] = {}
    for number in range(100 * count):
        one = space.unrank(int(rng_for(0, "smash networks", number).random() * space.count))
        found.setdefault(space.canonical(one), one)
        if len(found) == count:
            break
    return list(found.values())


def trained(net: Supernet, task: ImageClassification, epochs: int, seed: int) -> dict[str, Any]:
    """Trains shared weights on one random network a step."""
    began = time.process_time()
    recipe = RECIPE.with_settings({"epochs": epochs, "lr": 0.05})
    training = Training(net, task, recipe, seed=seed)
    steps = Steps(training)
    search(UniformPaths(net.space, seed=seed), training, steps)
    losses = [trial.metrics["loss"] for trial in steps.trials[-len(steps.trials) // 10 :]]
    return {
        "steps": training.steps,
        "seconds": round(time.process_time() - began, 1),
        "train_loss": round(float(np.mean(losses)), 3),
        "weights": sum(one.numel() for one in net.parameters()),
    }


def alone(
    space: Space, task: ImageClassification, candidates: Sequence[Candidate], epochs: int, seed: int
) -> list[float]:
    """Returns the validation errors of networks trained by themselves."""
    scratch = Scratch(space, task, RECIPE.with_settings({"epochs": epochs}), seed=seed)
    return [trials[0].metrics["error"] for one in candidates for trials in scratch.evaluate([one])]


def agreement(scores: Sequence[float], errors: Sequence[float]) -> dict[str, Any]:
    """Returns rank correlations of scores with errors, and the middle 95 % of resampled ones."""
    columns = np.array([scores, errors])
    rng, found = rng_for(0, "smash resamples"), []
    for _ in range(RESAMPLES):
        drawn = columns[:, rng.integers(columns.shape[1], size=columns.shape[1])]
        found.append(float(spearmanr(*drawn).statistic))
    low, high = np.nanquantile(found, (0.025, 0.975)).tolist()
    return {
        "spearman": round(float(spearmanr(*columns).statistic), 3),
        "interval": [round(low, 3), round(high, 3)],
        "kendall": round(float(kendalltau(*columns).statistic), 3),
    }


def main() -> None:
    """Runs all of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--networks", type=int, default=40)
    parser.add_argument("--epochs", type=int, default=30, help="of the shared weights")
    parser.add_argument("--alone", type=int, default=1, help="epochs of a network alone")
    parser.add_argument("--layers", type=int, nargs="+", default=[2, 8], help="of the hypernetworks")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS / "smash.json")
    given = parser.parse_args()
    task = nt.tasks.image_classification("digits", seed=given.seed)
    space = space_named("nasbench201").bind(task.input_shape, task.outputs)
    networks = networks_of(space, given.networks)
    candidates = [Candidate(one, number=i) for i, one in enumerate(networks)]
    began = time.process_time()
    errors, again = (alone(space, task, candidates, given.alone, given.seed + more) for more in (0, 1))
    seconds = time.process_time() - began
    say(f"{len(errors)} networks alone: {seconds:.0f} s, errors {np.quantile(errors, (0, 0.5, 1)).round(3)}")
    counted = Counted(space)
    macs = [-float(counted.counts(one).macs) for one in networks]
    nets: dict[str, Supernet] = {
        f"hypernet, {n} layers": Hypernet(space, seed=given.seed, layers=n) for n in given.layers
    }
    nets["supernet"] = Supernet(space, seed=given.seed, norms="batch")
    rows: dict[str, Any] = {"macs": agreement(macs, errors), "alone again": agreement(again, errors)}
    for name, net in nets.items():
        course = trained(net, task, given.epochs, given.seed)
        inherited = Inherited(net, task, RECIPE, recalibration=512, seed=given.seed)
        scores = [inherited.trial(one).metrics["error"] for one in candidates]
        rows[name] = agreement(scores, errors) | {"median_error": round(float(np.median(scores)), 3)} | course
        say(f"{name}: {rows[name]}")
    row = {
        "bench": "smash",
        "data": "digits",
        "space": space.name,
        **machine(),
        **{name: getattr(given, name) for name in ("networks", "epochs", "alone", "seed")},
        "alone_seconds": round(seconds, 1),
        "alone_errors": [round(one, 4) for one in np.quantile(errors, (0, 0.25, 0.5, 0.75, 1)).tolist()],
        "agreement": rows,
    }
    given.out.write_text(json.dumps(row, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(row))


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
