"""Do errors with shared weights rank networks as trainings of their own do? NAS-Bench-201, on ground truth.

    NASTURTIUM_DATA=... python bench/one_shot.py              # some twenty minutes of a CPU core a supernet
    NASTURTIUM_DATA=... python bench/one_shot.py --size full  # a GPU: the published C = 16, N = 5
    NASTURTIUM_DATA=... python bench/one_shot.py --samplers uniform --seeds 1 --without-picks

Trains a supernet of all 15,625 cells on CIFAR-10 by uniform paths (SPOS), strictly fair paths (FairNAS) and
path dropout (Bender et al. 2018), at about equal cost. Then looks at random networks with its weights: how
well does their validation error rank them beside their mean test accuracy after 200 epochs alone, which the
table has? Before recalibration the norms have the statistics that all paths left behind, after it those of
the network itself.

At last the network that evolution picks with the weights of uniform paths is compared with the one that
random search picks which trains networks alone, with as many images; both pick by the validation loss, which
tells apart what has the same error on a thousand images, and are judged by the table. The rank
correlation of these trainings alone with the table is the most that shared weights of this size could reach.

The CPU size has 16 channels, one cell a stage and 16x16 pixels. Channels, cells and clipping were chosen on
seed 3 with 8x8 pixels: what counts is how often each convolution is trained. With two or three cells, or 8
channels, thousands of steps left convolutions behind skips and pools, which need no training, and ranks were
random. Images are not moved: on seed 3 at 8x8 pixels, 150 networks, that raised Spearman's correlation from
0.54 to 0.62. The learning rate stays where it is after the warm-up, and weights are not averaged: on seed 3,
after 4,000 steps, a moving average of the weights lowered the errors of 100 networks by 5 points, and their
correlation from 0.49 to 0.28 (of the losses, from 0.73 to 0.31). The number of steps was set by the time at
hand. That of validation images was halved while seed 0 was ranked, for the time: its first 197 networks had
0.69 with 2,000 images, and 0.71 with 1,000.

The final rate of path dropout was chosen on seed 3 with half of its steps and 200 networks: 0.181 at a rate
of 0.1, 0.417 at 0.5, 0.346 at 0.9. Of the five options of an edge that keeps 1.9, 0.6 and 0.1 at the end;
with most options there in most steps, none of them learns to stand alone.

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
from nasturtium.front.objectives import Objective
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
from nasturtium.store.journal import Journal
from nasturtium.store.records import Header
from nasturtium.strategy.distinct import Distinct
from nasturtium.strategy.fair import FairPaths
from nasturtium.strategy.generations import GenerationalEvolution
from nasturtium.strategy.path_dropout import PathDropout
from nasturtium.strategy.paths import UniformPaths
from nasturtium.strategy.random import RandomSearch
from nasturtium.tasks.images import ImageClassification, Split

RESULTS = Path(__file__).parent / "results"
TABLE = "nasbench201/cifar10/200"
PICKED = (Objective("loss"),)  # see the module


@dataclass(frozen=True)
class Size:
    """How much is spent.

    Attributes:
        images: Training images, train and valid together.
        shrink: Side of the pixels that become one.
        width: Channels of the first stage, C.
        cells: Of each stage, N.
        recipe: Of a supernet, its epochs aside; where images are shrunk, they are mirrored and not moved.
        epochs: Of each sampler; a step of fair paths has five of them, one of path dropout runs nearly all
            options of the space.
        r: Final rate of path dropout.
        ghosts: Mixtures of a step of path dropout.
        networks: Random ones that are ranked.
        valid: Validation images that each is evaluated on, before and after recalibration.
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
    valid: tuple[int, int]
    recalibration: int
    evolved: int
    alone: tuple[int, int]
    every: int = 500


ONE_CORE = nt.Recipe(
    epochs=16, batch_size=64, lr=0.1, label_smoothing=0.0, warmup=0.03, floor=1.0, clip_norm=5.0,
    device="cpu", precision="float32", threads=1,
)  # fmt: skip
SIZES = {
    "cpu": Size(
        images=50_000,
        shrink=2,
        width=16,
        cells=1,
        recipe=ONE_CORE,
        epochs={"uniform": 16, "fair": 3, "path_dropout": 8},
        r=0.5,
        ghosts=2,
        networks=1000,
        valid=(500, 1000),
        recalibration=256,
        evolved=300,
        alone=(10_000, 4),
    ),
    "smoke": Size(
        images=400,
        shrink=2,
        width=4,
        cells=1,
        recipe=ONE_CORE,
        epochs={"uniform": 2, "fair": 1, "path_dropout": 1},
        r=0.1,
        ghosts=2,
        networks=10,
        valid=(50, 50),
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
        valid=(10_000, 10_000),
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
    return replace(task, train=train, valid=valid, test=test, shift=0)


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
class Stopwatch:
    """Seconds of a training, those of former sessions up to their last checkpoint included."""

    path: Path

    def __post_init__(self) -> None:
        self._began = now() - (float(self.path.read_text()) if self.path.exists() else 0.0)

    @property
    def seconds(self) -> float:
        """Spent so far."""
        return now() - self._began

    def save(self) -> None:
        """Writes the seconds down."""
        self.path.write_text(str(self.seconds))


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

    def file(self, ending: str) -> Path:
        """Returns where something of this course is kept."""
        return self.folder / f"{self.name}-{self.seed}.{ending}"

    def ranks(self) -> None:
        """Trains the supernet and ranks networks with its weights; what is done already is left."""
        path = self.file("ranks.json")
        if path.exists():
            return
        supernet, trained = self.trained()
        rows, seconds = self.ranked(supernet)
        found = {"sampler": self.name, "seed": self.seed, **trained, "rank_seconds": seconds}
        path.write_text(json.dumps(found | correlations(rows)), encoding="utf-8")

    def picks(self) -> None:
        """Lets evolution pick with the supernet's weights, and random search by trainings alone."""
        path = self.file("picks.json")
        if path.exists():
            return
        supernet, trained = self.trained()
        found = {
            "seed": self.seed,
            "images": trained["images"],
            "evolution": self.evolved(supernet),
            "random_search": self.random_search(trained["images"]),
        }
        path.write_text(json.dumps(found), encoding="utf-8")

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
        steps = Steps(training, self.file("safetensors"), size.every)
        watch = Stopwatch(self.file("seconds"))

        def watcher(step: int, total: int, trials: Sequence[Any]) -> None:
            if step % 500 == 0:
                loss = trials[0].metrics["loss"]
                say(f"{self.name} {self.seed}: step {step}/{total}, loss {loss:.3f}, {watch.seconds:.0f} s")
            if step % size.every == 0 or step == total:  # the checkpoint follows
                watch.save()

        steps.watcher = watcher
        search(sampler, training, steps)
        each = 1 if self.name == "path_dropout" else paths
        losses = [trial.metrics["loss"] for trial in steps.trials[-len(steps.trials) // 10 :]]
        return supernet, {
            "steps": training.step,
            "images": recipe.epochs * len(self.task.train) * each,
            "train_seconds": float(self.file("seconds").read_text()),
            "train_loss": float(np.mean(losses)),
        }

    def evaluators(self, supernet: Supernet) -> dict[str, Inherited]:
        """Returns what evaluates with the weights of a supernet, before and after recalibration."""
        return {
            when: Inherited(
                *(supernet, self.task, self.size.recipe),
                recalibration=images,
                images=valid,
                seed=self.seed,
            )
            for when, images, valid in zip(
                ("before", "after"), (0, self.size.recalibration), self.size.valid, strict=True
            )
        }

    def network(self, number: int) -> Architecture:
        """Returns one of the random networks, which are the same for every supernet."""
        draw = rng_for(0, "one_shot networks", number).random()
        return self.space.unrank(int(draw * self.space.count))

    def ranked(self, supernet: Supernet) -> tuple[list[dict[str, float]], float]:
        """Evaluates the random networks; returns what came out, and the seconds of this session."""
        began, evaluators, path = now(), self.evaluators(supernet), self.file("jsonl")
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        rows: list[dict[str, float]] = [json.loads(line) for line in lines]
        for number in range(len(rows), self.size.networks):
            one = self.network(number)
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
        strategy = GenerationalEvolution(self.space, seed=self.seed, objectives=PICKED)
        return self.picked("evolution", strategy, evaluator, self.size.evolved)

    def random_search(self, images: int) -> dict[str, Any]:
        """Trains random networks alone by a falling learning rate, with so many images in all."""
        few, epochs = self.size.alone
        task = data(replace(self.size, images=few), self.seed)
        recipe = replace(self.size.recipe, epochs=epochs, floor=0.0, average=0.0)
        evaluator = Scratch(self.space, task, recipe, seed=self.seed)
        trainings = max(1, images // (epochs * len(task.train)))
        strategy = RandomSearch(self.space, seed=1000 + self.seed, objectives=PICKED)
        return self.picked("random_search", strategy, evaluator, trainings)

    def picked(self, name: str, strategy: Strategy, evaluator: Evaluator, networks: int) -> dict[str, Any]:
        """Searches, and asks the table what the pick is worth; a search that was stopped goes on."""
        began, distinct = now(), Distinct(strategy, self.space.canonical)
        with Journal.resume(self.file(name), Header(self.space.fingerprint)) as journal:
            record = Record(journal, "search", Budget(networks, "trials"))
            search(distinct, evaluator, record)
        (best,) = distinct.best(1)
        losses = [trial.metrics["loss"] for trial in record.trials]
        truth = [self.truth(trial.architecture)["test_error"] for trial in record.trials]
        return {
            "networks": len(record.trials),
            "spearman": float(spearmanr(losses, truth).statistic),
            "pick": self.space.text(best),
            "loss": min(losses),
            "table": self.truth(best),
            "seconds": now() - began,
        }


def agreement(seen: Sequence[float], truth: Sequence[float]) -> dict[str, float]:
    """Returns rank correlations."""
    return {
        "spearman": float(spearmanr(seen, truth).statistic),
        "kendall": float(kendalltau(seen, truth).statistic),
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
                **agreement(seen, truth),
                "spearman_top_fifth": None
                if np.ptp(seen[best]) == 0
                else spearmanr(seen[best], truth[best])[0],
                "quantiles": np.quantile(seen, (0, 0.1, 0.5, 0.9, 1)).round(4).tolist(),
                "table_error_of_lowest": float(truth[int(np.argmin(seen))]),
            }
    found["macs"] = agreement([-row["macs"] for row in rows], truth)
    return found


def summary(rows: Sequence[Mapping[str, Any]], picks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Returns means and ranges over seeds."""
    found: dict[str, Any] = {}
    for name in dict.fromkeys(row["sampler"] for row in rows):
        some = [row for row in rows if row["sampler"] == name]
        found[name] = {
            "seeds": [row["seed"] for row in some],
            "train_seconds": mean(row["train_seconds"] for row in some),
        }
        for when in ("before_error", "after_error", "before_loss", "after_loss"):
            found[name][when] = {
                what: mean(row[when][what] for row in some) for what in ("spearman", "kendall")
            } | {"spearmen": [round(row[when]["spearman"], 3) for row in some]}
    for method in ("evolution", "random_search") if picks else ():
        found[method] = {"test_errors": [row[method]["table"]["test_error"] for row in picks]}
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
    files = {what: sorted(folder.glob(f"*-*.{what}.json")) for what in ("ranks", "picks")}
    known = {what: [json.loads(path.read_text()) for path in paths] for what, paths in files.items()}
    line = {
        **{"bench": "one_shot", "size": name, **asdict(size), **machine()},
        **summary(known["ranks"], known["picks"]),
        "results": known["ranks"],
        "picks": known["picks"],
    }
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
    parser.add_argument("--without-picks", action="store_true", help="no evolution, no random search")
    parser.add_argument("--folder", type=Path, default=Path("runs/one_shot"), help="where it goes on")
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    folder = arguments.folder / arguments.size
    folder.mkdir(parents=True, exist_ok=True)
    arguments.out.mkdir(parents=True, exist_ok=True)
    size, line = SIZES[arguments.size], dict[str, Any]()
    for sampler in arguments.samplers:
        for seed in arguments.seeds:
            Course(sampler, seed, size, folder).ranks()
            line = write(arguments.size, folder, arguments.out)
    for seed in () if arguments.without_picks else arguments.seeds:
        Course("uniform", seed, size, folder).picks()
        line = write(arguments.size, folder, arguments.out)
    say(json.dumps(line))


if __name__ == "__main__":
    main()
