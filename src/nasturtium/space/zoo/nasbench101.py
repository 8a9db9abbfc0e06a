"""NAS-Bench-101: cells that are graphs of at most seven vertices and nine edges (Ying et al. 2019)."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import md5
from itertools import combinations
from typing import Any, NamedTuple

from nasturtium.architecture import Architecture
from nasturtium.errors import SpaceError
from nasturtium.space.block import Block, repeat, unknown_op
from nasturtium.space.blocks import classifier, conv, max_pool
from nasturtium.space.choice import choice
from nasturtium.space.graph import Graph
from nasturtium.space.space import Space
from nasturtium.space.wiring import Value, Wiring
from nasturtium.space.zoo import check_size

# In the order that the benchmark's hash numbers them.
OPS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
INPUT, OUTPUT = "input", "output"
VERTICES, MOST_EDGES = 7, 9
EDGES = tuple((start, end) for end in range(VERTICES) for start in range(end))


class Spec(NamedTuple):
    """A cell without the vertices that no path from input to output passes.

    Attributes:
        ops: Per vertex what it does; ``input`` first, ``output`` last.
        edges: Pairs (from, to) of vertices, from < to, sorted.
    """

    ops: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]

    def before(self, vertex: int) -> list[int]:
        """Returns the vertices that lead to one."""
        return [start for start, end in self.edges if end == vertex]

    def after(self, vertex: int) -> list[int]:
        """Returns the vertices that one leads to."""
        return [end for start, end in self.edges if start == vertex]


def pruned(ops: Sequence[str], edges: Sequence[tuple[int, int]]) -> Spec | None:
    """Returns the cell without idle vertices; None where no path leads from input to output.

    Args:
        ops: Per vertex what it does, input and output included.
        edges: Pairs (from, to), from < to.
    """
    last = len(ops) - 1
    reached, reaching = {0}, {last}
    for start, end in sorted(edges):
        if start in reached:
            reached.add(end)
    for start, end in sorted(edges, reverse=True):
        if end in reaching:
            reaching.add(start)
    kept = sorted(reached & reaching)
    if not {0, last} <= set(kept):
        return None
    number = {vertex: i for i, vertex in enumerate(kept)}
    left = {(number[start], number[end]) for start, end in edges if start in number and end in number}
    return Spec(tuple(ops[vertex] for vertex in kept), tuple(sorted(left)))


def module_hash(spec: Spec) -> str:
    """Returns the benchmark's name of a cell: equal for isomorphic ones (Ying et al. 2019, section 2.2).

    Each vertex starts from its numbers of edges and its label, and takes in the hashes of its neighbours as
    often as there are vertices; the names of the official file are made so.
    """
    labels = [-1, *(OPS.index(op) for op in spec.ops[1:-1]), -2]
    vertices = range(len(spec.ops))
    before, after = [spec.before(v) for v in vertices], [spec.after(v) for v in vertices]
    hashes = [_md5(str((len(after[v]), len(before[v]), labels[v]))) for v in vertices]
    for _ in vertices:
        hashes = [
            _md5(
                "|".join(
                    (
                        "".join(sorted(hashes[other] for other in before[v])),
                        "".join(sorted(hashes[other] for other in after[v])),
                        hashes[v],
                    )
                )
            )
            for v in vertices
        ]
    return _md5(str(sorted(hashes)))


def channels_of(spec: Spec, inputs: int, outputs: int) -> list[int]:
    """Returns the channels of each vertex.

    Those that lead to the output share its channels, the first ones taking one more where that does not go
    up; any other has as many as the widest that it leads to.
    """
    last = len(spec.ops) - 1
    channels = [inputs, *[0] * (last - 1), outputs]
    sharing = [vertex for vertex in spec.before(last) if vertex]
    for number, vertex in enumerate(sharing):
        channels[vertex] = outputs // len(sharing) + (number < outputs % len(sharing))
    for vertex in range(last - 1, 0, -1):
        if vertex not in sharing:
            channels[vertex] = max(channels[other] for other in spec.after(vertex))
    return channels


@dataclass(frozen=True)
class Cell101(Block):
    """The cell. A vertex sums what leads to it; the output has it side by side, and the input added.

    Attributes:
        out: Channels of the output.
        edges: Nine pairs of vertices (from, to); one that is named twice is one edge.
        ops: Operations of the five inner vertices.
    """

    out: int
    edges: tuple[Any, ...]
    ops: tuple[Any, ...]

    def spec(self) -> Spec:
        """Returns the cell pruned; where nothing leads from input to output, it is the edge between them.

        Differs: the benchmark has no cell for a graph without such a path.
        """
        return pruned((INPUT, *self.ops, OUTPUT), tuple(set(self.edges))) or Spec((INPUT, OUTPUT), ((0, 1),))

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes the vertices in order; what comes from the input passes a 1x1 convolution."""
        spec = self.spec()
        last = len(spec.ops) - 1
        channels = channels_of(spec, x.channels, self.out)
        values = [x]
        for vertex in range(1, last):
            with net.scope(f"vertex{vertex}"):
                inner = [self._cut(net, values[v], channels[vertex]) for v in spec.before(vertex) if v]
                given = [self._projected(net, x, channels[vertex])] if 0 in spec.before(vertex) else []
                values.append(self._operate(net, net.add(*inner, *given), spec.ops[vertex]))
        with net.scope("output"):
            inner = [values[v] for v in spec.before(last) if v]
            given = [self._projected(net, x, self.out)] if 0 in spec.before(last) else []
            return net.add(*([net.concat(*inner)] if inner else []), *given)

    def _operate(self, net: Wiring, x: Value, op: str) -> Value:
        if op not in OPS:
            raise unknown_op("NAS-Bench-101 cell", op, OPS)
        if op == "maxpool3x3":
            return net.pool(x, "max", 3)
        with net.scope("", op):
            return net.act(net.norm(net.conv(x, x.channels, 3 if op == "conv3x3-bn-relu" else 1)))

    def _projected(self, net: Wiring, x: Value, channels: int) -> Value:
        with net.scope("projection"):
            return net.act(net.norm(net.conv(x, channels)))

    def _cut(self, net: Wiring, x: Value, channels: int) -> Value:
        """One channel is too many where the output's could not be shared evenly."""
        return x if x.channels == channels else net.pad(x, channels=channels - x.channels, name="cut")

    def canonical(self) -> object:
        """The benchmark's hash."""
        return module_hash(self.spec())

    def graph(self) -> Graph:
        """The pruned cell."""
        spec = self.spec()
        names = (INPUT, *(f"vertex{vertex}" for vertex in range(1, len(spec.ops) - 1)), OUTPUT)
        return Graph(names, spec.ops, spec.edges)

    @property
    def label(self) -> str:
        """For example ``cell -> 256``."""
        return f"cell -> {self.out}"


def nasbench101(size: str = "small") -> Space:
    """Returns the space of the benchmark: 423,624 different cells.

    A cell is encoded as nine edges, each one of 21, and five operations, as in the space B of Klein and
    Hutter 2019 (arXiv:1905.04970): every architecture keeps the limit of nine edges, and the same cell has
    many encodings, which `Space.canonical` knows to be one.

    Args:
        size: ``published`` has 128, 256, 512 channels and 3 cells a stack (params equal the table's);
            ``small`` has an eighth of the channels and one cell a stack.
    """
    check_size(size)
    width, cells = (128, 3) if size == "published" else (16, 1)
    labels = tuple(f"{start}>{end}" for start, end in EDGES)
    edges = tuple(choice(*EDGES, name=f"edge{i}", labels=labels) for i in range(1, MOST_EDGES + 1))
    ops = tuple(choice(*OPS, name=f"op{i}") for i in range(1, VERTICES - 1))
    return Space(
        stem=conv(width),
        stack1=repeat(Cell101(width, edges, ops), cells),
        down1=max_pool(2, stride=2),
        stack2=repeat(Cell101(2 * width, edges, ops), cells),
        down2=max_pool(2, stride=2),
        stack3=repeat(Cell101(4 * width, edges, ops), cells),
        classifier=classifier(),
        name="nasbench101" if size == "small" else "nasbench101-published",
        input_shape=(3, 32, 32),
        outputs=10,
    )


def spec_of(space: Space, architecture: Architecture) -> Spec:
    """Returns the pruned cell of an architecture."""
    return next(block for _, block in space.blocks(architecture) if isinstance(block, Cell101)).spec()


def from_matrix(space: Space, matrix: Sequence[Sequence[int]], ops: Sequence[str]) -> Architecture:
    """Returns the architecture of a cell as the benchmark writes it.

    Args:
        space: What `nasbench101` returns.
        matrix: 1 for an edge from row to column, upper triangular, [vertices, vertices], up to 7.
        ops: Per vertex what it does; ``input`` first, ``output`` last.

    Raises:
        SpaceError: More than 7 vertices or 9 edges, or nothing leads from input to output.
        UnknownOp: An operation that the benchmark does not have.
    """
    given = [(i, j) for i, j in combinations(range(len(ops)), 2) if matrix[i][j]]
    for op in ops[1:-1]:
        if op not in OPS:
            raise unknown_op("NAS-Bench-101 cell", op, OPS)
    spec = pruned(ops, given)
    if spec is None or len(spec.ops) > VERTICES or len(spec.edges) > MOST_EDGES:
        raise SpaceError(
            f"a cell of {len(ops)} vertices and edges {given}: one of NAS-Bench-101 has a path from input to "
            f"output, and at most {VERTICES} vertices and {MOST_EDGES} edges on such paths"
        )
    last = len(spec.ops) - 1
    place = {last: VERTICES - 1}
    edges = [(start, place.get(end, end)) for start, end in spec.edges]
    options = [EDGES.index(edge) for edge in edges + edges[-1:] * (MOST_EDGES - len(edges))]
    inner = [OPS.index(op) for op in spec.ops[1:-1]]
    return Architecture(space.fingerprint, (*options, *inner, *[0] * (VERTICES - 2 - len(inner))))


def _md5(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()
