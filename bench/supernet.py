"""What one training step of a supernet costs, in time and in memory.

    python bench/supernet.py [--repeats 5] [--batch 64] [--threads 2] [--only path mixture memory]

`path`: a step of a single path over a step of the subnet extracted from it. `mixture`: a first-order step of
DARTS (all options of all edges run, forward and backward to the shared weights on one minibatch, then forward
and backward to the mixture on another) over (a) the sum of its operations run alone, each forward and
backward to what the two passes want of it on an input as it has there, and (b) the same step as the reference
implementation of DARTS does it, written anew from its description: contiguous memory, a module for every
layer of every option, each output multiplied by its weight, the sum of these, and all gradients in both
passes. The reference's operation `none` is left out, which is kind to it. `memory`: peak memory and time of
the step with everything kept, with values computed once more in the backward pass, of the reference's way,
and of PC-DARTS (a quarter of the channels), each in a process of its own.

Networks: NAS-Bench-201 (C=16, N=5), DARTS (C=16, 8 cells), the largest MobileNet of the zoo; all with
CIFAR-10's shape and random images, in float32, norms by the batch and without scale in mixtures, as the
recipe of DARTS has them. Runs to be compared alternate; results are medians of the ratios of neighbours. No
optimiser is in a step. All run as trainings do: memory that one step frees serves the next, also in the
reference's way. On a machine that others use, `--threads 1 --clock cpu` counts processor time.
Prints one JSON line.
"""

import argparse
import importlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from machine import machine
from nasturtium.architecture import Mixture
from nasturtium.evaluate.execution import Execution
from nasturtium.evaluate.gradient import frozen
from nasturtium.net.build import module
from nasturtium.net.extract import extract
from nasturtium.net.program import Program
from nasturtium.net.supernet import Supernet
from nasturtium.seeds import rng_for
from nasturtium.space import layers as ir
from nasturtium.space.space import Space
from nasturtium.space.zoo.darts_search import darts_search, pc_darts_search
from nasturtium.space.zoo.mobilenet import mobilenet
from nasturtium.space.zoo.nasbench201 import nasbench201

FORMAT = torch.channels_last
Step = Callable[[], object]
SPACES: dict[str, Callable[[str], Space]] = {
    "nasbench201": nasbench201,
    "darts": darts_search,
    "pc_darts": pc_darts_search,
    "mobilenet": mobilenet,
}


class Rival(nn.Module):
    """A mixture's layers, each a module that is called by itself, and sums of weighted outputs.

    What options have in common is computed for each of them, and every product is kept.
    """

    def __init__(self, network: ir.Network) -> None:
        super().__init__()
        self.network = network
        self.made = nn.ModuleDict()
        for number, layer in enumerate(network.layers):
            if isinstance(layer.op, ir.BatchNorm):
                self.made[str(number)] = nn.BatchNorm2d(layer.op.features, affine=False)
            elif not isinstance(layer.op, tuple(JOINS)):
                self.made[str(number)] = module(layer.op)

    def forward(self, x: Tensor, weights: Sequence[Tensor]) -> Tensor:
        """Returns logits."""
        values = [x]
        for number, layer in enumerate(self.network.layers):
            given = [values[index + 1] for index in layer.inputs]
            if type(layer.op) in JOINS:
                values.append(JOINS[type(layer.op)](layer.op, given, weights))
            else:
                values.append(self.made[str(number)](*given))
        return values[-1]


def mixed(op: ir.Mix, given: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
    return sum(weights[term[0][0]][term[0][1]] * value for term, value in zip(op.terms, given, strict=True))


JOINS: dict[type, Callable[..., Tensor]] = {
    ir.Add: lambda _, given, __: sum(given),
    ir.Concat: lambda _, given, __: torch.cat(given, 1),
    ir.Mix: mixed,
    ir.Take: lambda op, given, _: given[0][:, op.first :: op.step],
    ir.Zero: lambda _, given, __: given[0].mul(0.0),
}


class Operations:
    """The layers of a network, each to be run forward and backward by itself; sums are left out."""

    def __init__(self, supernet: Supernet, network: ir.Network, batch: int) -> None:
        shapes = [network.input_shape, *(layer.shape for layer in network.layers)]
        kinds: dict[object, list[int]] = {}  # numbers of the layers that are alike
        for number, layer in enumerate(network.layers):
            if type(layer.op) not in JOINS:
                kinds.setdefault((layer.op, shapes[layer.inputs[0] + 1]), []).append(number)
        self.steps = [
            (self._step(supernet, network.layers[alike[0]], given, batch), len(alike))
            for (_, given), alike in kinds.items()
        ]

    def seconds(self) -> float:
        """Returns the sum over all layers, each the time of its kind on values of its size."""
        return sum(min(timed(step) for _ in range(3)) * times for step, times in self.steps)

    def _step(self, supernet: Supernet, layer: ir.Layer, given: ir.Shape, batch: int) -> Step:
        program = Program(ir.Network(given, (replace(layer, inputs=(-1,)),)), supernet.bank)
        shared = supernet.bank(layer)
        x = placed(torch.randn(batch, *given)).requires_grad_()
        wanted = [x, *(shared.parameters() if shared is not None else ())]
        gradient = placed(torch.randn(batch, *layer.shape))

        def step() -> None:
            torch.autograd.grad(program(x, (), training=True), wanted, gradient)
            with nullcontext() if shared is None else frozen(shared):
                torch.autograd.grad(program(x, (), training=True), x, gradient)

        return step


def placed(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=FORMAT) if x.dim() == 4 else x


def mixture_of(space: Space) -> tuple[Mixture, list[Tensor]]:
    rows = [[1 / len(d.labels)] * len(d.labels) for d in space.decisions]
    weights = [torch.tensor(row, requires_grad=True) for row in rows]
    return Mixture(space.fingerprint, tuple(map(tuple, rows))), weights


def supernet_of(space: Space, *, recompute: bool = False) -> Supernet:
    """As the recipe of DARTS makes it."""
    supernet = Supernet(space, norms="batch", affine=False, recompute=recompute)
    return supernet.train().to(memory_format=FORMAT)


def loss_of(logits: Tensor) -> Tensor:
    return functional.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long))


def step_of(net: nn.Module, images: Tensor, *given: object) -> Step:
    """Forward and backward to the weights."""

    def step() -> None:
        net.zero_grad(set_to_none=True)
        loss_of(net(images, *given)).backward()

    return step


def first_order(supernet: Supernet, images: Tensor, mixture: Mixture, weights: Sequence[Tensor]) -> Step:
    """Both passes of a step of DARTS, as `evaluate.training` does them."""
    train = step_of(supernet, images, mixture)

    def step() -> None:
        train()
        with frozen(supernet):
            torch.autograd.grad(loss_of(supernet(images, mixture, weights)), weights)

    return step


def reference(rival: Rival, images: Tensor, weights: Sequence[Tensor]) -> Step:
    """Both passes, each with all gradients."""
    one = step_of(rival, images, weights)

    def step() -> None:
        one()
        one()

    return step


def timed(step: Step) -> float:
    start = CLOCKS[clock]()
    step()
    return CLOCKS[clock]() - start


CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
clock = "wall"


def compared(steps: Sequence[Callable[[], float]], repeats: int) -> list[dict[str, object]]:
    """Returns the first over each other one: rounds in which all take turns; the first round warms up."""
    rounds = [[step() for step in steps] for _ in range(repeats + 1)][1:]
    first, *others = zip(*rounds, strict=True)
    return [ratio_of(first, other) for other in others]


def ratio_of(left: Sequence[float], right: Sequence[float]) -> dict[str, object]:
    ratios = sorted(a / b for a, b in zip(left, right, strict=True))
    return {
        "ratio_median": round(statistics.median(ratios), 3),
        "ratio_spread": [round(ratios[0], 3), round(ratios[-1], 3)],
        "seconds": round(statistics.median(left), 4),
        "other_seconds": round(statistics.median(right), 4),
    }


def images_of(batch: int) -> Tensor:
    return torch.randn(batch, 3, 32, 32)


def space_of(name: str, size: str) -> Space:
    return SPACES[name](size).bind((3, 32, 32), 10)


def paths(args: argparse.Namespace) -> dict[str, object]:
    """A new path in every step, against its extracted module."""
    results = {}
    for name in ("nasbench201", "mobilenet"):
        space = space_of(name, args.size)
        supernet, images = supernet_of(space), placed(images_of(args.batch))
        points = [space.sample(rng_for(i, "bench/supernet")) for i in range(args.repeats + 1)]
        subnets = [extract(supernet, point).to(memory_format=FORMAT) for point in points]
        for subnet in subnets:  # whoever runs a new shape first pays for making its kernels
            step_of(subnet, images)()
        ours, theirs = iter(points), iter(subnets)
        (results[name],) = compared(
            [
                lambda: timed(step_of(supernet, images, next(ours))),  # noqa: B023
                lambda: timed(step_of(next(theirs), images)),  # noqa: B023
            ],
            args.repeats,
        )
    return results


def mixtures(args: argparse.Namespace) -> dict[str, object]:
    """A first-order step of DARTS, the sum of its operations, and the reference's way."""
    results = {}
    for name in ("nasbench201", "darts"):
        space = space_of(name, args.size)
        supernet, images = supernet_of(space), images_of(args.batch)
        mixture, weights = mixture_of(space)
        network = supernet.network(mixture)
        ours = first_order(supernet, placed(images), mixture, weights)
        theirs = reference(Rival(network), images, weights)
        operations = Operations(supernet, network, len(images))
        steps = [lambda: timed(ours), operations.seconds, lambda: timed(theirs)]  # noqa: B023
        repeats = args.repeats if name == "nasbench201" else (args.repeats + 1) // 2  # half a minute each
        over_sum, over_reference = compared(steps, repeats)
        results[name] = {
            "over_sum_of_operations": over_sum,
            "over_reference": over_reference,
            "times_faster": round(1 / float(str(over_reference["ratio_median"])), 2),
            "bound_by": bound_by(ours),
            "reference_bound_by": bound_by(theirs),
        }
    return results


def bound_by(step: Step) -> dict[str, float]:
    """Shares of one step's time by operator, those over 2 %."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        step()
    rows = {row.key: row.self_cpu_time_total for row in profile.key_averages()}
    total = sum(rows.values())
    shares = sorted(((time / total, key) for key, time in rows.items()), reverse=True)
    return {key.removeprefix("aten::"): round(share, 3) for share, key in shares if share > 0.02}


def memory_of(variant: str, args: argparse.Namespace) -> dict[str, float]:
    """Peak memory of this process in two steps, less that before them, and the time of the second."""
    name, _, how = variant.partition("/")
    space, images = space_of(name, args.size), images_of(args.batch)
    mixture, weights = mixture_of(space)
    supernet = supernet_of(space, recompute=how == "recomputed")
    if how == "reference":
        step = reference(Rival(supernet.network(mixture)), images, weights)
    elif how == "path":
        step = step_of(supernet, placed(images), space.sample(rng_for(0, "bench/supernet")))
    else:
        step = first_order(supernet, placed(images), mixture, weights)
    importlib.import_module("torch._dynamo")  # as torch.utils.checkpoint does when it first runs
    before = peak_mib()
    seconds = [timed(step) for _ in range(2)]
    return {"mib": peak_mib() - before, "seconds": round(min(seconds), 3)}


def peak_mib() -> int:
    """The most that this process held; Linux only, as getrusage counts what the parent held before."""
    words = Path("/proc/self/status").read_text(encoding="utf-8").split()
    return int(words[words.index("VmHWM:") + 1]) // 1024


def memory(args: argparse.Namespace) -> dict[str, object]:
    """Peak memory and time of each variant, and ratios of them."""
    found: dict[str, dict[str, float]] = {}
    for variant in VARIANTS:
        sizes = [f"--{name}={getattr(args, name)}" for name in SETTINGS]
        words = [sys.executable, Path(__file__).name, "--variant", variant, *sizes]
        done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=Path(__file__).parent)
        found[variant] = json.loads(done.stdout)
    ratios = {
        f"{one} over {other}": {key: round(found[one][key] / found[other][key], 3) for key in found[one]}
        for one, other in RATIOS
    }
    return {**found, **ratios}


SETTINGS = ("batch", "size", "threads", "clock")
VARIANTS = (
    *(f"nasbench201/{how}" for how in ("path", "kept", "recomputed", "reference")),
    *(f"darts/{how}" for how in ("kept", "recomputed", "reference")),
    "pc_darts/kept",
)
RATIOS = (
    ("nasbench201/recomputed", "nasbench201/kept"),
    ("darts/recomputed", "darts/kept"),
    ("pc_darts/kept", "darts/kept"),
)
PARTS = {"path": paths, "mixture": mixtures, "memory": memory}


def main() -> None:
    global clock  # noqa: PLW0603
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", default="published", choices=("published", "small"))
    for name, size in (("repeats", 5), ("batch", 64), ("threads", 2)):
        parser.add_argument(f"--{name}", type=int, default=size)
    parser.add_argument("--clock", default="wall", choices=CLOCKS)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=tuple(PARTS))
    parser.add_argument("--variant", choices=VARIANTS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    clock = args.clock
    execution = Execution(torch.device("cpu"), FORMAT, args.threads, None)
    with execution.active(0):
        measure(args)


def measure(args: argparse.Namespace) -> None:
    """Prints what is asked for."""
    if args.variant:
        print(json.dumps(memory_of(args.variant, args)))
        return
    start = time.perf_counter()
    results = {name: PARTS[name](args) for name in args.only}
    row = {"bench": "supernet", **machine(), "repeats": args.repeats, "seed": 0}
    row |= {name: getattr(args, name) for name in SETTINGS}
    row |= {"seconds": round(time.perf_counter() - start), "results": results}
    print(json.dumps(row))


if __name__ == "__main__":
    main()
