"""How a supernet whose networks are used as they are is best trained: nine ways at equal cost, on CIFAR-10.

    NASTURTIUM_DATA=... python bench/attentive.py --workers 2     # some two hours on two cores
    NASTURTIUM_DATA=... python bench/attentive.py --size full     # a GPU

An elastic MobileNet is trained by paths drawn uniformly, by the sandwich rule, with in-place distillation as
well (BigNAS), by attentive sampling (AttentiveNAS: the best or the worst of 3 candidates by their loss, of 50
by a predictor) and by progressive shrinking (OFA). All who learn from the largest network learn from labels
as well, which the papers' trainings of hundreds of epochs do without; one way is without them. Every way
passes as many training images through networks that are trained; candidates that are only looked at are
beyond that, and the seconds say what they cost.

Judged are the same networks after each: the smallest, the largest and others spread evenly over MACs, norms
recalibrated, by their test error. The hypervolume is that of their front in (error, logarithm of MACs), as a
share of the box from error 0 and the smallest network to error 0.9 and the largest. Ways are compared in
pairs by seed. The smallest network is also trained alone with as many steps as the supernet made.

Stopped and called again, it goes on. Prints one JSON line, and writes it to --out.
"""

import argparse
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

import nasturtium as nt
from machine import machine
from nasturtium import blocks as b
from nasturtium.architecture import Architecture
from nasturtium.cost.counts import Counted
from nasturtium.evaluate.fit import evaluate
from nasturtium.evaluate.scratch import Scratch
from nasturtium.evaluate.subnets import Subnets
from nasturtium.evaluate.training import Training
from nasturtium.front.dominance import hypervolume
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Candidate, Strategy
from nasturtium.recipes.attentive import AttentiveNAS
from nasturtium.recipes.bignas import BigNAS
from nasturtium.recipes.ofa import OnceForAll
from nasturtium.recipes.train_once import TrainOnce
from nasturtium.run.search import search
from nasturtium.run.sharing import Problem
from nasturtium.run.steps import Steps, Stepwise
from nasturtium.seeds import rng_for
from nasturtium.space.block import repeat
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.strategy.paths import UniformPaths
from nasturtium.strategy.sandwich import extremes
from one_shot import shrunk
from paired import compared
from pieces import carry_out

RESULTS = Path(__file__).parent / "results"
CHANCE = 0.9


@dataclass(frozen=True)
class Size:
    """How much is spent.

    Attributes:
        images: Training images, train and valid together.
        shrink: Side of the pixels that become one.
        widths: Of the three stages.
        depths: Of each stage.
        strides: Of the stem and the stages.
        recipe: Of the supernet; a step has four paths.
        networks: That are judged.
        test: Test images that each is judged on.
    """

    images: int
    shrink: int
    widths: tuple[tuple[int, ...], ...]
    depths: tuple[int, ...]
    strides: tuple[int, ...]
    recipe: nt.Recipe
    networks: int
    test: int


CPU = nt.Recipe(
    epochs=8, batch_size=32, lr=0.1, label_smoothing=0.0, device="cpu", precision="float32", threads=1
)
SIZES = {
    "cpu": Size(12_500, 2, ((8, 12, 16), (16, 24, 32), (32, 48, 64)), (1, 2), (2, 1, 2, 1), CPU, 16, 2000),
    "smoke": Size(400, 2, ((4, 8),) * 3, (1, 2), (2, 1, 2, 1), replace(CPU, epochs=1), 4, 100),
    "full": Size(
        50_000,
        1,
        ((32, 40, 48), (64, 80, 96), (128, 160, 192)),
        (1, 2, 3),
        (1, 1, 2, 2),
        nt.Recipe(epochs=200, batch_size=256, lr=0.2, weight_decay=3e-5),
        64,
        10_000,
    ),
}


class Uniform(TrainOnce):
    """Four paths drawn uniformly, all taught by labels."""

    def training(self, problem: Problem, supernet: Supernet) -> Stepwise:
        """Without distillation."""
        return Training(
            *(supernet, problem.task, self.recipe(problem, self.paths)), paths=self.paths, seed=problem.seed
        )

    def sampler(self, problem: Problem, steps: int) -> Strategy:
        """Each decision drawn uniformly."""
        return UniformPaths(problem.space, seed=problem.seed)


class Sandwich(Uniform):
    """The largest, the smallest and two others, all taught by labels."""

    def sampler(self, problem: Problem, steps: int) -> Strategy:
        """As BigNAS draws them."""
        return BigNAS(epochs=self.epochs).sampler(problem, steps)


def shrinking(epochs: int) -> OnceForAll:
    """Returns OFA with as many images in all: a step of its first part has one path, not four."""
    return OnceForAll(max(1, round(epochs / (1 + OnceForAll.TEACHER / (1 - OnceForAll.TEACHER) / 4))))


WAYS: Mapping[str, Callable[[int], TrainOnce]] = {
    "uniform": Uniform,
    "sandwich": Sandwich,
    "sandwich + distillation": BigNAS,
    "sandwich + answers alone": lambda epochs: BigNAS(epochs, labels=0.0),
    "BestUp-3, loss": AttentiveNAS,
    "WorstUp-3, loss": lambda epochs: AttentiveNAS(epochs, keep="worst"),
    "BestUp-50, predictor": lambda epochs: AttentiveNAS(epochs, by="predictor"),
    "WorstUp-50, predictor": lambda epochs: AttentiveNAS(epochs, by="predictor", keep="worst"),
    "progressive shrinking": shrinking,
}


def data(size: Size, seed: int) -> nt.tasks.ImageClassification:
    """Returns CIFAR-10 with smaller images; another seed has another validation split."""
    task = nt.tasks.image_classification("cifar10", seed=seed, max_train=size.images)
    if size.shrink == 1:
        return task
    train, valid, test = (shrunk(split, size.shrink) for split in (task.train, task.valid, task.test))
    return replace(task, train=train, valid=valid, test=test, shift=task.shift // size.shrink)


def elastic(size: Size) -> Space:
    """Returns a MobileNet with widths, depths, kernels and expansions open."""
    stages = {
        f"stage{i}": repeat(
            b.inverted_residual(
                choice(*widths, name=f"stage{i}.width"), kernel=choice(3, 5), expand=choice(2, 3, 4)
            ),
            choice(*size.depths),
            stride=stride,
        )
        for i, (widths, stride) in enumerate(zip(size.widths, size.strides[1:], strict=True), 1)
    }
    stem = b.conv(size.widths[0][-1], stride=size.strides[0])
    return Space(stem=stem, **stages, classifier=b.classifier(), name="elastic")


def problem_of(size: Size, seed: int) -> Problem:
    task = data(size, seed)
    space = elastic(size).bind(task.input_shape, task.outputs)
    return Problem(space, task, size.recipe, seed, Counted(space))


def judged(problem: Problem, count: int) -> list[Architecture]:
    """Returns the smallest network, the largest and others at even steps of MACs, for all seeds alike."""
    space, ends = problem.space, extremes(problem.space, problem.macs)
    drawn = set[Architecture]()
    for number in range(50 * count):
        rng = rng_for(0, "attentive/judged", number)
        one = space.sample(rng)
        for _ in range(number % 3):  # random networks alone hardly ever come near the ends
            one = space.crossover(one, ends[number % 2], rng)
        drawn.add(one)
    left = sorted(drawn - set(ends), key=space.rank)
    found = []
    for wanted in np.linspace(*map(problem.macs, ends), count)[1:-1]:
        found.append(min(left, key=lambda one: abs(problem.macs(one) - wanted)))
        left.remove(found[-1])
    return [ends[0], *found, ends[1]]


def course(way: str, seed: int, name: str) -> dict[str, Any]:
    """Trains one supernet and judges its networks."""
    size = SIZES[name]
    torch.set_num_threads(size.recipe.threads or torch.get_num_threads())
    problem = problem_of(size, seed)
    began = time.process_time(), time.perf_counter()
    recipe = WAYS[way](size.recipe.epochs)
    supernet = recipe.supernet(problem)
    training = recipe.training(problem, supernet)
    search(recipe.sampler(problem, training.steps), training, Steps(training))
    spent = {"cpu_seconds": time.process_time() - began[0], "seconds": time.perf_counter() - began[1]}
    subnets = Subnets(supernet, problem.task, recalibration=1024, seed=seed)
    test = problem.task.test
    split = replace(test, images=test.images[: size.test], labels=test.labels[: size.test])
    networks = judged(problem, size.networks)
    errors = [evaluate(subnets(one), split, problem.task.normalisation, size.recipe)[0] for one in networks]
    macs = [problem.macs(one) for one in networks]
    return {"way": way, "seed": seed, "steps": training.steps, **spent, "macs": macs, "errors": errors} | {
        "hypervolume": volume(errors, macs)
    }


def volume(errors: list[float], macs: list[float]) -> float:
    """Returns the share of the box that the front dominates."""
    logs = np.log(macs)
    points = np.stack([np.array(errors) / CHANCE, (logs - logs.min()) / (logs.max() - logs.min())], axis=1)
    return hypervolume(points, [1.0, 1.0])


def alone(seed: int, name: str) -> dict[str, Any]:
    """Trains the smallest network by itself, as many steps, and judges it as the others are."""
    size = SIZES[name]
    problem = problem_of(size, seed)
    test = problem.task.test
    split = replace(test, images=test.images[: size.test], labels=test.labels[: size.test])
    swapped = replace(problem.task, valid=split)
    smallest = extremes(problem.space, problem.macs)[0]
    trial = Scratch(problem.space, swapped, size.recipe, seed=seed).trial(Candidate(smallest))
    return {"seed": seed, "error": trial.metrics["error"]}


def report(name: str, found: Mapping[str, Any], seeds: list[int]) -> dict[str, Any]:
    """Returns what is printed."""
    rows = [found[f"{way}/{seed}"] for way in WAYS for seed in seeds if f"{way}/{seed}" in found]
    ways: dict[str, Any] = {}
    for way in WAYS:
        some = [row for row in rows if row["way"] == way]
        if some:
            ways[way] = {
                "hypervolume": spread([row["hypervolume"] for row in some]),
                "smallest_error": spread([row["errors"][0] for row in some]),
                "largest_error": spread([row["errors"][-1] for row in some]),
                "cpu_seconds": spread([row["cpu_seconds"] for row in some]),
                "steps": some[0]["steps"],
            }
    lost = {way: {row["seed"]: -row["hypervolume"] for row in rows if row["way"] == way} for way in ways}
    single = [found[f"alone/{seed}"]["error"] for seed in seeds if f"alone/{seed}" in found]
    return {
        "bench": "attentive",
        "size": name,
        **machine(),
        "seeds": seeds,
        "ways": ways,
        "smallest_alone": spread(single) if single else None,
        "pairs": compared(lost),
        "results": rows,
    }


def spread(values: list[float]) -> dict[str, float]:
    return {
        "mean": round(float(np.mean(values)), 4),
        "sd": round(float(np.std(values, ddof=min(1, len(values) - 1))), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", choices=SIZES, default="cpu")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("runs/attentive"), help="where it goes on")
    parser.add_argument("--out", type=Path, help="bench/results/attentive-SIZE.json")
    given = parser.parse_args()
    pieces: dict[str, Callable[[], Any]] = {}
    for seed in given.seeds:
        pieces |= {f"{way}/{seed}": partial(course, way, seed, given.size) for way in given.ways}
        pieces[f"alone/{seed}"] = partial(alone, seed, given.size)
    found = carry_out(pieces, given.folder / f"{given.size}.jsonl", given.workers)
    line = report(given.size, found, given.seeds)
    (given.out or RESULTS / f"attentive-{given.size}.json").write_text(json.dumps(line, indent=1) + "\n")
    print(json.dumps({key: value for key, value in line.items() if key != "results"}))


if __name__ == "__main__":
    main()
