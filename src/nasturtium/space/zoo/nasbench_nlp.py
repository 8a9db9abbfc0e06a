"""NAS-Bench-NLP: recurrent cells as graphs of operations (Klyuchnikov et al. 2020, arXiv:2006.07116)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from nasturtium.errors import SpaceError
from nasturtium.space.block import Block, unknown_op
from nasturtium.space.choice import choice
from nasturtium.space.graph import INPUT, OUTPUT, Graph
from nasturtium.space.space import Space
from nasturtium.space.wiring import Value, Wiring

OPS = (
    *("linear", "blend", "elementwise_prod", "elementwise_sum"),
    *("activation_tanh", "activation_sigm", "activation_leaky_relu"),
)
_NODE = re.compile(r"(?P<name>[^=()]+)=(?P<op>\w+)\((?P<inputs>[^()]*)\)")


@dataclass(frozen=True)
class RecurrentCell(Block):
    """One step of a recurrent network: from the word ``x`` and the states ``h_prev_j`` to ``h_new_j``.

    Attributes:
        nodes: Per node its name, its operation and the nodes that it reads, in an order in which they can
            run; those called ``h_new_j`` are the new states.
    """

    nodes: tuple[tuple[str, str, tuple[str, ...]], ...]

    def wire(self, net: Wiring, x: Value) -> Value:
        """Raises SpaceError: the networks here are for images, and the cell is known by its table alone."""
        raise SpaceError("a recurrent cell of NAS-Bench-NLP cannot be built; look it up in its table")

    def graph(self) -> Graph:
        """The cell with operations on nodes; the word and the old states are nodes behind the input."""
        known = {name for name, _, _ in self.nodes}
        read = dict.fromkeys(name for _, _, inputs in self.nodes for name in inputs if name not in known)
        names = (INPUT, *sorted(read), *(name for name, _, _ in self.nodes), OUTPUT)
        ops = (INPUT, *map(_source, sorted(read)), *(op for _, op, _ in self.nodes), OUTPUT)
        number = {name: i for i, name in enumerate(names)}
        edges = [(0, number[name]) for name in read]
        edges += [(number[one], number[name]) for name, _, inputs in self.nodes for one in inputs]
        edges += [(number[name], len(names) - 1) for name in known if name.startswith("h_new")]
        return Graph(names, ops, tuple(sorted(edges)))

    @property
    def label(self) -> str:
        """For example ``recurrent cell of 13 nodes``."""
        return f"recurrent cell of {len(self.nodes)} nodes"


def cell(text: str) -> RecurrentCell:
    """Returns the cell of a line such as ``f=linear(x,h_prev_0) h_new_0=activation_tanh(f)``.

    Raises:
        SpaceError: It is not such a line, or its nodes read each other in a circle.
        UnknownOp: An operation that the benchmark does not have.
    """
    waiting: dict[str, tuple[str, tuple[str, ...]]] = {}
    for word in text.split():
        node = _NODE.fullmatch(word)
        if node is None or node["name"] in waiting:
            raise SpaceError(f"{word!r} in a cell: write each node once, as name=op(input,input)")
        if node["op"] not in OPS:
            raise unknown_op("NAS-Bench-NLP cell", node["op"], OPS)
        waiting[node["name"]] = node["op"], tuple(node["inputs"].split(","))
    nodes = []
    while waiting:
        ready = [name for name, (_, inputs) in waiting.items() if not waiting.keys() & set(inputs)]
        if not ready:
            raise SpaceError(f"the nodes {', '.join(waiting)} of a cell read each other in a circle")
        nodes += [(name, *waiting.pop(name)) for name in ready]
    return RecurrentCell(tuple(nodes))


def nasbench_nlp(cells: Sequence[str], labels: Sequence[str]) -> Space:
    """Returns the space of some recorded cells, one decision between them all.

    The benchmark drew its cells at random from a space far larger than its table, so there is no smaller
    decision whose options are all known. What a search can learn from is `encode.graph`.

    Args:
        cells: As `cell` reads them.
        labels: What to call each.
    """
    options = choice(*map(cell, cells), name="cell", labels=tuple(labels))
    return Space(options, name="nasbench_nlp", input_shape=(1,), outputs=1)


def _source(name: str) -> str:
    return "x" if name == "x" else "h_prev"
