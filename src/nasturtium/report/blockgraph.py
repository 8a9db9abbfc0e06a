"""A network as a reader sees it: a few blocks in a row, each a small graph of steps between junctions.

A convolution, its normalisation and its activation are one step. A junction is a place where the flow splits
or meets: a block's input, a sum, a product, a concatenation, its output. Equal blocks in a row are
shown once, with their number.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

from nasturtium.cost.counts import counts
from nasturtium.space.layers import (
    Add,
    Attention,
    BlockSpan,
    Concat,
    Conv2d,
    Custom,
    Embed,
    GlobalPool,
    LastToken,
    Layer,
    Linear,
    Multiply,
    Network,
    Pool,
    Resize,
    Shape,
    Sides,
    Take,
    TokenMean,
    Zero,
    both,
)

Kind = Literal["conv", "depthwise", "pointwise", "pool", "linear", "attention", "custom", "plain"]
SIGNS = {Add: "+", Multiply: "\N{MULTIPLICATION SIGN}", Concat: "\N{PARALLEL TO}"}
TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True, slots=True)
class Step:
    """One operation worth showing, with what follows it of normalisation and activation."""

    text: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Edge:
    """The steps between two junctions of a block; without steps it is a skip connection."""

    start: int
    end: int
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a network, or several equal ones in a row.

    Attributes:
        path: Dotted path of the (first) block.
        label: What a reader calls it.
        shape: Output shape, without the batch.
        params: Number of parameters of one such block.
        kind: What most of it is, for its colour.
        signs: Per junction, in the order of the flow, the sign of what it does to what it reads, or nothing.
        edges: What runs between the junctions.
        sources: Earlier blocks that it reads, beside the one before it; -1 is the network's input.
        times: How many equal blocks stand here.
    """

    path: str
    label: str
    shape: Shape
    params: int
    kind: Kind
    signs: tuple[str, ...]
    edges: tuple[Edge, ...]
    sources: tuple[int, ...] = ()
    times: int = 1


def read(network: Network) -> tuple[Block, ...]:
    """Returns the blocks of `network` in order, runs of equal ones folded into one."""
    spans = _spans(network)
    owner = {layer: number for number, span in enumerate(spans) for layer in range(span.first, span.last + 1)}
    blocks = [_block(network, span, number, owner) for number, span in enumerate(spans)]
    jumped_to = {source for block in blocks for source in block.sources}
    return _folded(blocks, jumped_to)


def _spans(network: Network) -> list[BlockSpan]:
    """The outermost blocks, and one block for each stretch of layers that belongs to none."""
    spans: list[BlockSpan] = []
    start = 0
    for span in sorted(network.blocks, key=lambda span: (span.first, -span.last)):
        if span.first < start or span.last < span.first:
            continue
        if span.first > start:
            spans.append(_stretch(network, start, span.first - 1))
        spans.append(span)
        start = span.last + 1
    if start < len(network.layers):
        spans.append(_stretch(network, start, len(network.layers) - 1))
    return spans


def _stretch(network: Network, first: int, last: int) -> BlockSpan:
    steps = [step.text for layer in network.layers[first : last + 1] if (step := _step(layer))]
    return BlockSpan(network.layers[first].name, ", ".join(steps) or network.layers[first].name, first, last)


def _block(network: Network, span: BlockSpan, number: int, owner: dict[int, int]) -> Block:
    layers = network.layers[span.first : span.last + 1]
    read_from = {layer for one in layers for layer in one.inputs if layer < span.first}
    sources = {owner.get(layer, -1) for layer in read_from} - {number - 1}
    signs, edges = _graph(network, span)
    return Block(
        path=span.path,
        label=span.label,
        shape=network.layers[span.last].shape,
        params=counts(replace(network, layers=layers, blocks=())).params,
        kind=_main_kind(layers),
        signs=signs,
        edges=edges,
        sources=tuple(sorted(sources)),
    )


def _folded(blocks: Sequence[Block], jumped_to: set[int]) -> tuple[Block, ...]:
    """Runs of equal blocks as one; a block from or to which an arc jumps over others stays alone."""

    def look(item: tuple[int, Block]) -> tuple[Block, int]:
        number, block = item
        alone = bool(block.sources) or number in jumped_to
        return replace(block, path=""), number if alone else -1

    runs = [list(run) for _, run in groupby(enumerate(blocks), key=look)]
    moved = {number: new for new, run in enumerate(runs) for number, _ in run} | {-1: -1}
    return tuple(
        replace(run[0][1], times=len(run), sources=tuple(moved[source] for source in run[0][1].sources))
        for run in runs
    )


def _graph(network: Network, span: BlockSpan) -> tuple[tuple[str, ...], tuple[Edge, ...]]:
    """Junctions and edges of one block: walk from every junction back to the junctions before it."""
    reads, layers = _reads(network, span)
    uses = Counter(layer for given in reads.values() for layer in given)
    entries = sorted(layer for layer in uses if layer < span.first)
    meets = [i for i, given in reads.items() if len(given) != 1 or uses[i] > 1 or i == span.last]
    places = {layer: position for position, layer in enumerate([*entries, *meets])}
    edges = []
    for layer in meets:
        for before in reads[layer]:
            # An attention to something else is named on the way of its queries.
            own = len(reads[layer]) == 1 or (
                isinstance(layers[layer].op, Attention) and before == reads[layer][0]
            )
            walked, passed = before, [layers[layer]] if own else []
            while walked not in places:
                passed.append(layers[walked])
                (walked,) = reads[walked]
            edges.append((places[walked], places[layer], passed[::-1]))
    signs = [""] * len(entries) + [SIGNS.get(type(layers[i].op), "") for i in meets]
    return _tidied(signs, edges)


def _reads(network: Network, span: BlockSpan) -> tuple[dict[int, tuple[int, ...]], dict[int, Layer]]:
    """What each layer of a block reads, and the layer that names it.

    The linear layers before and behind an attention are a part of it: it reads what queries, keys and values
    are made of, and its output is that of the last of them.
    """
    named = {i: network.layers[i] for i in range(span.first, span.last + 1)}
    reads = {i: layer.inputs for i, layer in named.items()}
    readers: dict[int, list[int]] = {}
    for i, layer in named.items():
        for given in layer.inputs:
            readers.setdefault(given, []).append(i)
    for i, layer in list(named.items()):
        parts = (*layer.inputs, *readers.get(i, ()))
        if not isinstance(layer.op, Attention) or len(readers.get(i, ())) != 1:
            continue
        if not all(one in named and isinstance(named[one].op, Linear) for one in parts):
            continue
        if any(readers[one] != [i] for one in layer.inputs):
            continue
        named[parts[-1]] = layer
        reads[parts[-1]] = tuple(dict.fromkeys(network.layers[one].inputs[0] for one in layer.inputs))
        for gone in (i, *layer.inputs):
            del reads[gone]
    return reads, named


def _tidied(
    signs: list[str], paths: list[tuple[int, int, list[Layer]]]
) -> tuple[tuple[str, ...], tuple[Edge, ...]]:
    """Leaves out paths through which nothing flows, and a last junction that only a silent layer follows."""
    alive = [path for path in paths if not any(isinstance(layer.op, Zero) for layer in path[2])]
    edges = [Edge(start, end, _steps(layers)) for start, end, layers in alive]
    into_last = [edge for edge in edges if edge.end == len(signs) - 1]
    if (
        len(signs) > 2
        and len(into_last) == 1
        and not into_last[0].steps
        and into_last[0].start == len(signs) - 2
    ):
        edges.remove(into_last[0])
        signs = signs[:-1]
    used = sorted({end for edge in edges for end in (edge.start, edge.end)} | {0, len(signs) - 1})
    renamed = {old: new for new, old in enumerate(used)}
    moved = (replace(edge, start=renamed[edge.start], end=renamed[edge.end]) for edge in edges)
    return tuple(signs[old] for old in used), tuple(moved)


def _steps(layers: Sequence[Layer]) -> tuple[Step, ...]:
    gate = [layer for layer in layers if isinstance(layer.op, Conv2d | Linear)]
    if len(gate) == 2 and isinstance(layers[0].op, GlobalPool) and layers[-1].shape[1:] == (1, 1):
        return (Step("squeeze-excite", "attention"),)  # Hu et al. 2018
    return tuple(step for layer in layers if (step := _step(layer)))


def _step(layer: Layer) -> Step | None:
    """What a layer is called; None for those that go without saying: normalisation, activation, dropout."""
    found: Step | None = None
    match layer.op:
        case Conv2d() as conv:
            found = _convolution(conv)
        case Pool(kind, kernel, stride):
            found = Step(f"{kind} {_window(kernel, stride)}", "pool")
        case Attention(_, heads, _):
            found = Step(f"attention, {heads} heads", "attention")
        case GlobalPool() | TokenMean():
            found = Step("global mean", "pool")
        case LastToken():
            found = Step("last token", "pool")
        case Embed(size, _):
            found = Step(f"table of {size}", "linear")
        case Take(first, step):
            found = Step(f"channels {first}, {first + step}, ...", "plain")
        case Resize(height, width, kind):
            found = Step(f"{kind} to {TIMES.join(map(str, (height, width)))}", "plain")
        case Linear(_, outputs, _):
            found = Step(f"linear {outputs}", "linear")
        case Custom(block, _):
            found = Step(type(block).__name__, "custom")
    return found


def _convolution(conv: Conv2d) -> Step:
    window = _window(conv.kernel, conv.stride) + (f" d{conv.dilation}" if conv.dilation > 1 else "")
    if conv.groups == conv.inputs and conv.groups > 1:
        return Step(f"dw {window}", "depthwise")
    grouped = f" g{conv.groups}" if conv.groups > 1 else ""
    return Step(window + grouped, "pointwise" if conv.kernel == 1 else "conv")


def _window(kernel: Sides, stride: Sides) -> str:
    step = max(both(stride))
    return TIMES.join(map(str, both(kernel))) + (f" /{step}" if step > 1 else "")


def _main_kind(layers: Sequence[Layer]) -> Kind:
    """The kind that gives a block its colour: the first of these that it holds."""
    kinds = {step.kind for layer in layers if (step := _step(layer))}
    order: tuple[Kind, ...] = ("custom", "attention", "linear", "depthwise", "conv", "pointwise", "pool")
    return next((kind for kind in order if kind in kinds), "plain")
