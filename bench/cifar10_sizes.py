"""How large `cifar10_methods.py` makes its searches, and the space that they search."""

from dataclasses import dataclass, replace

import nasturtium as nt
from nasturtium import blocks as b
from nasturtium.space.space import Space
from nasturtium.space.zoo.cells import Tower, thirds
from nasturtium.space.zoo.pnas import pnas


@dataclass(frozen=True)
class Size:
    """How much is spent.

    Attributes:
        images: Training images, train and valid together.
        valid: Share of them that the search compares by.
        blocks: The most that a cell has.
        stem: Channels of convolutions of stride 2 before the tower, one number each.
        filters: Of the first cells.
        layout: Per cell whether it reduces.
        evaluations: Trainings of a search.
        first: Networks of PNAS's first level.
        beam: Networks of its other levels, one level per further block.
        recipe: Of a training in the search.
        final_epochs: Of the trainings that are tested.
        times: Such trainings of each pick.
        top: Filters, cells and recipe of the last training; None for none.
    """

    images: int
    valid: float
    blocks: int
    stem: tuple[int, ...]
    filters: int
    layout: tuple[bool, ...]
    evaluations: int
    first: int
    beam: int
    recipe: nt.Recipe
    final_epochs: int
    times: int
    top: tuple[int, int, nt.Recipe] | None = None

    def space(self) -> Space:
        """Returns the cells in the tower of the search."""
        return tower(self.blocks, self.stem, self.filters, self.layout)


ONE_CORE = nt.Recipe(epochs=1, batch_size=64, device="cpu", precision="float32", threads=1)
SIZES = {
    "small": Size(
        images=8_000,
        valid=0.25,
        blocks=3,
        stem=(8, 16),
        filters=8,
        layout=(False, True),
        evaluations=20,
        first=8,
        beam=6,
        recipe=ONE_CORE,
        final_epochs=2,
        times=2,
    ),
    "smoke": Size(
        images=400,
        valid=0.25,
        blocks=2,
        stem=(8, 16),
        filters=8,
        layout=(True,),
        evaluations=4,
        first=2,
        beam=2,
        recipe=ONE_CORE,
        final_epochs=1,
        times=1,
        top=(8, 2, ONE_CORE),
    ),
    "full": Size(
        images=50_000,
        valid=0.2,
        blocks=5,
        stem=(),
        filters=16,
        layout=thirds(6),
        evaluations=60,
        first=16,
        beam=11,
        recipe=nt.Recipe(epochs=5),
        final_epochs=20,
        times=2,
        top=(48, 9, nt.Recipe(epochs=200, cutout=16, clip_norm=5.0)),
    ),
}


def tower(blocks: int, stem: tuple[int, ...], filters: int, layout: tuple[bool, ...]) -> Space:
    """Returns PNAS's cells in another tower."""
    cells, classifier = pnas(blocks=blocks).tree.blocks
    assert isinstance(cells, Tower)
    before = {f"stem{i}": b.conv(channels, stride=2) for i, channels in enumerate(stem, 1)}
    cells = replace(cells, filters=filters, layout=layout, stem=3 * filters)
    return Space(
        **before,
        cells=cells,
        classifier=classifier,
        name="pnas cells",
        input_shape=(3, 32, 32),
        outputs=10,
    )
