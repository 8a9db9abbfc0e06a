"""Where the small graph of one block goes: junctions on a line, the longest way along it, others as arcs."""

from collections.abc import Sequence
from dataclasses import dataclass

from nasturtium.report.blockgraph import Block, Edge, Step

PILL_HEIGHT = 17.0
LEVEL = 23.0
SPACE = 11.0
CORNER = 7.0
LETTER = 6.3


@dataclass(frozen=True, slots=True)
class Pill:
    """A step's box: its middle and its width."""

    x: float
    y: float
    width: float
    step: Step


@dataclass(frozen=True, slots=True)
class Strip:
    """A block's graph, laid out from (0, 0).

    Attributes:
        height: How high it is once scaled.
        scale: What to multiply all by so that it fits the room, at most 1.
        wires: SVG paths of the connections.
        pills: Boxes of the steps.
        junctions: Per junction its place and its sign.
    """

    height: float
    scale: float
    wires: tuple[str, ...]
    pills: tuple[Pill, ...]
    junctions: tuple[tuple[float, float, str], ...]


def lay_out(block: Block, room: float) -> Strip | None:
    """Returns the graph of `block` within `room`; None where it is one step, which the label names."""
    if len(block.edges) < 2 and all(len(edge.steps) < 2 for edge in block.edges):
        return None
    axis, arcs = _split(block.edges)
    levels = _levels(arcs)
    up, down = max([0, *levels]), -min([0, *levels])
    middle = max(up * LEVEL, 3.0) + PILL_HEIGHT / 2
    xs = _columns(len(block.signs), axis, arcs)
    wires, pills = [], []
    for edge in axis:
        wires.append(f"M{xs[edge.start]:g} {middle:g}H{xs[edge.end]:g}")
        pills += _pills(edge, xs, middle)
    for edge, level in zip(arcs, levels, strict=True):
        wires.append(_arc(xs[edge.start], xs[edge.end], middle, middle - level * LEVEL))
        pills += _pills(edge, xs, middle - level * LEVEL)
    scale = min(1.0, room / (xs[-1] + 10))
    height = (middle + down * LEVEL + PILL_HEIGHT / 2 + 6) * scale
    places = tuple((x, middle, sign) for x, sign in zip(xs, block.signs, strict=True))
    return Strip(height, scale, tuple(wires), tuple(pills), places)


def _split(edges: Sequence[Edge]) -> tuple[list[Edge], list[Edge]]:
    """The edges that run along the line, at most one between neighbours, and the others, shortest first."""
    axis: dict[int, Edge] = {}
    for edge in edges:
        if edge.end == edge.start + 1:
            held = axis.get(edge.start)
            axis[edge.start] = edge if held is None or len(edge.steps) > len(held.steps) else held
    along = {id(edge) for edge in axis.values()}
    arcs = [edge for edge in edges if id(edge) not in along]
    return list(axis.values()), sorted(arcs, key=lambda edge: (edge.end - edge.start, edge.start))


def _levels(arcs: Sequence[Edge]) -> list[int]:
    """Level of each arc, positive above the line: the nearest at which it meets no other, above first."""
    levels: list[int] = []
    for number, arc in enumerate(arcs):
        taken = {
            level
            for other, level in zip(arcs[:number], levels, strict=True)
            if other.start < arc.end and arc.start < other.end
        }
        levels.append(next(level for level in _near_first(len(arcs)) if level not in taken))
    return levels


def _near_first(count: int) -> list[int]:
    return [sign * level for level in range(1, count + 1) for sign in (1, -1)]


def _columns(count: int, axis: Sequence[Edge], arcs: Sequence[Edge]) -> list[float]:
    """Where each junction stands: far enough apart for the steps between them."""
    needed = {edge.start: _length(edge) for edge in axis}
    xs = [8.0]
    for gap in range(count - 1):
        here = xs[-1] + max(needed.get(gap, 0.0), 34.0)
        for arc in arcs:
            if arc.end == gap + 1:
                here = max(here, xs[arc.start] + _length(arc) + 2 * CORNER)
        xs.append(here)
    return xs


def _width(step: Step) -> float:
    return LETTER * len(step.text) + 12


def _length(edge: Edge) -> float:
    return sum(_width(step) + SPACE for step in edge.steps) + SPACE + 8


def _pills(edge: Edge, xs: Sequence[float], y: float) -> list[Pill]:
    """The steps of one edge, spread evenly over its length."""
    free = xs[edge.end] - xs[edge.start] - sum(_width(step) for step in edge.steps)
    space = free / (len(edge.steps) + 1)
    pills, x = [], xs[edge.start] + space
    for step in edge.steps:
        pills.append(Pill(x + _width(step) / 2, y, _width(step), step))
        x += _width(step) + space
    return pills


def _arc(start: float, end: float, middle: float, y: float) -> str:
    """A way around: away from the line at `start`, level at `y`, back to the line at `end`."""
    turn = CORNER if y < middle else -CORNER
    return (
        f"M{start:g} {middle:g}V{y + turn:g}Q{start:g} {y:g} {start + CORNER:g} {y:g}"
        f"H{end - CORNER:g}Q{end:g} {y:g} {end:g} {y + turn:g}V{middle:g}"
    )
