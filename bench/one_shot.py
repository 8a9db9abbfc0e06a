"""Do errors with shared weights rank networks as trainings of their own do? NAS-Bench-201, on ground truth.

    NASTURTIUM_DATA=... python bench/one_shot.py                  # some ten minutes of a CPU core a supernet
    NASTURTIUM_DATA=... python bench/one_shot.py --size full      # a GPU: the published C = 16, N = 5
    NASTURTIUM_DATA=... python bench/one_shot.py --seeds 1        # this seed only, beside another process

Trains a supernet of all 15,625 cells on CIFAR-10 by uniform paths (SPOS), strictly fair paths (FairNAS) and
path dropout (Bender et al. 2018), at about equal numbers of images that go through a network. Then looks at
random networks with its weights: how well does their validation error rank them beside their mean test
accuracy after 200 epochs alone, which the table has? Before recalibration the norms have the statistics that
all paths left behind, after it those of the network itself.

At last the network that evolution picks with the weights of uniform paths is compared with the one that
random search picks which trains networks alone, with as many images; both are judged by the table. The rank
correlation of these trainings alone with the table is the most that shared weights of this size could reach.

The CPU size has 16 channels, one cell a stage and 16x16 pixels. Channels, cells, learning rate and clipping
were chosen on seed 3 with 8x8 pixels: what counts is how often each convolution is trained. With two or three
cells, or 8 channels, thousands of steps left convolutions behind skips and pools, which need no training, and
ranks were random. The learning rate stays where it is after the warm-up.

Stopped and called again, it goes on. After each supernet it writes bench/results/one_shot-SIZE.json; at the
end it prints the JSON line. Seconds are those of the processor (CPU) or of the wall (GPU).
"""

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import kendalltau, spearmanr
from torch.nn import functional

import nasturtium as nt
from machine import machine
from nasturtium.architecture import Architecture
from nasturtium.evaluate.inherited import Inherited
from nasturtium.evaluate.scratch import Scratch
from nasturtium.evaluate.training import Training
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Candidate, Evaluator, Strategy
from nasturtium.run.budget import Budget
from nasturtium.run.names import table_named
from nasturtium.run.record import Record
from nasturtium.run.search import search
from nasturtium.run.steps import Steps
from nasturtium.seeds import rng_for
from nasturtium.space.block import repeat
from nasturtium.space.blocks import conv
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.space.zoo.nasbench201 import EDGES, OPS, Cell201, Head201, Reduction201
from nasturtium.store.memory import MemoryJournal
from nasturtium.strategy.distinct import Distinct
from nasturtium.strategy.fair import FairPaths
from nasturtium.strategy.generations import GenerationalEvolution
from nasturtium.strategy.path_dropout import PathDropout
from nasturtium.strategy.paths import UniformPaths
from nasturtium.strategy.random import RandomSearch
from nasturtium.tasks.images import ImageClassification, Split

RESULTS = Path(__file__).parent / "results"
TABLE = "nasbench201/cifar10/200"


@dataclass(frozen=True)
class Size:
    """How much is spent.

    Attributes:
        images: Training images, train and valid together.
        shrink: Side of the pixels that become one.
        width: Channels of the first stage, C.
        cells: Of each stage, N.
        recipe: Of a supernet trained by uniform paths.
        epochs: Of each sampler; a step of fair paths has five of them, and one of path dropout a larger
            network.
        r: Final rate of path dropout.
        ghosts: Mixtures of a step of path dropout.
        networks: Random ones that are ranked.
        valid: Validation images that each is evaluated on.
        recalibration: Training images for the norms of each.
        evolved: Networks that evolution looks at.
        alone: Images and epochs of a network that random search trains: a few images several times, so that
            it can try some networks at all.
        every: Steps between checkpoints.
    """

    images: int
    shrink: int
    width: int
    cells: int
    recipe: nt.Recipe
    epochs: Mapping[str, int]
    r: float
    ghosts: int
    networks: int
    valid: int
    recalibration: int
    evolved: int
    alone: tuple[int, int]
    every: int = 500


ONE_CORE = nt.Recipe(
    epochs=8, batch_size=64, lr=0.1, label_smoothing=0.0, warmup=0.05, floor=1.0, clip_norm=5.0, device="cpu",
    precision="float32", threads=1,
)  # fmt: skip
SIZES = {
    "cpu": Size(
        images=50_000,
        shrink=2,
        width=16,
        cells=1,
        recipe=ONE_CORE,
        epochs={"uniform": 8, "fair": 2, "path_dropout": 3},
        r=0.1,
        ghosts=2,
        networks=1000,
        valid=500,
        recalibration=256,
        evolved=300,
        alone=(10_000, 4),
    ),
    "smoke": Size(
        images=400,
        shrink=2,
        width=4,
        cells=1,
        recipe=replace(ONE_CORE, epochs=2),
        epochs={"uniform": 2, "fair": 1, "path_dropout": 1},
        r=0.1,
        ghosts=2,
        networks=10,
        valid=50,
        recalibration=32,
        evolved=10,
        alone=(200, 1),
    ),
    # Dong & Yang 2020, table 4: what weight sharing was trained with.
    "full": Size(
        images=50_000,
        shrink=1,
        width=16,
        cells=5,
        recipe=nt.Recipe(epochs=250, batch_size=64, lr=0.025, weight_decay=5e-4, label_smoothing=0.0),
        epochs={"uniform": 250, "fair": 50, "path_dropout": 80},
        r=0.1,
        ghosts=2,
        networks=1000,
        valid=10_000,
        recalibration=2048,
        evolved=1000,
        alone=(50_000, 12),
        every=5000,
    ),
}


def data(size: Size, seed: int) -> ImageClassification:
    """Returns CIFAR-10 with its images shrunk by averaging; another seed is another validation split."""
    task = nt.tasks.image_classification("cifar10", seed=seed, max_train=size.images)
    if size.shrink == 1:
        return task
    train, valid, test = (shrunk(split, size.shrink) for split in (task.train, task.valid, task.test))
    return replace(task, train=train, valid=valid, test=test, shift=task.shift // size.shrink)


def shrunk(split: Split, by: int) -> Split:
    images = functional.avg_pool2d(split.images.float(), by)
    return Split(images.round().to(split.images.dtype), split.labels)


def skeleton(width: int, cells: int) -> Space:
    """Returns the space of the table in a network of this size; architectures are numbered as there.

    Args:
        width: Channels of the first stage.
        cells: Of each stage.
    """
    cell = Cell201(tuple(choice(*OPS, name=f"edge{start}{end}") for start, end in EDGES))
    return Space(
        stem=conv(width, act="none"),
        stage1=repeat(cell, cells),
        reduce1=Reduction201(2 * width),
        stage2=repeat(cell, cells),
        reduce2=Reduction201(4 * width),
        stage3=repeat(cell, cells),
        head=Head201(),
        name="nasbench201",
    )


def sampler_of(name: str, space: Space, training: Training, seed: int, size: Size) -> Strategy:
    """Returns what decides which paths are trained."""
    if name == "uniform":
        return UniformPaths(space, seed=seed)
    if name == "fair":
        return FairPaths(space, seed=seed)
    return PathDropout(space, training.steps * size.ghosts, seed=seed, r=size.r)


@dataclass
class Course:
    """One supernet: trained, and what is found with its weights."""

    name: str
    seed: int
    size: Size
    folder: Path

    def __post_init__(self) -> None:
        self.task = data(self.size, self.seed)
        self.space = skeleton(self.size.width, self.size.cells).bind(self.task.input_shape, self.task.outputs)
        self.table = table_named(TABLE)

    def run(self) -> dict[str, Any]:
        """Returns what came out; what is done already is read."""
        path = self.folder / f"{self.name}-{self.seed}.json"
        if path.exists():
            return dict(json.loads(path.read_text(encoding="utf-8")))
        supernet, trained = self.trained()
        rows, seconds = self.ranked(supernet)
        found = {"sampler": self.name, "seed": self.seed, **trained, "rank_seconds": seconds}
        found |= correlations(rows)
        if self.name == "uniform":
            found["evolution"] = self.evolved(supernet)
            found["random_search"] = self.random_search(trained["images"])
        path.write_text(json.dumps(found), encoding="utf-8")
        return found

    def trained(self) -> tuple[Supernet, dict[str, Any]]:
        """Trains the supernet, from its last checkpoint on."""
        size = self.size
        recipe = replace(size.recipe, epochs=size.epochs[self.name])
        supernet = Supernet(self.space, seed=self.seed, norms="running", affine=False)
        paths = {"uniform": 1, "fair": 5, "path_dropout": size.ghosts}[self.name]
        training = Training(
            supernet, self.task, recipe, paths=paths, seed=self.seed, split=self.name == "path_dropout"
        )
        sampler = sampler_of(self.name, self.space, training, self.seed, size)
        steps = Steps(training, self.folder / f"{self.name}-{self.seed}.safetensors", size.every)
        clock = self.folder / f"{self.name}-{self.seed}.seconds"
        before = float(clock.read_text()) if clock.exists() else 0.0
        began = now()
        saved = [training.step]

        def watch(step: int, total: int, trials: Sequence[Any]) -> None:
            if step % 200 == 0:
                loss = trials[0].metrics["loss"]
                say(
                    f"{self.name} {self.seed}: step {step} of {total}, loss {loss:.3f}, {now() - began:.0f} s"
                )
            if step - saved[0] >= size.every:  # the checkpoint follows
                saved[0] = step
                clock.write_text(str(before + now() - began))

        steps.watcher = watch
        search(sampler, training, steps)
        seconds = before + now() - began
        clock.write_text(str(seconds))
        each = 1 if self.name == "path_dropout" else paths
        images = recipe.epochs * len(self.task.train) * each
        losses = [trial.metrics["loss"] for trial in steps.trials[-len(steps.trials) // 10 :]]
        return supernet, {
            "steps": training.step,
            "images": images,
            "train_seconds": seconds,
            "train_loss": float(np.mean(losses)),
        }

    def evaluators(self, supernet: Supernet) -> dict[str, Inherited]:
        """Returns what evaluates with the weights of a supernet, before and after recalibration."""
        return {
            when: Inherited(
                *(supernet, self.task, self.size.recipe),
                recalibration=images,
                images=self.size.valid,
                seed=self.seed,
            )
            for when, images in (("before", 0), ("after", self.size.recalibration))
        }

    def ranked(self, supernet: Supernet) -> tuple[list[dict[str, float]], float]:
        """Evaluates the random networks, the same ones for every supernet."""
        began, evaluators, rows = now(), self.evaluators(supernet), []
        path = self.folder / f"{self.name}-{self.seed}.jsonl"
        known = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        for number in range(self.size.networks):
            if number < len(known):
                rows.append(json.loads(known[number]))
                continue
            draw = rng_for(0, "one_shot networks", number).random()
            one = self.space.unrank(int(draw * self.space.count))
            row = {
                f"{when}_{metric}": value
                for when, evaluator in evaluators.items()
                for metric, value in evaluator.trial(Candidate(one)).metrics.items()
            }
            rows.append(row | {"number": self.space.rank(one)} | self.truth(one))
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(rows[-1]) + "\n")
            if number % 100 == 99:
                say(f"{self.name} {self.seed}: {number + 1} networks ranked, {now() - began:.0f} s")
        return rows, now() - began

    def truth(self, architecture: Architecture) -> dict[str, float]:
        """Returns what the table says of an architecture."""
        told = self.table.truth(Architecture(self.table.space.fingerprint, architecture.choices))
        return {name: told[name] for name in ("error", "test_error", "macs")}

    def evolved(self, supernet: Supernet) -> dict[str, Any]:
        """Searches with the weights of the supernet."""
        evaluator = self.evaluators(supernet)["after"]
        strategy = GenerationalEvolution(self.space, seed=self.seed)
        return self.picked(strategy, evaluator, self.size.evolved)

    def random_search(self, images: int) -> dict[str, Any]:
        """Trains random networks alone, with so many images in all."""
        few, epochs = self.size.alone
        task = data(replace(self.size, images=few), self.seed)
        recipe = replace(self.size.recipe, epochs=epochs)
        evaluator = Scratch(self.space, task, recipe, seed=self.seed)
        trainings = max(1, images // (epochs * len(task.train)))
        return self.picked(RandomSearch(self.space, seed=1000 + self.seed), evaluator, trainings)

    def picked(self, strategy: Strategy, evaluator: Evaluator, networks: int) -> dict[str, Any]:
        """Searches, and asks the table what the pick is worth."""
        began = now()
        distinct = Distinct(strategy, self.space.canonical)
        record = Record(MemoryJournal(), "search", Budget(networks, "trials"))
        search(distinct, evaluator, record)
        (best,) = distinct.best(1)
        errors = [trial.metrics["error"] for trial in record.trials]
        truth = [self.truth(trial.architecture)["test_error"] for trial in record.trials]
        return {
            "networks": len(record.trials),
            "spearman": float(spearmanr(errors, truth).statistic),
            "pick": self.space.text(best),
            "error": min(errors),
            "table": self.truth(best),
            "seconds": now() - began,
        }


def correlations(rows: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Returns how errors with shared weights rank networks beside test errors of trainings of 200 epochs."""
    truth = np.array([row["test_error"] for row in rows])
    best = truth <= np.quantile(truth, 0.2)
    found: dict[str, Any] = {"networks": len(rows)}
    for when in ("before", "after"):
        for metric in ("error", "loss"):
            seen = np.array([row[f"{when}_{metric}"] for row in rows])
            found[f"{when}_{metric}"] = {
                "spearman": float(spearmanr(seen, truth).statistic),
                "kendall": float(kendalltau(seen, truth).statistic),
                "spearman_top_fifth": float(spearmanr(seen[best], truth[best]).statistic),
                "quantiles": np.quantile(seen, (0, 0.1, 0.5, 0.9, 1)).round(4).tolist(),
                "table_error_of_lowest": float(truth[int(np.argmin(seen))]),
            }
    macs = [-row["macs"] for row in rows]
    found["macs"] = {"spearman": float(spearmanr(macs, truth).statistic)}
    return found


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Returns means and ranges over seeds."""
    found: dict[str, Any] = {}
    for name in dict.fromkeys(row["sampler"] for row in rows):
        some = [row for row in rows if row["sampler"] == name]
        found[name] = {"seeds": len(some), "train_seconds": mean(row["train_seconds"] for row in some)}
        for when in ("before_error", "after_error", "before_loss", "after_loss"):
            found[name][when] = {
                what: mean(row[when][what] for row in some) for what in ("spearman", "kendall")
            } | {"spearmen": [round(row[when]["spearman"], 3) for row in some]}
    both = [row for row in rows if "evolution" in row]
    for method in ("evolution", "random_search") if both else ():
        found[method] = {"test_errors": [row[method]["table"]["test_error"] for row in both]}
        found[method]["mean"] = mean(found[method]["test_errors"])
    return found


def mean(values: Any) -> float:
    return float(np.mean(list(values)))


def now() -> float:
    """Seconds that were spent: of the processor, or of the wall where a GPU works."""
    return time.perf_counter() if torch.cuda.is_available() else time.process_time()


def say(text: str) -> None:
    print(text, flush=True)


def write(name: str, folder: Path, out: Path) -> dict[str, Any]:
    """Writes and returns what all supernets so far have shown."""
    size = SIZES[name]
    rows = [json.loads(p.read_text()) for s in size.epochs for p in sorted(folder.glob(f"{s}-*.json"))]
    line = {"bench": "one_shot", "size": name, **asdict(size), **machine(), **summary(rows), "results": rows}
    (out / f"one_shot-{name}.json").write_text(json.dumps(line, indent=1) + "\n")
    return line


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", choices=SIZES, default="cpu")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--samplers", nargs="+", choices=SIZES["cpu"].epochs, default=list(SIZES["cpu"].epochs)
    )
    parser.add_argument("--folder", type=Path, default=Path("runs/one_shot"), help="where it goes on")
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    folder = arguments.folder / arguments.size
    folder.mkdir(parents=True, exist_ok=True)
    arguments.out.mkdir(parents=True, exist_ok=True)
    line: dict[str, Any] = {}
    for seed in arguments.seeds:
        for sampler in arguments.samplers:
            Course(sampler, seed, SIZES[arguments.size], folder).run()
            line = write(arguments.size, folder, arguments.out)
    say(json.dumps(line))


if __name__ == "__main__":
    main()
