"""A small graph with operations on its nodes: what a cell or a chain of blocks is to a predictor."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasturtium.errors import SpaceError

INPUT, OUTPUT = "input", "output"


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes in an order in which they can run: node 0 is the input, the last one the output.

    Attributes:
        names: Which node it is, for example ``0>1``; the same in every architecture of a cell.
        ops: What each node does; ``input`` and ``output`` at the ends.
        edges: Pairs (from, to) of node numbers, from < to.
    """

    names: tuple[str, ...]
    ops: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]

    def adjacency(self, nodes: int = 0) -> NDArray[np.int8]:
        """Returns 1 for an edge from row to column, [n, n]; n is `nodes`, at least those there are."""
        size = max(nodes, len(self.ops))
        matrix = np.zeros((size, size), dtype=np.int8)
        for start, end in self.edges:
            matrix[start, end] = 1
        return matrix

    def operations(self, vocabulary: tuple[str, ...], nodes: int = 0) -> NDArray[np.int8]:
        """Returns 1 at each node's operation, [n, vocabulary]; rows beyond the nodes there are stay 0.

        Raises:
            SpaceError: An operation is not in the vocabulary.
        """
        matrix = np.zeros((max(nodes, len(self.ops)), len(vocabulary)), dtype=np.int8)
        for node, op in enumerate(self.ops):
            if op not in vocabulary:
                raise SpaceError(f"{op!r} is not in the vocabulary {', '.join(vocabulary)}; add it")
            matrix[node, vocabulary.index(op)] = 1
        return matrix

    def paths(self, dead: tuple[str, ...] = ()) -> tuple[tuple[int, ...], ...]:
        """Returns all routes from input to output, the ends left out, that pass no node with a `dead` op."""
        last = len(self.ops) - 1
        found: list[tuple[int, ...]] = []

        def follow(node: int, route: tuple[int, ...]) -> None:
            for start, end in self.edges:
                if start == node and end == last:
                    found.append(route)
                elif start == node and self.ops[end] not in dead:
                    follow(end, (*route, end))

        follow(0, ())
        return tuple(sorted(found, key=lambda route: (len(route), route)))


def chain_graph(names: tuple[str, ...], ops: tuple[str, ...]) -> Graph:
    """Returns a graph of nodes one after another, between an input and an output."""
    return Graph(
        (INPUT, *names, OUTPUT), (INPUT, *ops, OUTPUT), tuple((i, i + 1) for i in range(len(ops) + 1))
    )
