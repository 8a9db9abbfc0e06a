"""DARTS, PC-DARTS and SPOS on CIFAR-10, from a fresh supernet to a retrained network: time, memory, error.

    NASTURTIUM_DATA=folder python bench/weight_sharing.py               # some eight minutes of a CPU core
    NASTURTIUM_DATA=folder python bench/weight_sharing.py --size gpu    # as published: a day or two of a GPU

All three search cells of the space of DARTS; SPOS does in networks of genotypes, each a path. Of each:

- `options`: images per second of the search's own steps in float32, in bfloat16 and through `torch.compile`.
  A supernet's paths are all different, so there is nothing to compile once for SPOS. The search then runs in
  the precision that is faster by 5 % or more; it is never compiled.
- `parts`: the whole step (batches, augmentation, both passes, optimiser, strategy) over the sum of what it
  runs, each layer forward and backward alone; for SPOS over the plain module that a path is.
- `search`: minutes, images per second and peak memory of the supernet's training, and of the search with its
  weights (SPOS), at the settings of the recipes.
- `retrain`: what was found as the evaluation network of DARTS, trained from scratch on train and valid
  together, and tested; beside it random cells trained alike.

The settings are those of the papers with `--size gpu`, but for SPOS, which has published none for CIFAR-10:
400 epochs are its 150,000 steps. At CPU size nothing is as published, and the errors only show that it runs
to its end. Every piece has a process of its own, so that its peak memory is its own. Called again it goes on
with what runs/weight_sharing lacks, a search from its last checkpoint. Writes
bench/results/weight_sharing-SIZE.json and prints it as one line.
"""

import argparse
import json
import math
import resource
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

import supernet as layerwise
from machine import machine
from nasturtium.cost.counts import Counted, counts
from nasturtium.evaluate.scratch import Scratch
from nasturtium.front.objectives import ERROR
from nasturtium.net.extract import extract
from nasturtium.protocols import Candidate
from nasturtium.recipes.darts import DifferentiableSearch
from nasturtium.recipes.pc_darts import PartialChannels
from nasturtium.recipes.spos import SPOS
from nasturtium.run.budget import Budget
from nasturtium.run.record import Record
from nasturtium.run.search import search
from nasturtium.run.sharing import Problem
from nasturtium.run.steps import Steps
from nasturtium.run.timed import Timed
from nasturtium.seeds import rng_for
from nasturtium.space.zoo.cells import thirds
from nasturtium.space.zoo.darts import darts
from nasturtium.space.zoo.darts import to_genotype as genotype_of_path
from nasturtium.space.zoo.darts_search import to_genotype as genotype_of_mixture
from nasturtium.space.zoo.genotypes import genotype
from nasturtium.store.memory import MemoryJournal
from pieces import carry_out
from weight_sharing_sizes import SIZES, Size, data, space_of

RESULTS = Path(__file__).parent / "results"
METHODS = ("darts", "pc_darts", "spos")


class Course:
    """A method on its space, ready to begin.

    Attributes:
        method: The recipe.
        problem: What for.
        supernet: Fresh.
        training: Of it.
        sampler: What decides what is trained.
    """

    def __init__(self, name: str, size: Size, precision: str) -> None:
        given: dict[str, Any] = (
            {"epochs": size.epochs[name]} if name in size.epochs else {"size": "published"}
        )
        if name == "spos":
            given["population"] = min(50, size.evolved // 3)
        kind = {"darts": DifferentiableSearch, "pc_darts": PartialChannels, "spos": SPOS}[name]
        self.method = kind(recalibration=size.recalibration, **given)
        task = data(size)
        space = space_of(name, size).bind(task.input_shape, task.outputs)
        recipe = replace(size.recipe, precision=precision)
        self.problem = Problem(space, task, recipe, 0, Counted(space))
        self.supernet = self.method.supernet(self.problem)
        self.training = self.method.training(self.problem, self.supernet)
        self.sampler = self.method.sampler(self.problem, self.training.steps)
        self.batch = self.training.recipe.batch_for(len(task.train))

    def step(self) -> None:
        """One turn of the loop."""
        for trials in self.training.evaluate(self.sampler.ask(1)):
            self.sampler.tell(trials)


def timed(name: str, size: Size, how: str) -> dict[str, float]:
    """Returns the time of the first step and of a later one, and images of the training split per second.

    Args:
        name: Of the method.
        size: Settings.
        how: ``float32`` or ``bfloat16``.
    """
    return steps_of(Course(name, size, how), size.steps)


def compiled(name: str, size: Size) -> dict[str, Any]:
    """Returns what compiling a mixture does for a step in float32, in the networks it is tried in."""
    _, layout, ops = size.compiled
    tried = replace(size, layout=layout, ops=ops)
    resource.setrlimit(resource.RLIMIT_CPU, (size.compiling, size.compiling))
    eager = steps_of(Course(name, tried, "float32"), size.steps)
    course = Course(name, tried, "float32")
    point = course.sampler.ask(1)[0].point
    program = course.supernet._program(point)  # the only one: all mixtures have the same options
    course.supernet._programs[point.running] = torch.compile(program.__call__, dynamic=False)
    fast = steps_of(course, size.steps)
    return {"eager": eager, **fast, "times_faster": eager["seconds"] / fast["seconds"]}


def steps_of(course: Course, count: int) -> dict[str, float]:
    """Times the first step, and the median of some after the second."""
    course.sampler.warmup = 0  # every step of a mixture finds its gradient
    first = seconds(course.step)
    course.step()
    each = statistics.median(seconds(course.step) for _ in range(count))
    return {"first_seconds": first, "seconds": each, "images_per_second": course.batch / each}


def parts(name: str, size: Size) -> dict[str, float]:
    """Returns the sum of what a step runs: of a mixture each layer alone, of a path its plain module."""
    course = Course(name, size, "float32")
    layerwise.FORMAT = course.training.execution.memory_format
    torch.set_default_device(course.training.execution.device)
    torch.set_num_threads(course.training.execution.threads)
    supernet = course.supernet.train()
    if name != "spos":
        network = supernet.network(course.sampler.ask(1)[0].point)
        alike = layerwise.Operations(supernet, network, course.batch).steps
        return {"seconds": sum(min(seconds(step) for _ in range(3)) * times for step, times in alike)}
    images = layerwise.placed(torch.randn(course.batch, *course.problem.task.input_shape))
    paths = [one.point for one in course.sampler.ask(size.steps)]
    nets = [extract(supernet, one).to(memory_format=layerwise.FORMAT).train() for one in paths]
    # Whoever runs a new shape first pays for making its kernels.
    pairs = [[seconds(layerwise.step_of(net, images)) for _ in range(2)] for net in nets]
    return {"seconds": statistics.median(second for _, second in pairs)}


def searched(name: str, size: Size, precision: str, folder: Path) -> dict[str, Any]:
    """Trains the supernet, looks for a network with its weights, and returns what that took."""
    course = Course(name, size, precision)
    steps = Steps(course.training, folder / f"{name}-{precision}.safetensors", size.every)
    before = forgotten_peak()
    search(course.sampler, Timed(course.training), steps)
    spent = math.fsum(trial.metrics["train_seconds"] for trial in steps.trials)
    peak = layerwise.peak_mib()  # before the networks are looked at
    space = course.problem.space
    strategy = course.method.searcher(course.problem, course.sampler)(space, seed=0, objectives=ERROR)
    record = Record(MemoryJournal(), "search", Budget(size.evolved if name == "spos" else 1, "trials"))
    evaluator = course.method.evaluator(course.problem, course.supernet)
    looking = seconds(lambda: search(strategy, evaluator, record))
    (best,) = strategy.best(1)
    write = genotype_of_path if name == "spos" else genotype_of_mixture
    return {
        "precision": precision,
        "steps": steps.total,
        "train_minutes": spent / 60,
        "search_minutes": looking / 60,
        "images_per_second": steps.total * course.batch / spent,
        "peak_mib": peak,
        "training_mib": peak - before,
        "device_peak_mib": torch.cuda.max_memory_allocated() >> 20 if torch.cuda.is_available() else None,
        "inherited_error": min(trial.metrics["error"] for trial in record.trials),
        "genotype": write(space, best).text,
    }


def forgotten_peak() -> int:
    """Lets the process's peak memory begin at what it holds now, which it returns; Linux only."""
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    return layerwise.peak_mib()


def retrained(text: str, size: Size) -> dict[str, Any]:
    """Trains the network of a genotype from scratch on all training images, and tests it."""
    filters, cells = size.network
    task = data(size)
    space = genotype(text).space(filters=filters, layout=thirds(cells)).bind(task.input_shape, task.outputs)
    network = space.unrank(0)
    trial = Scratch(space, task, size.final, split="final").trial(Candidate(network, number=1))
    if trial.status != "ok":
        raise RuntimeError(trial.error)
    metrics = {"test_error": trial.metrics["error"], "minutes": trial.metrics["train_seconds"] / 60}
    return metrics | {"params": counts(space.network(network)).params, "peak_mib": layerwise.peak_mib()}


def random_cells(number: int) -> str:
    """Returns the text of a genotype drawn at random."""
    space = darts()
    return genotype_of_path(space, space.sample(rng_for(number, "bench/weight_sharing"))).text


def seconds(call: Callable[[], object]) -> float:
    """Returns what a call takes: of the processor, or of the wall where a GPU works."""
    clock = time.perf_counter if torch.cuda.is_available() else time.process_time
    wait()
    began = clock()
    call()
    wait()
    return clock() - began


def wait() -> None:
    """Waits until the device has done what it was told."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def in_process(*words: str) -> dict[str, Any]:
    """Does a piece in a process of its own, by the words of its command line."""
    command = [sys.executable, __file__, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == -signal.SIGXCPU:
        return {"given_up": "it took longer than `compiling` says"}
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def piece(words: list[str], size: Size, folder: Path) -> dict[str, Any]:
    """Returns what comes of a piece, by its words."""
    match words:
        case [name, "parts"]:
            return parts(name, size)
        case [name, "compiled"]:
            return compiled(name, size)
        case [name, "search", precision]:
            return searched(name, size, precision, folder)
        case ["retrain", text]:
            return retrained(text, size)
        case [name, how]:
            return timed(name, size, how)
    raise ValueError(words)


def results(name: str, size: Size, folder: Path) -> dict[str, Any]:
    """Does what is not done yet; returns all of it, by method."""

    def done(pieces: dict[str, tuple[str, ...]]) -> dict[str, Any]:
        todo = {
            key: partial(in_process, "--size", name, "--folder", str(folder), "--piece", *words)
            for key, words in pieces.items()
        }
        return carry_out(todo, folder / "pieces.jsonl", workers=1)

    found: dict[str, Any] = {}
    for method in METHODS:
        ways = ("float32", "bfloat16", "parts", *(("compiled",) if method in size.compiled[0] else ()))
        options = done({f"{method}/{way}": (method, way) for way in ways})
        rows = {way: options[f"{method}/{way}"] for way in ways}
        faster = rows["float32"]["seconds"] / rows["bfloat16"]["seconds"]
        precision = "bfloat16" if faster >= 1.05 else "float32"
        key = f"{method}/search/{precision}"
        search_row = done({key: (method, "search", precision)})[key]
        key = f"{method}/retrain/{search_row['genotype']}"
        found[method] = {
            "options": rows,
            "bfloat16_times": faster,
            "step_over_parts": rows["float32"]["seconds"] / rows["parts"]["seconds"],
            "search": search_row,
            "retrain": done({key: ("retrain", search_row["genotype"])})[key],
        }
    alike = {f"random/{number}": ("retrain", random_cells(number)) for number in range(size.random)}
    return found | {"random": list(done(alike).values())}


def main() -> None:
    """Does what is left, and writes the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", choices=SIZES, default="cpu")
    parser.add_argument("--folder", type=Path, default=Path("runs/weight_sharing"), help="where it goes on")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--piece", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    size = SIZES[given.size]
    folder = given.folder if given.piece else given.folder / given.size
    folder.mkdir(parents=True, exist_ok=True)
    if given.piece:
        print(json.dumps(piece(given.piece, size, folder)))
        return
    row = {"bench": "weight_sharing", "size": given.size, **machine(), "seed": 0, "settings": asdict(size)}
    row["results"] = rounded(results(given.size, size, folder))
    (given.out / f"weight_sharing-{given.size}.json").write_text(json.dumps(row) + "\n", encoding="utf-8")
    print(json.dumps(row))


def rounded(found: Any) -> Any:
    """Returns numbers with four digits that count."""
    if isinstance(found, dict):
        return {name: rounded(value) for name, value in found.items()}
    if isinstance(found, list):
        return [rounded(value) for value in found]
    return float(f"{found:.4g}") if isinstance(found, float) else found


if __name__ == "__main__":
    main()
