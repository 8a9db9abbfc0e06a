"""The PNAS space: one cell of one to five blocks (Liu et al. 2018, arXiv:1712.00559)."""

from nasturtium.space.blocks import classifier
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.space.zoo import check_size
from nasturtium.space.zoo.cells import PairCell, Tower, thirds
from nasturtium.space.zoo.nasnet import pair

# Liu et al. 2018, section 3.1: NASNet's thirteen without those that it never chose.
OPS = (
    "sep_conv_3x3",
    "sep_conv_5x5",
    "sep_conv_7x7",
    "conv_1x7_7x1",
    "skip_connect",
    "avg_pool_3x3",
    "max_pool_3x3",
    "dilated_conv_3x3",
)


def pnas(size: str = "small", blocks: int = 5) -> Space:
    """Returns PNAS's space: the number of blocks, and per block two states and an operation of 8 on each.

    The reduction is the same cell with a stride of 2, and the cell's output is all of its blocks side by
    side. Of one block there are 256 cells, 136 different; of five, 5.6e14.

    Args:
        size: ``small`` has 5 cells, two of them with a stride of 2, and 8 filters; ``published`` has 9 and
            48, the network of PNASNet-5 on CIFAR-10.
        blocks: The most that a cell has.
    """
    check_size(size)
    rows = [pair(f"block{number}", number + 1, OPS, ("add",)) for number in range(1, blocks + 1)]
    cells = [PairCell(tuple(rows[:count]), output="all") for count in range(1, blocks + 1)]
    layout, filters = ((False, True, False, True, False), 8) if size == "small" else (thirds(9), 48)
    return Space(
        cells=Tower(
            choice(*cells, name="blocks", labels=tuple(map(str, range(1, blocks + 1)))),
            None,
            filters,
            layout,
            stem=3 * filters,
        ),
        classifier=classifier(),
        name="pnas" if size == "small" else "pnas-published",
        input_shape=(3, 32, 32),
        outputs=10,
    )
