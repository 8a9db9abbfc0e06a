"""What one training step of a supernet costs, in time and in memory.

    python bench/supernet.py [--repeats 5] [--batch 64] [--only path mixture memory]

`path`: a step of a single path over a step of the subnet extracted from it. `mixture`: a first-order step of
DARTS (all options of all edges run, forward and backward to weights and mixture) over (a) the sum of its
operations run alone, each forward and backward on an input as it has there, and (b) the same step as the
reference implementation of DARTS does it, written anew from its description: contiguous memory, a module for
every layer of every option, each output multiplied by its weight, and the sum of these. `memory`: peak memory
and time of the step with everything kept, with values computed once more in the backward pass, of the
reference's way, and of PC-DARTS (a quarter of the channels), each in a process of its own.

Networks: NAS-Bench-201 (C=16, N=5), DARTS (C=16, 8 cells, a quarter of the batch), the largest MobileNet of
the zoo; all with CIFAR-10's shape and random images, in float32. Runs to be compared alternate; results are
medians of the ratios of neighbours. A step is forward and backward, without the optimiser. Prints one JSON
line.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from machine import machine
from nasturtium.architecture import Mixture
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
            if not isinstance(layer.op, tuple(JOINS)):
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
        return lambda: torch.autograd.grad(program(x, (), training=True), wanted, gradient)


def placed(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=FORMAT) if x.dim() == 4 else x


def mixture_of(space: Space) -> tuple[Mixture, list[Tensor]]:
    rows = [[1 / len(d.labels)] * len(d.labels) for d in space.decisions]
    weights = [torch.tensor(row, requires_grad=True) for row in rows]
    return Mixture(space.fingerprint, tuple(map(tuple, rows))), weights


def supernet_of(space: Space, **settings: bool) -> Supernet:
    return Supernet(space, **settings).train().to(memory_format=FORMAT)


def step_of(net: nn.Module, images: Tensor, *given: object) -> Step:
    labels = torch.zeros(len(images), dtype=torch.long)

    def step() -> None:
        net.zero_grad(set_to_none=True)
        functional.cross_entropy(net(images, *given), labels).backward()

    return step


def timed(step: Step) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def paired(left: Callable[[], float], right: Callable[[], float], repeats: int) -> dict[str, object]:
    """Returns the median of left / right over pairs of runs that alternate; the first pair warms up."""
    pairs = [(left(), right()) for _ in range(repeats + 1)][1:]
    ratios = sorted(a / b for a, b in pairs)
    return {
        "ratio_median": round(statistics.median(ratios), 3),
        "ratio_spread": [round(ratios[0], 3), round(ratios[-1], 3)],
        "seconds": round(statistics.median(a for a, _ in pairs), 4),
        "other_seconds": round(statistics.median(b for _, b in pairs), 4),
    }


def images_of(name: str, batch: int) -> Tensor:
    return torch.randn(batch // 4 if "darts" in name else batch, 3, 32, 32)


def space_of(name: str, size: str) -> Space:
    return SPACES[name](size).bind((3, 32, 32), 10)


def paths(args: argparse.Namespace) -> dict[str, object]:
    """A new path in every step, against its extracted module."""
    results = {}
    for name in ("nasbench201", "mobilenet"):
        space = space_of(name, args.size)
        supernet, images = supernet_of(space), placed(images_of(name, args.batch))
        points = [space.sample(rng_for(i, "bench/supernet")) for i in range(args.repeats + 1)]
        subnets = [extract(supernet, point).to(memory_format=FORMAT) for point in points]
        ours, theirs = iter(points), iter(subnets)
        results[name] = paired(
            lambda: timed(step_of(supernet, images, next(ours))),  # noqa: B023
            lambda: timed(step_of(next(theirs), images)),  # noqa: B023
            args.repeats,
        )
    return results


def mixtures(args: argparse.Namespace) -> dict[str, object]:
    """A first-order step of DARTS over the sum of its operations, and the reference's way over it."""
    results = {}
    for name in ("nasbench201", "darts"):
        space = space_of(name, args.size)
        supernet, images = supernet_of(space, affine=name != "darts"), images_of(name, args.batch)
        mixture, weights = mixture_of(space)
        network = supernet.network(mixture)
        ours = step_of(supernet, placed(images), mixture, weights)
        theirs = step_of(Rival(network), images, weights)
        operations = Operations(supernet, network, len(images))
        results[name] = {
            "over_sum_of_operations": paired(lambda: timed(ours), operations.seconds, args.repeats),  # noqa: B023
            "reference_over_ours": paired(lambda: timed(theirs), lambda: timed(ours), args.repeats),  # noqa: B023
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
    """Peak memory of this process in three steps, less that before them, and the least time of one."""
    name, _, how = variant.partition("/")
    space, images = space_of(name, args.size), images_of(name, args.batch)
    mixture, weights = mixture_of(space)
    supernet = supernet_of(space, recompute=how == "recomputed")
    net: nn.Module = supernet
    given: tuple[object, ...] = (mixture, weights)
    if how == "reference":
        net, given = Rival(supernet.network(mixture)), (weights,)
    elif how == "path":
        given = (space.sample(rng_for(0, "bench/supernet")),)
    step = step_of(net, images if how == "reference" else placed(images), *given)
    before = peak_mib()
    seconds = [timed(step) for _ in range(3)]
    return {"mib": peak_mib() - before, "seconds": round(min(seconds), 3)}


def peak_mib() -> int:
    """The most that this process held; Linux only, as getrusage counts what the parent held before."""
    words = Path("/proc/self/status").read_text(encoding="utf-8").split()
    return int(words[words.index("VmHWM:") + 1]) // 1024


def memory(args: argparse.Namespace) -> dict[str, object]:
    """Peak memory and time of each variant, and ratios of them."""
    found: dict[str, dict[str, float]] = {}
    for variant in VARIANTS:
        sizes = [f"--{name}={getattr(args, name)}" for name in ("batch", "size", "threads")]
        words = [sys.executable, Path(__file__).name, "--variant", variant, *sizes]
        done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=Path(__file__).parent)
        found[variant] = json.loads(done.stdout)
    ratios = {
        f"{one} over {other}": {key: round(found[one][key] / found[other][key], 3) for key in found[one]}
        for one, other in RATIOS
    }
    return {**found, **ratios}


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
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", default="published", choices=("published", "small"))
    for name, size in (("repeats", 5), ("batch", 64), ("threads", 2)):
        parser.add_argument(f"--{name}", type=int, default=size)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=tuple(PARTS))
    parser.add_argument("--variant", choices=VARIANTS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    if args.variant:
        print(json.dumps(memory_of(args.variant, args)))
        return
    start = time.perf_counter()
    results = {name: PARTS[name](args) for name in args.only}
    row = {"bench": "supernet", **machine(), "batch": args.batch, "size": args.size}
    row |= {"repeats": args.repeats, "threads": args.threads, "seed": 0}
    row |= {"seconds": round(time.perf_counter() - start), "results": results}
    print(json.dumps(row))


if __name__ == "__main__":
    main()
