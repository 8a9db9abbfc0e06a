"""How much `weight_sharing.py` spends, and on what."""

from dataclasses import dataclass, replace
from typing import Any

import nasturtium as nt
from nasturtium.space.space import Space
from nasturtium.space.zoo.cells import thirds
from nasturtium.space.zoo.darts import darts_of
from nasturtium.space.zoo.darts_search import OPS, darts_search_of
from nasturtium.tasks.images import ImageClassification
from one_shot import shrunk


@dataclass(frozen=True)
class Size:
    """How much is spent.

    Attributes:
        images: Training images, half of them for validation.
        shrink: Side of the pixels that become one.
        filters: Of the supernets' first stage.
        layout: Of the supernets: per cell, whether it is a reduction.
        ops: Of the mixtures' edges.
        recipe: What the supernets of all methods are trained by.
        epochs: Of each; a method that is not here has the settings of its paper.
        evolved: Networks that SPOS looks at.
        recalibration: Training images for the norms of each.
        final: What is found is trained by.
        network: Filters and cells of the network that is trained in the end.
        random: Random cells trained alike.
        steps: Timed, after two to warm up.
        compiling: Seconds of the processor after which it is given up.
        compiled: Methods that it is tried with, in networks of which layout, with which operations.
        every: Steps between checkpoints.
    """

    images: int
    shrink: int
    filters: int
    layout: tuple[bool, ...]
    ops: tuple[str, ...]
    recipe: nt.Recipe
    epochs: dict[str, int]
    evolved: int
    recalibration: int
    final: nt.Recipe
    network: tuple[int, int]
    random: int
    steps: int
    compiling: int
    compiled: tuple[tuple[str, ...], tuple[bool, ...], tuple[str, ...]]
    every: int


DARTS = nt.Recipe(
    epochs=50,
    batch_size=64,
    lr=0.025,
    weight_decay=3e-4,
    warmup=0.0,
    floor=0.04,
    clip_norm=5.0,
    label_smoothing=0.0,
)
FINAL = replace(DARTS, epochs=600, batch_size=96, floor=0.0, auxiliary=0.4, cutout=16, drop_path=0.2)
ONE_CORE: dict[str, Any] = {"device": "cpu", "threads": 1}
QUICK = replace(FINAL, epochs=4, batch_size=64, lr=0.05, cutout=8, drop_path=0.0, auxiliary=0.0)
SIZES = {
    "gpu": Size(
        images=50_000,
        shrink=1,
        filters=16,
        layout=thirds(8),
        ops=OPS,
        recipe=DARTS,
        epochs={"spos": 400},
        evolved=1000,
        recalibration=25_600,
        final=FINAL,
        network=(36, 20),
        random=4,
        steps=50,
        compiling=3600,
        compiled=(("darts", "pc_darts"), thirds(8), OPS),
        every=1000,
    ),
    "cpu": Size(
        images=800,
        shrink=2,
        filters=8,
        layout=thirds(3),
        ops=OPS,
        recipe=replace(DARTS, batch_size=16, **ONE_CORE),
        epochs={"darts": 1, "pc_darts": 1, "spos": 5},
        evolved=15,
        recalibration=256,
        final=replace(QUICK, **ONE_CORE),
        network=(8, 5),
        random=1,
        steps=2,
        compiling=120,
        compiled=(("darts",), (False,), ("skip_connect", "dil_conv_3x3")),
        every=50,
    ),
}


def data(size: Size) -> ImageClassification:
    """Returns CIFAR-10, half of it for validation, with its images shrunk by averaging."""
    task = nt.tasks.image_classification("cifar10", valid_fraction=0.5, max_train=size.images)
    if size.shrink == 1:
        return task
    train, valid, test = (shrunk(split, size.shrink) for split in (task.train, task.valid, task.test))
    return replace(task, train=train, valid=valid, test=test, shift=task.shift // size.shrink)


def space_of(name: str, size: Size) -> Space:
    """Returns the cells that a method searches."""
    if name == "spos":
        return darts_of(size.filters, size.layout, name)
    parts, edges = (4, True) if name == "pc_darts" else (1, False)
    return darts_search_of(size.filters, size.layout, name, ops=size.ops, partial=parts, edges=edges)
