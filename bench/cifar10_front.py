"""A real search on CIFAR-10 against hand-made networks and against random search, at equal cost.

    NASTURTIUM_DATA=... python bench/cifar10_front.py                  # about 40 minutes on two CPU cores
    NASTURTIUM_DATA=... python bench/cifar10_front.py --size full      # a GPU

Searches residual and inverted-residual networks for error and latency; trains both fronts and hand-made
rivals by one recipe on the same images, tests each network once, measures all latencies side by side, and
compares hypervolumes over (test error, latency_ms). Writes bench/results/cifar10_front-SIZE.json and .png,
and prints the JSON line.

The rivals are ResNet-20, a narrower one (8 channels), a shallower one (8 layers), and MobileNetV2 at three
widths, with strides for small images. One run of one seed is an example, not a proof; --seeds 0 1 2 ... makes
it several.
"""

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import nasturtium as nt
from machine import machine
from nasturtium import blocks as b
from nasturtium import choice, repeat
from nasturtium.architecture import Architecture
from nasturtium.cost.measure import calibrate, clock_for, measure
from nasturtium.cost.runtime import fixed_threads, reference_run, torch_run
from nasturtium.evaluate.scratch import Scratch
from nasturtium.front.dominance import hypervolume, non_dominated
from nasturtium.net.build import build
from nasturtium.protocols import Candidate
from nasturtium.run.picks import choose
from nasturtium.space.space import Space
from nasturtium.space.zoo.mobilenet import mobilenet_v2
from nasturtium.space.zoo.resnet import resnet_cifar

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Size:
    """How much is spent.

    Attributes:
        images: Training images used, a balanced subset.
        budget: Of the search; random search gets the same training seconds.
        epochs: Of a training in the search.
        final_epochs: Of the trainings that are compared.
        picks: Networks of each front that are trained for good.
        population: Of the evolution: small where few networks can be trained.
    """

    images: int
    budget: str
    epochs: int
    final_epochs: int
    picks: int
    population: int


SIZES = {
    "cpu": Size(images=5_000, budget="9m", epochs=3, final_epochs=6, picks=4, population=8),
    "smoke": Size(images=1_000, budget="3", epochs=1, final_epochs=1, picks=2, population=2),
    "full": Size(images=50_000, budget="4h", epochs=12, final_epochs=100, picks=8, population=20),
}


def front_space() -> Space:
    """Residual networks: width and depth of stages, kind and kernel of blocks, and the stem are open."""
    stages: dict[str, Any] = {}
    for number, widths in enumerate(((8, 16, 24, 32), (16, 32, 48, 64), (32, 64, 96, 128)), 1):
        width = choice(*widths, name=f"stage{number}.width")
        block = choice(
            b.basic_block(width, kernel=3),
            b.basic_block(width, kernel=3, inner=width // 2),
            b.inverted_residual(width, kernel=choice(3, 5), expand=choice(2, 4)),
            labels=("basic", "narrow", "inverted"),
        )
        stages[f"stage{number}"] = repeat(block, choice(1, 2, 3), stride=1 if number == 1 else 2)
    stem = b.conv(choice(8, 16, 32), stride=choice(1, 2))
    return Space(stem=stem, **stages, classifier=b.classifier(), name="cifar-front")


def rivals() -> dict[str, Space]:
    """Hand-made networks, each a space of one."""
    made = {
        "ResNet-20": resnet_cifar(20),
        "ResNet-20, 8 wide": resnet_cifar(20, width=8),
        "ResNet-8": resnet_cifar(8),
    }
    return made | {f"MobileNetV2 {w}": mobilenet_v2(w, small_images=True) for w in (0.25, 0.35, 0.5)}


def compare(size: Size, seed: int, folder: Path) -> dict[str, Any]:
    """Runs one search and everything that it is compared with."""
    started = time.perf_counter()
    task = nt.tasks.image_classification("cifar10", seed=seed, max_train=size.images)
    recipe = nt.Recipe(epochs=size.epochs)
    space = front_space()
    run = nt.search(
        space,
        task,
        method="evolution",
        parameters={"population": size.population},
        minimize=("error", "latency_ms"),
        budget=size.budget,
        out=folder / str(seed),
        seed=seed,
        recipe=recipe,
        retrain=nt.Retraining(picks=0),
    )
    groups: dict[str, dict[str, tuple[Space, Architecture]]] = {"rivals": {}}
    for stage in ("search", "baseline"):
        trials, points = run.feasible(stage)
        rows = [one.row for one in choose(points, run.objectives, size.picks)]
        groups[stage] = {f"{stage} {i}": (space, trials[row].architecture) for i, row in enumerate(rows)}
    groups["rivals"] = {name: (one, one.unrank(0)) for name, one in rivals().items()}
    named = {name: pair for group in groups.values() for name, pair in group.items()}
    errors = {name: _final_error(pair, task, size=size, seed=seed) for name, pair in named.items()}
    latencies = _latencies(list(named.values()), task)
    points_of = {name: (errors[name], latency) for name, latency in zip(named, latencies, strict=True)}
    return {
        "seed": seed,
        "minutes": (time.perf_counter() - started) / 60,
        "trials": {stage: len(run.trials(stage)) for stage in ("search", "baseline")},
        "training_seconds": {
            stage: sum(t.metrics.get("train_seconds", 0.0) for t in run.trials(stage))
            for stage in ("search", "baseline")
        },
        "searched_hypervolume_on_validation": {s: run.hypervolume(s) for s in ("search", "baseline")},
        "points": {group: {name: points_of[name] for name in members} for group, members in groups.items()},
        "architectures": {name: one.text(a) for name, (one, a) in named.items() if one is space},
        **_hypervolumes(groups, points_of),
    }


def _final_error(pair: tuple[Space, Architecture], task: Any, *, size: Size, seed: int) -> float:
    space, architecture = pair
    recipe = nt.Recipe(epochs=size.epochs)
    final = Scratch(space, task, recipe, seed=seed, split="final")
    trial = final.trial(Candidate(architecture, fidelity=size.final_epochs, number=0))
    print(f"  {space.name}: {trial.status} {trial.metrics}", flush=True)
    # A training that fails names no class: it counts as wrong everywhere.
    return float(trial.metrics.get("test_error", 1.0))


def _latencies(pairs: Sequence[tuple[Space, Architecture]], task: Any) -> list[float]:
    """Measures all networks side by side, in random order, on one thread."""
    networks = [space.bind(task.input_shape, task.outputs).network(a) for space, a in pairs]
    with fixed_threads(1):
        runs = [torch_run(build(network, seed=0), task.input_shape) for network in networks]
        clock = clock_for(1)
        return [one.median_ms for one in measure(runs, calibrate(reference_run(), clock=clock), clock=clock)]


def _hypervolumes(groups: Any, points_of: dict[str, tuple[float, float]]) -> dict[str, Any]:
    """Shares of the box between (0, 0) and (worst error, worst latency) over all networks compared."""
    worst = np.array(list(points_of.values())).max(axis=0) * 1.01
    found = {
        group: hypervolume(np.array([points_of[name] for name in members]) / worst, [1.0, 1.0])
        for group, members in groups.items()
    }
    return {"reference_point": worst.tolist(), "hypervolume": found}


def draw(result: dict[str, Any], path: Path) -> None:
    """Draws the fronts of one seed."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.5, 5))
    looks = {
        "search": ("#d1495b", "o", "nasturtium"),
        "baseline": ("#8d99ae", "s", "random search, equal cost"),
    }
    looks["rivals"] = ("#2b2d42", "^", "hand-made networks")
    for group, (colour, marker, label) in looks.items():
        points = result["points"][group]
        values = np.array(list(points.values()))
        axes.scatter(values[:, 1], 100 * values[:, 0], c=colour, marker=marker, label=label, zorder=3)
        front = values[non_dominated(values)]
        front = front[np.argsort(front[:, 1])]
        axes.step(front[:, 1], 100 * front[:, 0], c=colour, where="post", alpha=0.5)
        for name, (error, latency) in points.items() if group == "rivals" else ():
            right = latency > np.mean(axes.get_xlim())  # there the name goes to the left, to stay inside
            side = {"ha": "right", "xytext": (-6, 4)} if right else {"ha": "left", "xytext": (6, 4)}
            axes.annotate(name, (latency, 100 * error), textcoords="offset points", fontsize=8, **side)
    axes.set(xlabel="latency_ms (PyTorch, one thread, batch 1)", ylabel="test error, %")
    axes.set_title("CIFAR-10: networks trained by one recipe, tested once")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", choices=SIZES, default="cpu")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    size = SIZES[arguments.size]
    folder = Path(tempfile.mkdtemp(prefix="cifar10-front-"))
    try:
        results = [compare(size, seed, folder) for seed in arguments.seeds]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    line = {
        "bench": "cifar10_front",
        "size": arguments.size,
        **size.__dict__,
        **machine(),
        "results": results,
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / f"cifar10_front-{arguments.size}.json").write_text(json.dumps(line, indent=1) + "\n")
    draw(results[0], arguments.out / f"cifar10_front-{arguments.size}.png")
    print(json.dumps(line))


if __name__ == "__main__":
    main()
