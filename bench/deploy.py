"""From data and a device to networks within three budgets, beside hand-made ones of the same latency.

    NASTURTIUM_DATA=... python bench/deploy.py                 # about half an hour on two CPU cores
    NASTURTIUM_DATA=... python bench/deploy.py --size full     # a GPU

What a practitioner does, with the commands' own functions: a profile of this machine for OFA's space in
onnxruntime, one supernet trained by `attentive`, the best network within each of three latencies, exported.
The three are a tenth, the middle and nine tenths of the way through the latencies of random networks.

Then each exported file is measured again in onnxruntime, in three fresh processes, beside hand-made networks:
ResNets of several depths and widths, MobileNetV2s and scaled EfficientNets; what counts is the median of the
processes, each of which lies elsewhere in memory. Of each family the slowest one that is within the budget is
trained, alone, on as many images as the supernet and the networks taken from it together. At last one more
budget is asked for, and timed.

Stopped and called again, it goes on. Prints one JSON line and writes bench/results/deploy-SIZE.json.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import nasturtium as nt
from machine import machine
from nasturtium.cost.measure import calibrate, clock_for, measure
from nasturtium.cost.profile import course_of
from nasturtium.cost.runtime import fixed_threads, reference_run, session_run
from nasturtium.evaluate.scratch import Scratch
from nasturtium.net.build import build
from nasturtium.net.onnx import onnx_model
from nasturtium.protocols import Candidate
from nasturtium.run.names import space_named
from nasturtium.run.profiling import build_profile
from nasturtium.run.run import Run
from nasturtium.space.scale import scaled
from nasturtium.space.space import Space
from nasturtium.space.zoo.efficientnet import efficientnet
from nasturtium.space.zoo.mobilenet import mobilenet_v2
from nasturtium.space.zoo.resnet import resnet_cifar
from nasturtium.store.profiles import read_profile, write_profile
from pieces import carry_out

RESULTS = Path(__file__).parent / "results"
METRIC = "latency_onnx_ms"
SHARES = (0.1, 0.5, 0.9)
TOLERANCE = 1.05  # two networks within it count as equally fast
PROCESSES = 3


@dataclass(frozen=True)
class Size:
    """How much is spent.

    Attributes:
        images: Training images, validation ones among them.
        profile: Seconds of the profile.
        epochs: Of the supernet.
        tuned: Epochs that a network taken from it is trained on.
        networks: That are looked at in the trained supernet.
        batch: Images of a step.
    """

    images: int
    profile: float
    epochs: int
    tuned: int
    networks: int
    batch: int


SIZES = {
    "cpu": Size(images=10_000, profile=120, epochs=6, tuned=6, networks=120, batch=64),
    "smoke": Size(images=600, profile=15, epochs=1, tuned=1, networks=8, batch=64),
    "full": Size(images=50_000, profile=600, epochs=300, tuned=25, networks=5_000, batch=256),
}


def hand_made() -> dict[str, dict[str, Space]]:
    """Returns families of networks, each a space of one."""
    depths = ((8, 4), (8, 8), (8, 12), (8, 16), (14, 8), (14, 12), (20, 8), (20, 12), (20, 16))
    widths = (0.1, 0.2, 0.25, 0.35, 0.5, 0.75)
    factors = ((1, 1), (1.2, 1.1), (1.44, 1.21), (1.73, 1.33), (2.07, 1.46))
    base = efficientnet("small")
    return {
        "ResNet": {f"ResNet-{d}, {w} wide": resnet_cifar(d, width=w) for d, w in depths},
        "MobileNetV2": {f"MobileNetV2 {w}": mobilenet_v2(w, small_images=True) for w in widths},
        "MobileNetV2, strides as published": {f"MobileNetV2/32 {w}": mobilenet_v2(w) for w in widths},
        "EfficientNet": {f"EfficientNet {d}x {w}x": scaled(base, depth=d, width=w) for d, w in factors},
    }


def searched(task: Any, size: Size, seed: int, folder: Path, budgets: Sequence[float]) -> Run:
    """Searches as the command does; again with more budgets, it only picks and trains on what is new."""
    return nt.search(
        "ofa",
        task,
        method="attentive",
        minimize=("error", METRIC),
        budget=size.networks,
        out=folder / "run",
        seed=seed,
        baseline=False,
        parameters={"epochs": size.epochs, "tuned": size.tuned, "recalibration": 1024, "finalists": 6},
        device=folder / "device.json",
        recipe=nt.Recipe(batch_size=size.batch),
        retrain=nt.Retraining(picks=1, times=1, at=tuple(f"{METRIC} <= {one}" for one in budgets)),
    )


def fresh(files: Sequence[Path]) -> list[list[float]]:
    """Returns milliseconds of ONNX files in each of some fresh processes, measured side by side there."""
    command = [sys.executable, __file__, "--measure", *map(str, files)]
    ran = [
        subprocess.run(command, check=True, capture_output=True, text=True).stdout for _ in range(PROCESSES)
    ]
    return [list(one) for one in zip(*map(json.loads, ran), strict=True)]


def spent(path: Path, seconds: float) -> float:
    """Returns the seconds of all calls, where one was stopped and called again."""
    total = seconds + (float(path.read_text()) if path.exists() else 0.0)
    path.write_text(str(total))
    return total


def measured(files: Sequence[str], shape: Sequence[int] = (3, 32, 32)) -> list[float]:
    """Returns milliseconds of ONNX files on one thread, all measured in random order."""
    with fixed_threads(1):
        runs = [session_run(file, shape) for file in files]
        clock = clock_for(1)
        reference = calibrate(reference_run("onnxruntime"), clock=clock)
        return [one.median_ms for one in measure(runs, reference, clock=clock)]


def written(family: Mapping[str, Space], task: Any, folder: Path) -> dict[str, Path]:
    """Writes networks as ONNX files, untrained: that does not change their latency."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for number, (name, space) in enumerate(family.items()):
        bound = space.bind(task.input_shape, task.outputs)
        files[name] = folder / f"{number}.onnx"
        model = build(bound.network(bound.unrank(0)), seed=0).eval()
        files[name].write_bytes(onnx_model(model, task.input_shape).SerializeToString())
    return files


def trained(name: str, size: Size, seed: int) -> float:
    """Returns the test error of a hand-made network, trained on as many images as the supernet's ones."""
    space = next(family[name] for family in hand_made().values() if name in family)
    task = nt.tasks.image_classification("cifar10", seed=seed, max_train=size.images)
    recipe = nt.Recipe(epochs=size.epochs + size.tuned, batch_size=size.batch)
    final = Scratch(space, task, recipe, seed=seed, split="final")
    trial = final.trial(Candidate(space.bind(task.input_shape, task.outputs).unrank(0), number=0))
    return float(trial.metrics.get("test_error", 1.0))


def rivals(budget: float, ms: Mapping[str, float]) -> list[str]:
    """Returns of each family the slowest one that is within a budget."""
    chosen = []
    for family in hand_made().values():
        fitting = sorted((name for name in family if ms[name] <= TOLERANCE * budget), key=ms.__getitem__)
        chosen += fitting[-1:]
    return chosen


def compare(size: Size, seed: int, folder: Path, workers: int) -> dict[str, Any]:
    """Searches, measures again, trains what it is compared with."""
    task = nt.tasks.image_classification("cifar10", seed=seed, max_train=size.images)
    device, clock = folder / "device.json", time.perf_counter()
    if not device.exists():
        space = space_named("ofa").bind(task.input_shape, task.outputs)
        write_profile(build_profile(space, ("onnxruntime",), seconds=size.profile, seed=seed), device)
    course = course_of(read_profile(device), "onnxruntime")
    budgets = [float(f"{q:.3g}") for q in np.quantile([one.ms for one in course.samples], SHARES)]
    run = searched(task, size, seed, folder, budgets)
    seconds = spent(folder / "seconds.txt", time.perf_counter() - clock)
    made = {name: one for family in hand_made().values() for name, one in family.items()}
    files = written(made, task, folder / "hand-made")
    picks = {pick.name: pick for pick in run.picks}
    for name, pick in picks.items():
        files[name] = folder / f"{name}.onnx"
        nt.export(pick.model(), files[name], task)
    each = dict(zip(files, fresh(list(files.values())), strict=True))
    ms = {name: float(np.median(found)) for name, found in each.items()}
    rows = {budget: rivals(budget, ms) for budget in budgets}
    wanted = sorted({name for names in rows.values() for name in names})
    errors = carry_out(
        {name: partial(trained, name, size, seed) for name in wanted}, folder / "errors.jsonl", workers
    )
    return {
        "profile": asdict(course.quality[course.model]),
        "seconds": round(seconds),
        "one_more": one_more(task, size, seed, folder, budgets),
        "budgets": [
            against(picks.get(f"{METRIC}-{budget:.12g}"), budget, ms, {n: errors[n] for n in rows[budget]})
            for budget in budgets
        ],
        "processes_ms": {name: each[name] for name in picks},
        "hand_made": {name: {"ms": ms[name], "test_error": errors.get(name)} for name in made},
    }


def against(
    pick: Any, budget: float, ms: Mapping[str, float], errors: Mapping[str, float]
) -> dict[str, object]:
    """Returns what came of one budget; the pick is None where it is that of a smaller budget, too."""
    best = min(errors, key=errors.__getitem__, default=None)
    row: dict[str, object] = {"budget_ms": budget}
    if pick is not None and pick.retrained is not None:
        row |= {
            "promised_ms": pick.metrics[METRIC],
            "measured_ms": ms[pick.name],
            "over_budget": ms[pick.name] / budget - 1,
            "test_error": pick.retrained.mean,
            "network": pick.text,
        }
    return row | (
        {"best_hand_made": best, "its_ms": ms[best], "its_test_error": errors[best]} if best else {}
    )


def one_more(task: Any, size: Size, seed: int, folder: Path, budgets: Sequence[float]) -> dict[str, float]:
    """Returns the seconds of the search stage for one more budget: all of it, without the epochs alone."""
    more = float(f"{np.mean(budgets[:2]):.3g}")
    clock = time.perf_counter()
    run = searched(task, size, seed, folder, [*budgets, more])
    seconds = time.perf_counter() - clock
    last = run.picks[-1].retrained
    alone = sum(t.metrics.get("train_seconds", 0.0) for t in last.trials) if last else 0.0
    return {"budget_ms": more, "seconds": seconds, "of_them_training": alone}


def main() -> None:
    """Compares, writes and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", choices=SIZES, default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2, help="hand-made networks trained at once")
    parser.add_argument("--folder", type=Path, default=Path("runs/deploy"))
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measured(given.measure)))
        return
    size, folder = SIZES[given.size], given.folder / f"{given.size}-{given.seed}"
    found = compare(size, given.seed, folder, given.workers)
    line = {"bench": "deploy", "size": given.size, "seed": given.seed, **asdict(size), **machine(), **found}
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / f"deploy-{given.size}.json").write_text(json.dumps(line, indent=1) + "\n")
    print(json.dumps(line))


if __name__ == "__main__":
    main()
