"""Do transformers go all the way: supernet, networks taken out of it, front, latencies promised?

    NASTURTIUM_DATA=... python bench/transformers.py               # about nine minutes on one core
    NASTURTIUM_DATA=... python bench/transformers.py --size smoke

`text`: HAT's decoder at CPU size is trained as a supernet over the characters of tiny-shakespeare, then
searched for a front of validation loss and MACs; `vit` does the same with vision transformers on some
thousand images of CIFAR-10, by error. They are trained by the sandwich rule, all networks of a step by
labels: in a few hundred steps the answers of a teacher that knows nothing yet hold the others back. The front
is tested, and every network of it is compared with its path through the supernet: `largest_difference` of
their outputs is rounding. `alone` trains the largest language model by itself. Beside losses stand those of
guessing by how often characters occur, and by how often they follow one another.

`latency` measures some hundred networks of each space, a quarter held out: how well do the models of a
profile, and the features of HAT's predictor (widths, depths, means over layers) with its perceptron and with
ridge regression, promise these? `published` fits the same perceptron to HAT's own measurements of 2,000
networks per device and task, a tenth held out: these do not depend on this machine.

Stopped and called again, it goes on. Writes bench/results/transformers-SIZE.json and .png and prints it.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr

import nasturtium as nt
from machine import machine
from nasturtium.architecture import Architecture
from nasturtium.cost.counts import Counted
from nasturtium.evaluate.fit import evaluate
from nasturtium.evaluate.scratch import Scratch
from nasturtium.evaluate.subnets import some_of
from nasturtium.evaluate.training import Training
from nasturtium.front.dominance import non_dominated
from nasturtium.front.objectives import parse_objective
from nasturtium.net.extract import extract
from nasturtium.net.supernet import Supernet
from nasturtium.predictor.mlp import MLPEnsemble
from nasturtium.predictor.ridge import Ridge
from nasturtium.protocols import Candidate, Trial
from nasturtium.recipes.bignas import BigNAS
from nasturtium.run.names import space_named
from nasturtium.run.profiling import build_profile
from nasturtium.run.search import search
from nasturtium.run.sharing import Problem
from nasturtium.run.steps import Steps, Stepwise
from nasturtium.strategy.sandwich import extremes
from nasturtium.tasks.supervised import Supervised
from pieces import carry_out

RESULTS = Path(__file__).parent / "results"
SPACES = ("hat_decoder", "hat", "vit")
ADAM = nt.Recipe(optimizer="adamw", lr=3e-3, label_smoothing=0.0, clip_norm=1.0, device="cpu", threads=1)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Size:
    """How much is spent.

    Attributes:
        windows: Of 64 characters to train on.
        text_epochs: Passes over them.
        images: To train on and to validate.
        image_epochs: Passes over them.
        networks: Evaluated in the search of each supernet.
        judged: Inputs of the validation and of the test split that each is judged on.
        seconds: Of measuring, for each space.
        passes: Over HAT's measurements.
    """

    windows: int
    text_epochs: int
    images: int
    image_epochs: int
    networks: int
    judged: int
    seconds: float
    passes: int


SIZES = {
    "cpu": Size(10_000, 2, 8000, 4, 100, 500, 60, 40),
    "smoke": Size(64, 1, 100, 1, 8, 20, 2, 1),
}


class Sandwich(BigNAS):
    """BigNAS without distillation."""

    def training(self, problem: Problem, supernet: Supernet) -> Stepwise:
        """All networks of a step learn from labels."""
        recipe = self.recipe(problem, self.paths)
        return Training(supernet, problem.task, recipe, paths=self.paths, seed=problem.seed)


def text_task(size: Size) -> Supervised:
    return nt.tasks.language_modelling("shakespeare", max_train=size.windows)


def image_task(size: Size) -> Supervised:
    return nt.tasks.image_classification("cifar10", max_train=size.images)


def once(space_name: str, name: str) -> dict[str, Any]:
    """Trains one supernet, searches it, and tests its front."""
    size, text = SIZES[name], space_name == "hat_decoder"
    task = text_task(size) if text else image_task(size)
    space = space_named(space_name).bind(task.input_shape, task.outputs)
    recipe = replace(ADAM, batch_size=32 if text else 64, epochs=1)
    problem = Problem(space, task, recipe, 0, Counted(space), ("macs", "params"))
    method = Sandwich(epochs=size.text_epochs if text else size.image_epochs, population=20)
    began = time.process_time()
    supernet = method.supernet(problem)
    training = method.training(problem, supernet)
    sampler = method.sampler(problem, training.steps)
    search(sampler, training, Steps(training))
    trained = time.process_time() - began
    quality = "loss" if text else "error"
    judge = replace_valid(task, size.judged)
    evaluator = method.evaluator(replace(problem, task=judge), supernet)
    objectives = parse_objective(quality), parse_objective("macs")
    strategy = method.searcher(problem, sampler)(space, seed=0, objectives=objectives)
    trials: list[Trial] = []
    while len(trials) < size.networks and (asked := strategy.ask(4)):
        told = [trial for group in evaluator.evaluate(asked) for trial in group]
        strategy.tell(told)
        trials += told
    rows = [(one.metrics[quality], one.metrics["macs"]) for one in trials]
    best = dict.fromkeys(trials[i].architecture for i in np.flatnonzero(non_dominated(np.array(rows))))
    front = sorted(best, key=problem.macs)
    test, off = some_of(task.test, size.judged, 0), []
    x = task.normalisation(test.images[:8])
    supernet.eval()
    points = []
    for one in front:
        model = extract(supernet, one).eval()
        with torch.no_grad():
            off.append(float((model(x) - supernet(x, one)).abs().max()))
        error, loss = evaluate(model, test, task.normalisation, recipe)
        points.append({"macs": problem.macs(one), "network": space.text(one)} | task.metrics(error, loss))
    return {
        "space": space_name,
        "steps": training.steps,
        "train_cpu_seconds": round(trained, 1),
        "search_cpu_seconds": round(time.process_time() - began - trained, 1),
        "networks": len(trials),
        "largest_difference": max(off),
        "front": points,
    } | ({"guessing": guessing(task)} if text else {"guessing": {"error": 1 - 1 / task.outputs}})


def replace_valid(task: Supervised, count: int) -> Any:
    """Returns the task with fewer inputs to validate on."""
    return replace(task, valid=some_of(task.valid, count, 0))  # type: ignore[type-var]


def guessing(task: Supervised) -> dict[str, float]:
    """Returns test losses of guessing without a network, in nats: by one character, and by two in a row."""
    count = task.outputs
    pairs = torch.zeros(count, count, dtype=torch.float64)
    read, follow = task.train.images.flatten().long(), task.train.labels.flatten()
    pairs.index_put_((read, follow), torch.ones(len(read), dtype=torch.float64), accumulate=True)
    alone = torch.log((pairs.sum(0) + 1) / (pairs.sum() + count))
    after = torch.log((pairs + 1) / (pairs.sum(1, keepdim=True) + count))
    read, follow = task.test.images.flatten().long(), task.test.labels.flatten()
    return {"one": float(-alone[follow].mean()), "two": float(-after[read, follow].mean())}


def alone(name: str) -> dict[str, Any]:
    """Trains the largest language model by itself, as long as the supernet, and tests it."""
    size = SIZES[name]
    task: Any = text_task(size)
    space = space_named("hat_decoder").bind(task.input_shape, task.outputs)
    largest = extremes(space, lambda one: Counted(space)(one, ("macs",))["macs"])[1]
    swapped = replace(task, valid=some_of(task.test, size.judged, 0))
    recipe = replace(ADAM, batch_size=32, epochs=size.text_epochs)
    trial = Scratch(space, swapped, recipe).trial(Candidate(largest))
    return {"network": space.text(largest), "status": trial.status} | dict(trial.metrics)


def latency(space_name: str, name: str) -> dict[str, Any]:
    """Measures networks of a space, and judges what models promise of those held out."""
    space = space_named(space_name)
    (course,) = build_profile(space, ("pytorch",), seconds=SIZES[name].seconds).courses
    networks = [Architecture(space.fingerprint, one.choices) for one in course.samples]
    measured = np.array([one.ms for one in course.samples])
    held = np.array([one.held_out for one in course.samples])
    known, unseen = ([networks[i] for i in np.flatnonzero(mask)] for mask in (~held, held))
    found: dict[str, Any] = {}
    perceptron = MLPEnsemble(
        *(space,), members=1, encoding="means", width=400, depth=3, epochs=200, rate=1e-3, loss="l2"
    )
    for model, named in ((perceptron, "means, perceptron"), (Ridge(space, encoding="means"), "means, ridge")):
        model.fit(known, measured[~held])
        found[named] = judged(model.predict(unseen)[0], measured[held])
    for kind, quality in course.quality.items():
        found[kind] = {"spearman": quality.spearman, "within_10": quality.within_10}
    return {
        "networks": len(networks),
        "held_out": int(held.sum()),
        "latency_ms": [float(measured.min()), float(np.median(measured)), float(measured.max())],
        "drift": course.drift,
        "load": list(os.getloadavg()),
        "models": found,
    }


def judged(promised: Array, true: Array) -> dict[str, float]:
    return {
        "spearman": float(spearmanr(promised, true).statistic),
        "within_10": float((np.abs(promised / true - 1) <= 0.1).mean()),
    }


def published(name: str) -> dict[str, Any]:
    """Fits HAT's predictor to HAT's measurements, of encoder and decoder together."""
    from sklearn.neural_network import MLPRegressor

    data = np.load(Path(os.environ["NASTURTIUM_DATA"]) / "hw_latency" / "hat_transformer_latency.npz")
    values, table = data["values"].astype(float), data["table"]
    columns = [str(one) for one in data["columns"]]
    target = values[:, [i for i, one in enumerate(columns) if i >= 10 and "std" not in one.lower()]].sum(1)
    features = values[:, :10] / np.maximum(values[:, :10].max(0), 1e-9)
    found = {}
    for number, device in enumerate(map(str, data["table_names"])):
        rows = np.random.default_rng(0).permutation(np.flatnonzero(table == number))
        learnt, unseen = rows[: len(rows) * 9 // 10], rows[len(rows) * 9 // 10 :]
        model = MLPRegressor(
            hidden_layer_sizes=(400, 400, 400), batch_size=128, max_iter=SIZES[name].passes, random_state=0
        )
        scale = target[learnt].mean()
        model.fit(features[learnt], target[learnt] / scale)
        found[device] = judged(model.predict(features[unseen]) * scale, target[unseen])
    return found


def draw(line: dict[str, Any], path: Path) -> None:
    """Draws the networks of both fronts."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, sides = plt.subplots(1, 2, figsize=(9, 4))
    for axes, (key, quality, title) in zip(
        sides,
        (("text", "loss", "tiny-shakespeare, HAT's decoder"), ("vit", "error", "CIFAR-10, ViT")),
        strict=True,
    ):
        front = line[key]["front"]
        macs = [point["macs"] / 1e6 for point in front]
        # Dots: no other network was as good on the validation split; the test split may see it otherwise.
        axes.plot(macs, [point[quality] for point in front], "o", color="#d1495b")
        axes.set(xlabel="million MACs", ylabel=f"test {quality}", title=title)
        axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", choices=SIZES, default="cpu")
    parser.add_argument("--folder", type=Path, default=Path("runs/transformers"), help="where it goes on")
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    torch.set_num_threads(1)
    pieces: dict[str, Callable[[], Any]] = {
        "alone": partial(alone, given.size),
        "text": partial(once, "hat_decoder", given.size),
        "vit": partial(once, "vit", given.size),
        "published": partial(published, given.size),
    }
    pieces |= {f"latency/{name}": partial(latency, name, given.size) for name in SPACES}
    found = carry_out(pieces, given.folder / f"{given.size}.jsonl", 1)
    latencies = {name: found.pop(f"latency/{name}") for name in SPACES}
    line = {"bench": "transformers", "size": given.size, **machine(), **found, "latency": latencies}
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / f"transformers-{given.size}.json").write_text(json.dumps(line, indent=1) + "\n")
    draw(line, given.out / f"transformers-{given.size}.png")
    print(json.dumps(line))


if __name__ == "__main__":
    main()
