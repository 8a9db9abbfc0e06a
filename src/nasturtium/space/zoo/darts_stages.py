"""The space of DARTS as stages of a search run it: shallower, narrower, with dropout behind skips.

All of them have the same decisions, so that a mixture of one is a mixture of the other.
"""

from collections.abc import Callable
from dataclasses import replace

from nasturtium.space.space import Space
from nasturtium.space.zoo.cells import thirds
from nasturtium.space.zoo.darts_search import SearchCell, SearchTower


def resized(space: Space, share: float, skip_dropout: float) -> Space:
    """Returns a space with the same decisions, in towers of search cells of another depth.

    Other blocks than such towers stay as they are.

    Args:
        space: Bound or not.
        share: Of the cells, up to 1; three stay at least, so that there are a normal cell and two reductions.
        skip_dropout: See `SearchCell`.
    """

    def change(tower: SearchTower) -> SearchTower:
        cells = min(len(tower.layout), max(3, round(share * len(tower.layout))))
        layout = tower.layout if cells == len(tower.layout) else thirds(cells)
        return replace(_of_cells(tower, lambda cell: replace(cell, skip_dropout=skip_dropout)), layout=layout)

    return _with_towers(space, change)


def narrowed(space: Space) -> Space:
    """Returns a space with the same decisions, of whose channels fewer go through the operations.

    Where search cells cut them in parts it is the next larger number of parts: 6 for 4 of 36 filters, the
    first stage of Chen et al. 2021 (DrNAS, arXiv:2006.10355). Other blocks stay as they are.

    Args:
        space: Bound or not.
    """

    def change(tower: SearchTower) -> SearchTower:
        parts, filters = tower.normal.partial, tower.filters
        more = (one for one in range(parts + 1, filters + 1) if parts > 1 and filters % one == 0)
        cut = next(more, parts)
        return _of_cells(tower, lambda cell: replace(cell, partial=cut))

    return _with_towers(space, change)


def _with_towers(space: Space, change: Callable[[SearchTower], SearchTower]) -> Space:
    """Returns the space with other towers of search cells."""
    blocks = [change(one) if isinstance(one, SearchTower) else one for one in space.tree.blocks]
    named = dict(zip(space.tree.names, blocks, strict=True)) if space.tree.names else {}
    plain = () if named else blocks
    return Space(*plain, name=space.name, input_shape=space.input_shape, outputs=space.outputs, **named)


def _of_cells(tower: SearchTower, change: Callable[[SearchCell], SearchCell]) -> SearchTower:
    """Returns the tower with other cells."""
    return replace(tower, normal=change(tower.normal), reduction=change(tower.reduction))
