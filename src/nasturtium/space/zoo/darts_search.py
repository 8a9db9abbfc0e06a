"""The space that DARTS searches: cells in which every node sums an operation on each earlier state.

Liu, Simonyan and Yang 2019 (arXiv:1806.09055). The cells that are trained in the end keep two edges of each
node; those are the space `darts`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from nasturtium.architecture import Architecture
from nasturtium.errors import SpaceError
from nasturtium.space.block import Block
from nasturtium.space.blocks import classifier
from nasturtium.space.choice import choice
from nasturtium.space.graph import INPUT, OUTPUT, Graph
from nasturtium.space.layers import Term
from nasturtium.space.space import Space
from nasturtium.space.wiring import Blend, Value, Wiring
from nasturtium.space.zoo import check_size
from nasturtium.space.zoo.cells import INPUTS, PairCell, Tower, thirds
from nasturtium.space.zoo.darts import NODES
from nasturtium.space.zoo.darts import OPS as DERIVED
from nasturtium.space.zoo.genotypes import Genotype
from nasturtium.space.zoo.operations import Style, operate

NONE, OFF, SKIP, ALL = "none", "off", "skip_connect", "all"
OPS = (NONE, *DERIVED)
CELLS = ("normal", "reduction")


@dataclass(frozen=True)
class SearchCell(Block):
    """A cell whose nodes sum all their edges; the output is all nodes side by side.

    Attributes:
        ops: Per node, an operation for each state before it.
        edges: Per node, ``all`` to sum the edges, or the number of the only edge that counts; so a mixture
            has a weight for every edge (PC-DARTS).
        partial: One in so many channels goes through the operation, the others past it, and then they are
            shuffled (Xu et al. 2020, PC-DARTS, arXiv:1907.05737, section 3.2); 1 is all.
        skip_dropout: Share of values zeroed behind a skip while training (Chen et al. 2019, P-DARTS,
            arXiv:1904.12760, section 3.3).
    """

    ops: tuple[tuple[Any, ...], ...]
    edges: tuple[Any, ...] = (ALL,) * NODES
    partial: int = 1
    skip_dropout: float = 0.0
    mixes: ClassVar[bool] = True

    def write_cell(
        self, net: Wiring, states: tuple[Value, Value], filters: int, *, stride: int, style: Style
    ) -> Value:
        """Writes the cell; see `cells.Cell.write_cell`."""
        known = list(states)
        for number, (ops, edges) in enumerate(zip(self.ops, self.edges, strict=True), 1):
            with net.scope(f"node{number}"):
                values = []
                for start, op in enumerate(ops):
                    step = stride if start < len(INPUTS) else 1
                    with net.scope(f"from{start}"):
                        values.append(self._edge(net, known[start], op, filters, stride=step, style=style))
                known.append(self._node(net, values, edges, known[0], stride))
        return net.concat(*known[len(INPUTS) :])

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes the cell alone, its input standing for both states."""
        return self.write_cell(net, (x, x), x.channels, stride=1, style="darts")

    def graph(self) -> Graph:
        """The cell with operations on nodes: two states, the edges, output."""
        return _graph({"": self})

    @property
    def label(self) -> str:
        """``cell``: the drawing shows its edges."""
        return "cell"

    def _edge(
        self, net: Wiring, x: Value, op: Any, filters: int, *, stride: int, style: Style
    ) -> Value | None:
        """One edge; None where it carries nothing. Partial channels pass whatever the operation is."""

        def operated(x: Value, op: str) -> Value | None:
            return self._operate(net, x, op, filters // self.partial, stride=stride, style=style)

        if self.partial == 1:
            return net.mixed(op, partial(operated, x))
        parts = [net.take(x, first, self.partial) for first in range(self.partial)]
        past = parts if stride == 1 else [net.pool(part, "max", 2, stride=stride) for part in parts]
        through = net.mixed(op, partial(operated, parts[0]))
        return net.concat(net.zero(past[0]) if through is None else through, *past[1:])

    def _operate(
        self, net: Wiring, x: Value, op: str, filters: int, *, stride: int, style: Style
    ) -> Value | None:
        if op in (NONE, OFF):
            return None
        y = operate(net, x, op, filters, stride=stride, style=style)
        if op == SKIP:
            return net.dropout(y, self.skip_dropout)
        return net.norm(y) if op.endswith("pool_3x3") else y

    def _node(
        self, net: Wiring, values: Sequence[Value | None], edges: Any, like: Value, stride: int
    ) -> Value:
        """The sum of a node's edges, or a mixture of them; zeros, in the shape of `like`, where none are."""
        taken: Sequence[tuple[Term, Any]] = edges.parts if isinstance(edges, Blend) else (((), edges),)
        terms = [
            (term, value)
            for term, one in taken
            for start, value in enumerate(values)
            if value is not None and one in (ALL, start)
        ]
        if isinstance(edges, Blend) and terms:
            mixed = net.mix(terms, name="edges")
            assert mixed is not None
            return mixed
        if terms:
            return net.add(*(value for _, value in terms))
        return net.zero(net.pool(like, "max", 3, stride=stride) if stride > 1 else like)


@dataclass(frozen=True)
class SearchTower(Tower):
    """A tower of search cells."""

    def graph(self) -> Graph:
        """The cells side by side as one graph, the names of nodes beginning with their cell's."""
        return _graph({"normal.": self.normal, "reduction.": self.reduction})


def darts_search(size: str = "small") -> Space:
    """Returns the space of DARTS: 14 edges of 8 operations in a normal cell and in a reduction.

    What is derived from a mixture (`strategy.derive`) has two edges a node and ``none`` on the others:
    `to_genotype`.

    Args:
        size: Of 8 cells, two of them reductions: ``published`` has 16 filters, ``small`` has 4.
    """
    check_size(size)
    filters, name = (4, "darts_search") if size == "small" else (16, "darts_search-published")
    return darts_search_of(filters, thirds(8), name)


def pc_darts_search(size: str = "small") -> Space:
    """Returns the space of PC-DARTS: a quarter of the channels is operated on, and edges have weights.

    Xu et al. 2020 (arXiv:1907.05737). An edge of ``none`` still passes three quarters of the channels.

    Args:
        size: Of 8 cells, two of them reductions: ``published`` has 16 filters, ``small`` has 8.
    """
    check_size(size)
    filters, name = (8, "pc_darts_search") if size == "small" else (16, "pc_darts_search-published")
    return darts_search_of(filters, thirds(8), name, partial=4, edges=True)


def darts_search_of(
    filters: int,
    layout: tuple[bool, ...],
    name: str,
    *,
    ops: Sequence[str] | Mapping[str, Sequence[str]] = OPS,
    partial: int = 1,
    edges: bool = False,
    skip_dropout: float = 0.0,
) -> Space:
    """Returns the space in networks of another size, or with fewer operations.

    Args:
        filters: Channels of a state in the first stage.
        layout: Per cell from below, whether it is a reduction.
        name: Of the space.
        ops: Operations of all edges, or by path (``normal.node2.from0``); an edge that is not named has all
            8. One without ``none`` also has ``off``, for derived cells.
        partial: See `SearchCell`.
        edges: Whether the edges of a node have weights.
        skip_dropout: See `SearchCell`.

    Raises:
        SpaceError: The filters cannot be cut in `partial` parts.
    """
    if partial < 1 or filters % partial:
        raise SpaceError(f"{filters} filters cannot be cut in {partial} parts of one size")
    normal, reduction = (_cell(cell, ops, edges, partial, skip_dropout) for cell in CELLS)
    return Space(
        cells=SearchTower(normal, reduction, filters, layout, stem=3 * filters, style="darts"),
        classifier=classifier(),
        name=name,
        input_shape=(3, 32, 32),
        outputs=10,
    )


def to_genotype(space: Space, architecture: Architecture, name: str = "genotype") -> Genotype:
    """Returns the cells of an architecture of which every node has two edges, for the networks of the paper.

    Raises:
        SpaceError: A node has another number of edges.
    """
    (tower,) = (block for _, block in space.blocks(architecture) if isinstance(block, SearchTower))
    normal, reduction = (_pairs(cell) for cell in (tower.normal, tower.reduction))
    return Genotype(name, normal, reduction, filters=36, layout=thirds(20), style="darts")


def _pairs(cell: SearchCell) -> PairCell:
    blocks = []
    for number, (ops, edges) in enumerate(zip(cell.ops, cell.edges, strict=True), 1):
        kept = [
            (start, op) for start, op in enumerate(ops) if op not in (NONE, OFF) and edges in (ALL, start)
        ]
        if len(kept) != len(INPUTS):
            raise SpaceError(
                f"node {number} has {len(kept)} edges; a genotype has 2 of each: derive it first"
            )
        (left, left_op), (right, right_op) = kept
        blocks.append((left, left_op, right, right_op, "add"))
    return PairCell(tuple(blocks), output="all")


def _cell(
    cell: str,
    given: Sequence[str] | Mapping[str, Sequence[str]],
    edges: bool,
    partial: int,
    skip_dropout: float,
) -> SearchCell:
    ops, weights = [], []
    for number in range(1, NODES + 1):
        node, starts = f"{cell}.node{number}", range(number + 1)
        ops.append(tuple(_edge_choice(f"{node}.from{start}", given) for start in starts))
        labels = (*(f"from{start}" for start in starts), ALL)
        weights.append(choice(*starts, ALL, name=f"{node}.edges", labels=labels) if edges else ALL)
    return SearchCell(tuple(ops), tuple(weights), partial, skip_dropout)


def _edge_choice(path: str, given: Sequence[str] | Mapping[str, Sequence[str]]) -> Any:
    ops = tuple(given.get(path, OPS)) if isinstance(given, Mapping) else tuple(given)
    return choice(*ops, *(() if NONE in ops else (OFF,)), name=path)


def _graph(cells: Mapping[str, SearchCell]) -> Graph:
    """The edges of all cells as nodes, between one input and one output."""
    names, ops, links = [INPUT], [INPUT], list[tuple[int, int]]()
    ends: list[int] = []

    def add(name: str, op: str, sources: Sequence[int]) -> int:
        links.extend((source, len(ops)) for source in sources)
        names.append(name)
        ops.append(op)
        return len(ops) - 1

    for begin, cell in cells.items():
        made = [[add(begin + given, given, [0])] for given in INPUTS]
        for number, (node, edges) in enumerate(zip(cell.ops, cell.edges, strict=True), 1):
            found = [
                add(f"{begin}node{number}.from{start}", op, made[start])
                for start, op in enumerate(node)
                if edges in (ALL, start)
            ]
            made.append(found)
        ends += [edge for found in made[len(INPUTS) :] for edge in found]
    links += [(end, len(ops)) for end in ends]
    return Graph((*names, OUTPUT), (*ops, OUTPUT), tuple(sorted(set(links))))
