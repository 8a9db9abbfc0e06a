"""From a mixture to one architecture: the strongest option of each decision, or edges of each node.

A decision whose path ends in ``.nodeN.fromM`` and that has an option ``none`` or ``off`` is an edge of a node
that sums all its edges (`space/zoo/darts_search.py`). Of such a node the two strongest edges stay. Options
called ``off`` or ``all`` say what only a derived cell can be: they are never mixed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nasturtium.architecture import Architecture, Mixture
from nasturtium.space.decisions import exists
from nasturtium.space.space import Space

NONE, OFF, ALL = "none", "off", "all"
NEVER_MIXED = (OFF, ALL)
_EDGE = re.compile(r"(?P<node>.*\.node\d+)\.from(?P<start>\d+)")


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge into a node.

    Attributes:
        decision: Number of the decision on its operation.
        start: Number of the state that it reads.
        labels: Of its operations.
    """

    decision: int
    start: int
    labels: tuple[str, ...]

    @property
    def absent(self) -> int:
        """The option by which the edge is not there."""
        return self.labels.index(OFF if OFF in self.labels else NONE)

    @property
    def operations(self) -> tuple[int, ...]:
        """The options that do something."""
        return tuple(i for i, label in enumerate(self.labels) if label not in (NONE, OFF))


def derived(space: Space, mixture: Mixture, *, edges: int = 2) -> Architecture:
    """Returns the architecture that a mixture stands for.

    Of a decision it is the option with the largest weight; an edge of a node keeps its strongest operation
    besides ``none``, if it is among the `edges` strongest of its node, and is absent otherwise (Liu et al.
    2019, DARTS, section 2.4, arXiv:1806.09055). The strength of an edge is the weight of that operation,
    times its weight in the node's decision ``.edges``, where there is one (Xu et al. 2020, PC-DARTS,
    section 3.3, arXiv:1907.05737); that decision's option ``all`` sums the edges that stay.

    Args:
        space: Of the mixture.
        mixture: Weights, of which only the order counts.
        edges: Kept of each node.
    """
    choices = [max(range(len(row)), key=row.__getitem__) for row in mixture.weights]
    for node, incoming in edges_of(space).items():
        weighing = _weighing(space, node)
        shares = mixture.weights[weighing] if weighing is not None else (1.0,) * len(incoming)
        found = []
        for share, edge in zip(shares, incoming, strict=False):
            option, weight = strongest(mixture, edge)
            found.append((share * weight, edge, option))
        keep = sorted(found, key=lambda one: (-one[0], one[1].start))[:edges]
        for _, edge, _ in found:
            choices[edge.decision] = edge.absent
        for _, edge, option in keep:
            choices[edge.decision] = option
        if weighing is not None:
            choices[weighing] = space.decisions[weighing].labels.index(ALL)
    return settled(space, choices)


def strongest(mixture: Mixture, edge: Edge) -> tuple[int, float]:
    """Returns the strongest operation of an edge besides ``none``, and its weight."""
    row = mixture.weights[edge.decision]
    option = max(edge.operations, key=row.__getitem__)
    return option, row[option]


def edges_of(space: Space) -> Mapping[str, Sequence[Edge]]:
    """Returns the edges into each node, by the node's path, in order; none of a space without such nodes."""
    nodes: dict[str, list[Edge]] = {}
    for number, decision in enumerate(space.decisions):
        match = _EDGE.fullmatch(decision.path)
        if match and {NONE, OFF} & set(decision.labels) and set(decision.labels) - {NONE, OFF}:
            edge = Edge(number, int(match["start"]), decision.labels)
            nodes.setdefault(match["node"], []).append(edge)
    return {node: sorted(edges, key=lambda edge: edge.start) for node, edges in nodes.items()}


def settled(space: Space, choices: list[int]) -> Architecture:
    """Returns the architecture of these options; decisions that do not exist in it are 0."""
    for number, decision in enumerate(space.decisions):  # each comes after those that it depends on
        if not exists(decision.places, choices):
            choices[number] = 0
    return Architecture(space.fingerprint, tuple(choices))


def _weighing(space: Space, node: str) -> int | None:
    """The decision on the weights of a node's edges."""
    paths = [decision.path for decision in space.decisions]
    return paths.index(f"{node}.edges") if f"{node}.edges" in paths else None
