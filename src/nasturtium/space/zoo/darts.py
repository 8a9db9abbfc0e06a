"""The DARTS space as discrete genotypes (Liu, Simonyan and Yang 2019, arXiv:1806.09055)."""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

from nasturtium.architecture import Architecture
from nasturtium.errors import SpaceError
from nasturtium.space.blocks import classifier
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.space.zoo import check_size
from nasturtium.space.zoo.cells import Cell, Pair, PairCell, Tower, thirds
from nasturtium.space.zoo.genotypes import Genotype

# The paper's eight without ``none``, which no derived cell has.
OPS = (
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
NODES = 4


@dataclass(frozen=True)
class DartsCell(Cell):
    """A cell as DARTS derives it: each node is the sum of operations on two different earlier states.

    Attributes:
        nodes: Per node ((state, state), operation, operation), choices or not.
    """

    nodes: tuple[Any, ...]

    def pairs(self) -> tuple[Pair, ...]:
        """Returns the nodes as blocks of a cell."""
        return tuple(Pair(left, left_op, right, right_op) for (left, right), left_op, right_op in self.nodes)

    def outputs(self) -> tuple[int, ...]:
        """Returns all nodes."""
        return tuple(range(2, 2 + len(self.nodes)))

    @property
    def label(self) -> str:
        """``cell``: the drawing shows its nodes."""
        return "cell"


def darts(size: str = "small") -> Space:
    """Returns the space of genotypes: per node a pair of states and an operation of 7 on each.

    The product of C(n + 1, 2) 7^2 over nodes n of 1 to 4 is 1.04e9 cells; 1.08e18 pairs of a normal cell and
    a reduction.

    Args:
        size: ``small`` has 5 cells, two of them reductions, and 8 filters; ``published`` has 20 and 36, the
            network that is trained on CIFAR-10.
    """
    check_size(size)
    if size == "small":
        return darts_of(8, (False, True, False, True, False), "darts")
    return darts_of(36, thirds(20), "darts-published")


def darts_of(filters: int, layout: tuple[bool, ...], name: str) -> Space:
    """Returns the same space in networks of another size.

    Args:
        filters: Channels of a state in the first stage.
        layout: Per cell from below, whether it is a reduction.
        name: Of the space.
    """
    return Space(
        cells=Tower(_cell("normal"), _cell("reduction"), filters, layout, stem=3 * filters, style="darts"),
        classifier=classifier(),
        name=name,
        input_shape=(3, 32, 32),
        outputs=10,
    )


def from_genotype(space: Space, given: Genotype) -> Architecture:
    """Returns the architecture of `darts` that has the cells of a genotype.

    Raises:
        SpaceError: The cells are not of that space: another number of nodes, a node that reads one state
            twice, an output that is not all nodes, or an operation that it does not have.
    """
    options: dict[str, str] = {}
    for name, cell in (("normal", given.normal), ("reduction", given.reduction or given.normal)):
        pairs = cell.pairs()
        if len(pairs) != NODES or cell.outputs() != tuple(range(2, 2 + NODES)):
            raise SpaceError(
                f"the {name} cell of {given.name} has {len(pairs)} nodes and gives {cell.outputs()}; "
                f"those of {space.name} have {NODES} and give all of them"
            )
        for number, pair in enumerate(pairs, 1):
            (left, left_op), (right, right_op) = sorted([pair[:2], pair[2:4]])
            if left == right:
                raise SpaceError(f"node {number} of the {name} cell of {given.name} reads state {left} twice")
            if number > 1:
                options[f"{name}.node{number}.states"] = _label(left, right)
            options |= {f"{name}.node{number}.first_op": left_op, f"{name}.node{number}.second_op": right_op}
    return space.architecture(**options)


def to_genotype(space: Space, architecture: Architecture) -> Genotype:
    """Returns the cells of an architecture of `darts`, to be written as text or put into another network."""
    (tower,) = (block for _, block in space.blocks(architecture) if isinstance(block, Tower))
    normal, reduction = (
        PairCell(tuple(tuple(pair) for pair in cell.pairs()), output="all")
        for cell in (tower.normal, tower.reduction)
    )
    return Genotype(
        "genotype", normal, reduction, filters=tower.filters, layout=tower.layout, style=tower.style
    )


def _label(left: int, right: int) -> str:
    """What two states are called together, for example ``previous+node1``."""
    names = ("two_back", "previous", *(f"node{number}" for number in range(1, NODES)))
    return f"{names[left]}+{names[right]}"


def _cell(name: str) -> DartsCell:
    nodes = []
    for number in range(1, NODES + 1):
        states = tuple(combinations(range(number + 1), 2))
        labels = tuple(_label(left, right) for left, right in states)
        path = f"{name}.node{number}"
        nodes.append(
            (
                choice(*states, name=f"{path}.states", labels=labels) if number > 1 else states[0],
                choice(*OPS, name=f"{path}.first_op"),
                choice(*OPS, name=f"{path}.second_op"),
            )
        )
    return DartsCell(tuple(nodes))
