"""NAS-Bench-201: one cell of four nodes and six edges (Dong & Yang 2020, arXiv:2001.00326)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from nasturtium.architecture import Architecture
from nasturtium.errors import SpaceError
from nasturtium.space.block import Block, repeat, unknown_op
from nasturtium.space.blocks import conv
from nasturtium.space.choice import choice
from nasturtium.space.graph import INPUT, OUTPUT, Graph
from nasturtium.space.space import Space
from nasturtium.space.wiring import Value, Wiring
from nasturtium.space.zoo import check_size

OPS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))


@dataclass(frozen=True)
class Cell201(Block):
    """The cell: node 0 is the input, node 3 the output, and every node the sum of its incoming edges.

    Attributes:
        ops: One operation per edge, in the order (0,1), (0,2), (1,2), (0,3), (1,3), (2,3).
    """

    ops: tuple[Any, ...]
    mixes: ClassVar[bool] = True

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes the edges node by node; an edge of ``none`` adds nothing."""
        nodes = [x]
        for node in (1, 2, 3):
            with net.scope(f"node{node}"):
                edges = [
                    self._edge(net, nodes[start], op, start)
                    for (start, end), op in zip(EDGES, self.ops, strict=True)
                    if end == node
                ]
                incoming = [edge for edge in edges if edge is not None]
                nodes.append(net.add(*incoming) if incoming else net.zero(x))
        return nodes[-1]

    def _edge(self, net: Wiring, x: Value, op: Any, start: int) -> Value | None:
        with net.scope(f"from{start}"):
            return net.mixed(op, partial(self._operate, net, x))

    def _operate(self, net: Wiring, x: Value, op: str) -> Value | None:
        if op not in OPS:
            raise unknown_op("NAS-Bench-201 cell", op, OPS)
        if op == "none":
            return None
        if op == "skip_connect":
            return x
        if op == "avg_pool_3x3":
            return net.pool(x, "avg", 3)
        return net.norm(net.conv(net.act(x), x.channels, 1 if op == "nor_conv_1x1" else 3))

    def canonical(self) -> object:
        """The output as an expression of the input (0), as the benchmark counts its 6,466 unique cells.

        Terms of a sum are sorted, skips seen through, and an edge that carries zeros is written #. Like the
        benchmark's, it is sound but not complete: # + x is kept apart from x, and a sum skipped into a sum is
        not sorted again. The partition depends on how terms sort, so the form of a term, ``(input)@op``, is
        the benchmark's own.
        """
        values = ["0"]
        for node in (1, 2, 3):
            incoming = [
                _term(op, values[start])
                for (start, end), op in zip(EDGES, self.ops, strict=True)
                if end == node
            ]
            values.append("+".join(sorted(incoming)))
        return values[-1]

    def graph(self) -> Graph:
        """The cell with operations on nodes: input, the six edges, output (as in NASLib and BANANAS)."""
        nodes = {edge: i for i, edge in enumerate(EDGES, 1)}
        edges = [
            (i, nodes[follower]) for (_, end), i in nodes.items() for follower in EDGES if follower[0] == end
        ]
        edges += [(0, i) for (start, _), i in nodes.items() if start == 0]
        edges += [(i, len(EDGES) + 1) for (_, end), i in nodes.items() if end == 3]
        names = (INPUT, *(f"{start}>{end}" for start, end in EDGES), OUTPUT)
        return Graph(names, (INPUT, *self.ops, OUTPUT), tuple(sorted(edges)))

    @property
    def label(self) -> str:
        """``cell``: the drawing shows its edges."""
        return "cell"


@dataclass(frozen=True)
class Reduction201(Block):
    """The residual block between stages: two 3x3 convolutions, the first of stride 2, and a pooled shortcut.

    Attributes:
        out: Channels of the output.
    """

    out: int

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes ReLU-conv-norm twice, and 2x2 average pooling with a 1x1 convolution beside it."""
        with net.scope("first"):
            y = net.norm(net.conv(net.act(x), self.out, 3, stride=2))
        with net.scope("second"):
            y = net.norm(net.conv(net.act(y), self.out, 3))
        with net.scope("shortcut"):
            x = net.conv(net.pool(x, "avg", 2, stride=2), self.out)
        return net.add(x, y)

    @property
    def label(self) -> str:
        """For example ``residual -> 32, stride 2``."""
        return f"residual -> {self.out}, stride 2"


@dataclass(frozen=True)
class Head201(Block):
    """The end: norm, ReLU, mean over the picture, one linear layer."""

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes the four."""
        return net.linear(net.flatten(net.global_pool(net.act(net.norm(x)))), net.outputs)

    @property
    def label(self) -> str:
        """``classifier``."""
        return "classifier"


def nasbench201(size: str = "small") -> Space:
    """Returns the space of the benchmark, 5 ** 6 = 15,625 architectures; 6,466 of them differ as functions.

    Args:
        size: ``published`` has 16, 32, 64 channels and 5 cells a stage (params and MACs equal the table's);
            ``small`` has half the channels and one cell a stage.
    """
    check_size(size)
    width, cells = (16, 5) if size == "published" else (8, 1)
    cell = Cell201(tuple(choice(*OPS, name=f"edge{start}{end}") for start, end in EDGES))
    return Space(
        stem=conv(width, act="none"),
        stage1=repeat(cell, cells),
        reduce1=Reduction201(2 * width),
        stage2=repeat(cell, cells),
        reduce2=Reduction201(4 * width),
        stage3=repeat(cell, cells),
        head=Head201(),
        name="nasbench201",
        input_shape=(3, 32, 32),
        outputs=10,
    )


def to_string(architecture: Architecture) -> str:
    """Returns the benchmark's own name, such as ``|nor_conv_3x3~0|+|none~0|skip_connect~1|+|...|``."""
    ops = iter(architecture.choices)
    nodes = ("|".join(f"{OPS[next(ops)]}~{start}" for start in range(end)) for end in (1, 2, 3))
    return "+".join(f"|{node}|" for node in nodes)


def from_string(space: Space, text: str) -> Architecture:
    """Returns the architecture that the benchmark calls `text`."""
    words = [word.rpartition("~") for node in text.split("+") for word in node.strip("|").split("|")]
    if [start for _, _, start in words] != [str(start) for start, _ in EDGES]:
        raise SpaceError(f"{text!r} is not a NAS-Bench-201 name, such as {to_string(space.unrank(0))}")
    return from_ops(space, [op for op, _, _ in words])


def from_ops(space: Space, ops: Sequence[str]) -> Architecture:
    """Returns the architecture with these six operations, in the order of `EDGES`."""
    if len(ops) != len(EDGES):
        raise SpaceError(f"{len(ops)} operations {list(ops)} for a cell of {len(EDGES)} edges; give one each")
    for op in ops:
        if op not in OPS:
            raise unknown_op("NAS-Bench-201 cell", op, OPS)
    return Architecture(space.fingerprint, tuple(OPS.index(op) for op in ops))


def _term(op: str, value: str) -> str:
    if op == "none" or value == "#":
        return "#"
    return value if op == "skip_connect" else f"({value})@{op}"
