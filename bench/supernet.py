"""What one training step of a supernet costs, in time and in memory.

    python bench/supernet.py [--repeats 5] [--batch 64] [--cells 5] [--width 16] [--only path mixture memory]

`path`: a step of a single path over a step of the subnet extracted from it. `mixture`: a first-order step of
DARTS (all options of all edges run, forward and backward to weights and mixture) over (a) the sum of its
operations run alone, each forward and backward on the input and with the memory format that it has there,
and (b) the same step as the reference implementation of DARTS does it, written anew from its description:
contiguous memory, a module for every option, which normalises and then has its output multiplied by its
weight, and a sum of these for every edge. `memory`: peak memory and time of the step with everything kept,
with values computed once more in the backward pass, and of the rival, each in a process of its own.

The network is NAS-Bench-201's with CIFAR-10's shape and random images, in float32. Runs to be compared
alternate; results are medians of the ratios of neighbours. A step is forward and backward, without the
optimiser. Prints one JSON line.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from machine import machine
from nasturtium.architecture import Mixture
from nasturtium.net.extract import extract
from nasturtium.net.program import Program
from nasturtium.net.supernet import Supernet
from nasturtium.seeds import rng_for
from nasturtium.space.block import repeat
from nasturtium.space.blocks import conv
from nasturtium.space.choice import choice
from nasturtium.space.layers import Network
from nasturtium.space.space import Space
from nasturtium.space.zoo.mobilenet import mobilenet
from nasturtium.space.zoo.nasbench201 import EDGES, OPS, Cell201, Head201, Reduction201

FORMAT = torch.channels_last
Step = Callable[[], object]


def space_of(width: int, cells: int) -> Space:
    """NAS-Bench-201 with so many channels and cells a stage; 16 and 5 are the published ones."""
    cell = Cell201(tuple(choice(*OPS, name=f"edge{start}{end}") for start, end in EDGES))
    return Space(
        stem=conv(width, act="none"),
        stage1=repeat(cell, cells),
        reduce1=Reduction201(2 * width),
        stage2=repeat(cell, cells),
        reduce2=Reduction201(4 * width),
        stage3=repeat(cell, cells),
        head=Head201(),
        name=f"nasbench201-{width}x{cells}",
        input_shape=(3, 32, 32),
        outputs=10,
    )


class MixedOp(nn.Module):
    """All options of an edge, each a module, and the sum of their outputs by weight."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.options = nn.ModuleList(
            [nn.Identity(), nn.Identity(), *(unit(width, width, side) for side in (1, 3)), average()]
        )

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        """Runs all of them."""
        zero = x.mul(0.0)
        given = [zero, *(option(x) for option in self.options[1:])]
        return sum(weight * one for weight, one in zip(weights, given, strict=True))


class Rival(nn.Module):
    """What `space_of` describes, with a mixture on every edge, as one writes it in plain torch."""

    def __init__(self, width: int, cells: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))
        self.cells = nn.ModuleList()
        for stage in range(3):
            if stage:
                self.cells.append(Residual(width, 2 * width))
                width *= 2
            for _ in range(cells):
                self.cells.append(nn.ModuleList(MixedOp(width) for _ in EDGES))
        self.last = nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = nn.Linear(width, 10)

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        """Returns logits; `weights` is [edges, options]."""
        x = self.stem(x)
        for cell in self.cells:
            x = cell(x) if isinstance(cell, Residual) else mixed_cell(cell, x, weights)
        return self.head(self.last(x))


class Residual(nn.Module):
    """The block between two stages."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.body = nn.Sequential(unit(inputs, outputs, 3, stride=2), unit(outputs, outputs, 3))
        self.side = nn.Sequential(nn.AvgPool2d(2, 2), nn.Conv2d(inputs, outputs, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """Halves the sides."""
        return self.side(x) + self.body(x)


def unit(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Module:
    made = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(nn.ReLU(), made, nn.BatchNorm2d(outputs))


def average() -> nn.Module:
    return nn.AvgPool2d(3, 1, 1, count_include_pad=False)


def mixed_cell(edges: nn.ModuleList, x: Tensor, weights: Tensor) -> Tensor:
    nodes = [x]
    for node in (1, 2, 3):
        rows = [(i, start) for i, (start, end) in enumerate(EDGES) if end == node]
        nodes.append(sum(edges[i](nodes[start], weights[i]) for i, start in rows))
    return nodes[-1]


class Operations:
    """The layers of a network, each to be run forward and backward by itself, alike ones together."""

    def __init__(self, supernet: Supernet, network: Network, batch: int) -> None:
        shapes = [network.input_shape, *(layer.shape for layer in network.layers)]
        rows = [
            (layer.op, tuple(shapes[i + 1] for i in layer.inputs), i)
            for i, layer in enumerate(network.layers)
        ]
        self.times = Counter((op, given) for op, given, _ in rows)
        self.steps = [
            (self._step(supernet, network, i, given, batch), self.times[op, given])
            for (op, given), i in {(op, given): i for op, given, i in rows}.items()
        ]

    def seconds(self) -> float:
        """Returns the sum over all layers, each the time of its kind on values of its size."""
        return sum(min(timed(step) for _ in range(3)) * times for step, times in self.steps)

    def _step(self, supernet: Supernet, network: Network, at: int, given: tuple, batch: int) -> Step:
        layer = network.layers[at]
        alone = Network(given[0], (replace(layer, inputs=tuple(range(-1, len(given) - 1))),))
        values = [placed(torch.randn(batch, *shape)).requires_grad_() for shape in given]
        if len(given) > 1:  # a sum or a mixture
            terms = getattr(layer.op, "terms", ())
            shares = [torch.tensor(0.2, requires_grad=True) for _ in terms]
            gradient = placed(torch.randn(batch, *layer.shape))
            wanted = [*values, *shares]
            return lambda: torch.autograd.grad(by_hand(values, shares), wanted, gradient)
        program = Program(alone, supernet.bank)
        shared = supernet.bank(layer)
        wanted = [values[0], *(shared.parameters() if shared is not None else ())]
        gradient = torch.randn(batch, *layer.shape)
        gradient = placed(gradient) if gradient.dim() == 4 else gradient
        return lambda: torch.autograd.grad(program(values[0], (), training=True), wanted, gradient)


def by_hand(values: list[Tensor], shares: list[Tensor]) -> Tensor:
    if not shares:
        return sum(values[1:], values[0])
    return sum(share * value for share, value in zip(shares, values, strict=True))


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


def paths(args: argparse.Namespace) -> dict[str, object]:
    """A new path in every step, against its extracted module."""
    results = {}
    for name, space in {
        "nasbench201": space_of(args.width, args.cells),
        "mobilenet": mobilenet("published").bind((3, 32, 32), 10),
    }.items():
        supernet = supernet_of(space)
        images = placed(torch.randn(args.batch, 3, 32, 32))
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
    """A first-order step of DARTS over the sum of its operations, and over the rival."""
    space = space_of(args.width, args.cells)
    supernet, rival = supernet_of(space), Rival(args.width, args.cells)
    mixture, weights = mixture_of(space)
    images = torch.randn(args.batch, 3, 32, 32)
    ours = step_of(supernet, placed(images), mixture, weights)
    theirs = step_of(rival, images, torch.full((len(EDGES), len(OPS)), 1 / len(OPS), requires_grad=True))
    operations = Operations(supernet, supernet.network(mixture), args.batch)
    return {
        "sum_of_operations": paired(lambda: timed(ours), operations.seconds, args.repeats),
        "reference_way": paired(lambda: timed(theirs), lambda: timed(ours), args.repeats),
        "bound_by": bound_by(ours),
    }


def bound_by(step: Step) -> dict[str, float]:
    """Shares of one step's time by operator, those over 2 %."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        step()
    rows = {row.key: row.self_cpu_time_total for row in profile.key_averages()}
    total = sum(rows.values())
    shares = sorted(((time / total, key) for key, time in rows.items()), reverse=True)
    return {key.removeprefix("aten::"): round(share, 3) for share, key in shares if share > 0.02}


VARIANTS = ("nothing", "kept", "recomputed", "reference_way", "path")


def memory_of(variant: str, args: argparse.Namespace) -> dict[str, float]:
    """Peak resident memory of this process after three steps, and the least time of one."""
    space = space_of(args.width, args.cells)
    mixture, weights = mixture_of(space)
    images = torch.randn(args.batch, 3, 32, 32)
    supernet = supernet_of(space, recompute=variant == "recomputed")
    if variant == "reference_way":
        table = torch.full((len(EDGES), len(OPS)), 1 / len(OPS), requires_grad=True)
        step = step_of(Rival(args.width, args.cells), images, table)
    elif variant == "path":
        step = step_of(supernet, placed(images), space.sample(rng_for(0, "bench/supernet")))
    else:
        step = step_of(supernet, placed(images), mixture, weights)
    seconds = [timed(step) for _ in range(3)] if variant != "nothing" else [0.0]
    return {"peak_mib": peak_mib(), "seconds": round(min(seconds), 3)}


def peak_mib() -> int:
    """The most that this process held; Linux only, as getrusage counts what the parent held before."""
    words = Path("/proc/self/status").read_text(encoding="utf-8").split()
    return int(words[words.index("VmHWM:") + 1]) // 1024


def memory(args: argparse.Namespace) -> dict[str, object]:
    """Peak memory of each variant, less that of a process that takes no step."""
    found = {}
    for variant in VARIANTS:
        sizes = [f"--{name}={getattr(args, name)}" for name in ("batch", "cells", "width", "threads")]
        words = [sys.executable, __file__, "--variant", variant, *sizes]
        done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=Path(__file__).parent)
        found[variant] = json.loads(done.stdout)
    base = found.pop("nothing")["peak_mib"]
    for row in found.values():
        row["step_mib"] = row.pop("peak_mib") - base
    kept, less = found["kept"], found["recomputed"]
    return {
        "process_mib": base,
        **found,
        "memory_ratio": round(less["step_mib"] / kept["step_mib"], 3),
        "time_ratio": round(less["seconds"] / kept["seconds"], 3),
    }


PARTS = {"path": paths, "mixture": mixtures, "memory": memory}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, size in (("repeats", 5), ("batch", 64), ("cells", 5), ("width", 16), ("threads", 2)):
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
    row = {"bench": "supernet", **machine(), "batch": args.batch, "cells": args.cells, "width": args.width}
    row |= {"repeats": args.repeats, "threads": args.threads, "seed": 0}
    row |= {"seconds": round(time.perf_counter() - start), "results": results}
    print(json.dumps(row))


if __name__ == "__main__":
    main()
