"""The DARTS space as discrete genotypes (Liu, Simonyan and Yang 2019, arXiv:1806.09055)."""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

from nasturtium.space.blocks import classifier
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.space.zoo import check_size
from nasturtium.space.zoo.cells import Cell, Pair, Tower, thirds

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
    layout, filters = ((False, True, False, True, False), 8) if size == "small" else (thirds(20), 36)
    return Space(
        cells=Tower(_cell("normal"), _cell("reduction"), filters, layout, stem=3 * filters, style="darts"),
        classifier=classifier(),
        name="darts" if size == "small" else "darts-published",
        input_shape=(3, 32, 32),
        outputs=10,
    )


def _cell(name: str) -> DartsCell:
    nodes = []
    for number in range(1, NODES + 1):
        states = tuple(combinations(range(number + 1), 2))
        names = ("two_back", "previous", *(f"node{earlier}" for earlier in range(1, number)))
        labels = tuple(f"{names[left]}+{names[right]}" for left, right in states)
        path = f"{name}.node{number}"
        nodes.append(
            (
                choice(*states, name=f"{path}.states", labels=labels) if number > 1 else states[0],
                choice(*OPS, name=f"{path}.first_op"),
                choice(*OPS, name=f"{path}.second_op"),
            )
        )
    return DartsCell(tuple(nodes))
