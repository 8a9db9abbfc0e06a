"""The NASNet space and AmoebaNet's part of it, two cells of five blocks (Zoph et al. 2018)."""

from nasturtium.space.blocks import classifier
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.space.zoo import check_size
from nasturtium.space.zoo.cells import PairCell, Tower, stages

# Zoph et al. 2018, section 3.
OPS = (
    "skip_connect",
    "conv_1x3_3x1",
    "conv_1x7_7x1",
    "dilated_conv_3x3",
    "avg_pool_3x3",
    "max_pool_3x3",
    "max_pool_5x5",
    "max_pool_7x7",
    "conv_1x1",
    "conv_3x3",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "sep_conv_7x7",
)
# Real et al. 2019 (arXiv:1802.01548), methods.
AMOEBANET_OPS = (
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "sep_conv_7x7",
    "avg_pool_3x3",
    "max_pool_3x3",
    "dil_conv_3x3",  # separable, unlike NASNet's
    "conv_1x7_7x1",
)
BLOCKS = 5


def nasnet(size: str = "small") -> Space:
    """Returns NASNet's space: per block two states, an operation of 13 on each, and how they are joined.

    Zoph, Vasudevan, Shlens and Le 2018 (arXiv:1707.07012), section 3. The cell's output is its unused blocks.

    (6!)^2 13^10 2^5 = 2.3e18 cells; 5.2e36 pairs of a normal cell and a reduction.

    Args:
        size: ``small`` has one normal cell per stage and 8 filters; ``published`` has 6 and 32, the network
            of NASNet-A on CIFAR-10.
    """
    return _space("nasnet", OPS, ("add", "concat"), size, filters=32)


def amoebanet(size: str = "small") -> Space:
    """Returns AmoebaNet's space: NASNet's with 8 operations, always added (Real et al. 2019).

    (6!)^2 8^10 = 5.6e14 cells; 3.1e29 pairs.

    Args:
        size: ``small`` has one normal cell per stage and 8 filters; ``published`` has 6 and 36, the
            network of AmoebaNet-A on CIFAR-10.
    """
    return _space("amoebanet", AMOEBANET_OPS, ("add",), size, filters=36)


def pair(path: str, states: int, ops: tuple[str, ...], joins: tuple[str, ...]) -> tuple[object, ...]:
    """Returns the choices of one block.

    Args:
        path: Begins the names of its decisions.
        states: How many states there are before it.
        ops: Operations to choose from.
        joins: Ways to join; a single one is no decision.
    """
    labels = ("two_back", "previous", *(f"block{number}" for number in range(1, states - 1)))
    sides = [
        part
        for side in ("left", "right")
        for part in (
            choice(*range(states), name=f"{path}.{side}", labels=labels),
            choice(*ops, name=f"{path}.{side}_op"),
        )
    ]
    return (*sides, choice(*joins, name=f"{path}.join") if len(joins) > 1 else joins[0])


def _space(name: str, ops: tuple[str, ...], joins: tuple[str, ...], size: str, filters: int) -> Space:
    check_size(size)
    repeats, filters = (1, 8) if size == "small" else (6, filters)
    normal, reduction = (
        PairCell(
            tuple(pair(f"{cell}.block{number}", number + 1, ops, joins) for number in range(1, BLOCKS + 1))
        )
        for cell in ("normal", "reduction")
    )
    return Space(
        cells=Tower(normal, reduction, filters, stages(repeats), stem=3 * filters),
        classifier=classifier(),
        name=name if size == "small" else f"{name}-published",
        input_shape=(3, 32, 32),
        outputs=10,
    )
