"""Architectures as numbers: vectors, tokens and graphs for predictors, and back where that is possible.

What to take: `one_hot` for linear models and trees, `ordinal` for kernels on indices, `tokens` for sequence
models, `graph` for graph networks, `PathEncoding` for small training sets of cells (White et al. 2021,
arXiv:1910.11858).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Architecture
from nasturtium.errors import SpaceError
from nasturtium.space.graph import Graph, chain_graph
from nasturtium.space.plan import leaves
from nasturtium.space.settings import Settings
from nasturtium.space.space import Space

PADDING = 0


def ordinal(space: Space, architecture: Architecture) -> NDArray[np.int64]:
    """Returns the option taken by each decision, -1 where it does not exist: [decisions]."""
    active = space.active(architecture)
    return np.array(
        [option if here else -1 for option, here in zip(architecture.choices, active, strict=True)],
        dtype=np.int64,
    )


def from_ordinal(space: Space, vector: Sequence[int] | NDArray[np.int64]) -> Architecture:
    """Returns the architecture that `ordinal` encoded.

    Raises:
        SpaceError: The vector is not of this space, or has an option of a decision that does not exist (or
            lacks one that does).
    """
    options = [int(option) for option in vector]
    architecture = Architecture(space.fingerprint, tuple(max(option, 0) for option in options))
    if architecture not in space or any(
        here != (option >= 0) for here, option in zip(space.active(architecture), options, strict=True)
    ):
        raise SpaceError(
            f"{options} is not an architecture of {space.name}, one option per decision, -1 for none"
        )
    return architecture


def one_hot(space: Space, architecture: Architecture) -> NDArray[np.float64]:
    """Returns 1 at each option taken, decision after decision, 0 elsewhere: [options of all decisions]."""
    vector = np.zeros(sum(_sizes(space)))
    for start, option, here in zip(
        _starts(space), architecture.choices, space.active(architecture), strict=True
    ):
        if here:
            vector[start + option] = 1
    return vector


def from_one_hot(space: Space, vector: Sequence[float] | NDArray[np.float64]) -> Architecture:
    """Returns the architecture that `one_hot` encoded.

    Raises:
        SpaceError: The vector has another length, or does not take one option of each decision that exists.
    """
    values = np.asarray(vector, dtype=np.float64)
    if values.shape != (sum(_sizes(space)),):
        raise SpaceError(
            f"a one-hot vector of {space.name} is [{sum(_sizes(space))}], not {list(values.shape)}"
        )
    parts = [values[start : start + size] for start, size in zip(_starts(space), _sizes(space), strict=True)]
    if not all(set(part.tolist()) <= {0.0, 1.0} and part.sum() <= 1 for part in parts):
        raise SpaceError(f"a one-hot vector of {space.name} has at most one 1 per decision, and 0 elsewhere")
    return from_ordinal(space, [int(part.argmax()) if part.any() else -1 for part in parts])


def num_tokens(space: Space) -> int:
    """Returns the size of the vocabulary of `tokens`: padding, and one per option of each decision."""
    return 1 + sum(_sizes(space))


def tokens(space: Space, architecture: Architecture) -> NDArray[np.int64]:
    """Returns the architecture as a sentence: a token per decision that exists, then padding.

    Returns:
        [decisions]; 0 is padding, 1 + i stands for entry i of `one_hot`: a token says decision and option.
    """
    rows = zip(_starts(space), architecture.choices, space.active(architecture), strict=True)
    words = [1 + start + option for start, option, here in rows if here]
    return np.array(words + [PADDING] * (len(space.decisions) - len(words)), dtype=np.int64)


def from_tokens(space: Space, sentence: Sequence[int] | NDArray[np.int64]) -> Architecture:
    """Returns the architecture of a sentence of `tokens`, padding and order aside.

    Raises:
        SpaceError: A token that the space does not have, or a sentence that is no architecture.
    """
    vector = np.zeros(sum(_sizes(space)))
    for token in map(int, sentence):
        if not 0 <= token < num_tokens(space):
            raise SpaceError(f"token {token} of {space.name}; there are 0 to {num_tokens(space) - 1}")
        if token != PADDING:
            vector[token - 1] = 1
    return from_one_hot(space, vector)


def graph(space: Space, architecture: Architecture) -> Graph:
    """Returns the architecture as a graph with operations on nodes.

    Of a space whose decisions all belong to one cell (NAS-Bench-201), it is that cell; settings beside the
    cell are not in it. Of any other, it is the chain of its blocks, each with its label as the operation,
    settings too; blocks that do nothing are left out.
    """
    slots, paths = space.slots(architecture), [path for path, _ in space.blocks(architecture)]
    plans = leaves(space.plan, architecture.choices)
    deciding = {slot.block for slot, plan in zip(slots, plans, strict=True) if plan.decisions}
    deciding = {block for block in deciding if not isinstance(block, Settings)}
    cells = {block.graph() for block in deciding}
    if len(cells) == 1 and (cell := cells.pop()) is not None:
        return cell
    rows = [(path, slot.block.label) for path, slot in zip(paths, slots, strict=True) if slot.canonical]
    return chain_graph(tuple(path for path, _ in rows), tuple(label for _, label in rows))


class PathEncoding:
    """One number per route through a cell that could be: 1 where the architecture has it (White et al. 2021).

    On NAS-Bench-201, paths told apart by their operations are 84 (155 with ``none`` as an operation,
    dead=()); told apart by their nodes as well, 100.

    Args:
        space: A space of one cell.
        by_node: Whether the same operations along other nodes are another path.
        dead: Operations through which nothing flows.

    Raises:
        SpaceError: The space is not one of a cell whose nodes are the same in every architecture.
    """

    def __init__(self, space: Space, *, by_node: bool = False, dead: tuple[str, ...] = ("none",)) -> None:
        self.space, self.by_node, self.dead = space, by_node, dead
        first = space.unrank(0)
        graphs = [graph(space, one) for one in (first, *space.neighbours(first))]
        skeleton = graphs[0]
        if any((one.names, one.edges) != (skeleton.names, skeleton.edges) for one in graphs):
            raise SpaceError(
                f"the paths of {space.name} cannot be listed: its graph has not the same nodes in every "
                "architecture; encode it with one_hot or tokens"
            )
        ops = [dict.fromkeys(row) for row in zip(*(one.ops for one in graphs), strict=True)]
        alive = [[op for op in row if op not in dead] for row in ops]
        paths = (
            self._name(skeleton, route, taken)
            for route in skeleton.paths()
            for taken in product(*(alive[node] for node in route))
        )
        self.paths: tuple[tuple[str, ...], ...] = tuple(dict.fromkeys(paths))
        self._numbers = {path: i for i, path in enumerate(self.paths)}

    def __call__(self, architecture: Architecture) -> NDArray[np.float64]:
        """Returns 1 for each path that the architecture has: [paths]."""
        cell = graph(self.space, architecture)
        vector = np.zeros(len(self.paths))
        for route in cell.paths(self.dead):
            vector[self._numbers[self._name(cell, route, [cell.ops[node] for node in route])]] = 1
        return vector

    def _name(self, cell: Graph, route: tuple[int, ...], ops: Sequence[str]) -> tuple[str, ...]:
        return tuple(
            f"{op}@{cell.names[n]}" if self.by_node else op for n, op in zip(route, ops, strict=True)
        )


def _sizes(space: Space) -> list[int]:
    return [len(decision.labels) for decision in space.decisions]


def _starts(space: Space) -> list[int]:
    return [0, *np.cumsum(_sizes(space)).tolist()[:-1]] if space.decisions else []
