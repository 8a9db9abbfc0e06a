"""Is a network better made deeper, wider, finer, or a little of all? EfficientNet's claim, on CIFAR-10.

    NASTURTIUM_DATA=... python bench/compound.py --workers 2     # some 25 minutes of processor time
    NASTURTIUM_DATA=... python bench/compound.py --size smoke    # half a minute, which shows nothing

A small residual network that sees its pictures at half their resolution is scaled to four times its MACs: by
depth alone, by width alone, by resolution alone, and by all three with the published coefficients (Tan and
Le 2019, arXiv:1905.11946: depth 1.2, width 1.1, resolution 1.15). Of each way that size is taken whose MACs,
as they are counted, come nearest to four times; the line says how near. All are trained by one recipe, the
same for all, on the same images, and tested on the test split; ways are compared in pairs by seed. With few
epochs deep networks are at a disadvantage that longer trainings would take away.

Stopped and called again, it goes on. Prints one JSON line, and writes it to --out.
"""

import argparse
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from math import log2
from pathlib import Path
from typing import Any

import numpy as np
import torch

import nasturtium as nt
from machine import machine
from nasturtium.cost.compound import EFFICIENTNET, compound
from nasturtium.cost.counts import Counted
from nasturtium.evaluate.scratch import Scratch
from nasturtium.protocols import Candidate
from nasturtium.space.scale import scaled, side_of
from nasturtium.space.space import Space
from nasturtium.space.zoo.resnet import resnet_cifar
from paired import compared, mean
from pieces import carry_out

RESULTS = Path(__file__).parent / "results"
TIMES = 4.0  # MACs of the scaled networks over those of the base
MULTIPLE = 2  # of widths; small ones are too coarse in steps of 8


@dataclass(frozen=True)
class Size:
    """How much is spent.

    Attributes:
        images: Training images.
        width: Of the base's first stage.
        recipe: Of all trainings.
    """

    images: int
    width: int
    recipe: nt.Recipe


CPU = nt.Recipe(epochs=6, batch_size=64, lr=0.1, device="cpu", precision="float32", threads=1)
SIZES = {
    "cpu": Size(8_000, 8, CPU),
    "smoke": Size(400, 4, nt.Recipe(epochs=1, batch_size=64, device="cpu", precision="float32", threads=1)),
    "full": Size(50_000, 16, nt.Recipe(epochs=100, batch_size=128)),
}


def base(width: int) -> Space:
    """Returns ResNet-14 on pictures of 16x16."""
    space = resnet_cifar(14, width).bind((3, 32, 32), 10)
    return scaled(space, side=16, name=f"resnet14-{width}")


def deeper(space: Space, steps: float) -> Space:
    """Doubles the depth so many times."""
    return scaled(space, depth=2**steps, multiple=MULTIPLE, spread=True)


def wider(space: Space, steps: float) -> Space:
    """Doubles the square of the width so many times."""
    return scaled(space, width=2 ** (steps / 2), multiple=MULTIPLE)


def finer(space: Space, steps: float) -> Space:
    """Doubles the number of pixels so many times."""
    return scaled(space, side=round(side_of(space) * 2 ** (steps / 2)))


def all_of_them(space: Space, steps: float) -> Space:
    """Takes so many steps of compound scaling."""
    return compound(space, EFFICIENTNET, steps, multiple=MULTIPLE)


WAYS: Mapping[str, Callable[[Space, float], Space]] = {
    "depth": deeper,
    "width": wider,
    "resolution": finer,
    "compound": all_of_them,
}


def macs(space: Space) -> int:
    """Returns the MACs of the one network of a space."""
    return Counted(space).counts(space.unrank(0)).macs


@cache
def network(way: str, width: int) -> Space:
    """Returns the base, or what a way makes of it at nearly `TIMES` its MACs."""
    small = base(width)
    if way == "base":
        return small
    wanted = TIMES * macs(small)
    sizes = (WAYS[way](small, log2(TIMES) * share) for share in np.linspace(0.7, 1.5, 81).tolist())
    return min(sizes, key=lambda one: abs(macs(one) - wanted))


def course(way: str, seed: int, name: str) -> dict[str, Any]:
    """Trains one network and tests it."""
    size = SIZES[name]
    torch.set_num_threads(size.recipe.threads or torch.get_num_threads())
    task = nt.tasks.image_classification("cifar10", seed=seed, max_train=size.images)
    space = network(way, size.width)
    began = time.process_time()
    scratch = Scratch(space, task, size.recipe, seed=seed, split="final")
    trial = scratch.trial(Candidate(space.unrank(0), number=0))
    if trial.status != "ok":
        raise RuntimeError(f"{way}, seed {seed}: {trial.error}")
    spent = time.process_time() - began
    return {"way": way, "seed": seed, "error": trial.metrics["test_error"], "cpu_seconds": round(spent, 1)}


def report(name: str, found: Mapping[str, Any], seeds: list[int]) -> dict[str, Any]:
    """Returns what is printed."""
    size, small = SIZES[name], macs(base(SIZES[name].width))
    errors = {
        way: {seed: found[f"{way}/{seed}"]["error"] for seed in seeds if f"{way}/{seed}" in found}
        for way in ("base", *WAYS)
    }
    rows = {}
    for way, some in errors.items():
        space = network(way, size.width)
        rows[way] = {
            "macs": macs(space),
            "times": round(macs(space) / small, 3),
            "params": Counted(space).counts(space.unrank(0)).params,
            "layers": len(space.network(space.unrank(0)).layers),
            "side": side_of(space),
            "test_error": mean(list(some.values())) if some else None,
            "errors": some,
            "cpu_seconds": round(sum(found[f"{way}/{seed}"]["cpu_seconds"] for seed in some), 1),
        }
    return {
        "bench": "compound",
        "size": name,
        **machine(),
        "images": size.images,
        "epochs": size.recipe.epochs,
        "seeds": seeds,
        "ways": rows,
        "pairs": compared({way: errors[way] for way in WAYS}),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", choices=SIZES, default="cpu")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--ways", nargs="+", choices=("base", *WAYS), default=["base", *WAYS])
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("runs/compound"), help="where it goes on")
    parser.add_argument("--out", type=Path, help="bench/results/compound-SIZE.json")
    given = parser.parse_args()
    pieces = {
        f"{way}/{seed}": partial(course, way, seed, given.size) for seed in given.seeds for way in given.ways
    }
    found = carry_out(pieces, given.folder / f"{given.size}.jsonl", given.workers)
    line = json.dumps(report(given.size, found, given.seeds))
    print(line)
    (given.out or RESULTS / f"compound-{given.size}.json").write_text(line + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
