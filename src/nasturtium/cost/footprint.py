"""Bytes that a shipped network takes: on disk in float32 and int8, and in memory while it runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

from nasturtium.architecture import Architecture
from nasturtium.cost.blockwise import Blockwise, is_folded
from nasturtium.cost.counts import COUNTED, Counted
from nasturtium.errors import unknown
from nasturtium.space import layers as ir
from nasturtium.space.space import Space

NAMES = ("size_bytes", "int8_bytes", "memory_bytes")
IN_PLACE = ir.Activation | ir.Dropout | ir.Flatten | ir.BatchNorm


@dataclass(frozen=True, slots=True)
class Bytes:
    """Of one block.

    Attributes:
        size: Its weights in float32, norms folded into the convolutions before them.
        int8: The same with weights of 8 bits, and 32 bits of bias and of scale per output channel.
        peak: Most bytes of float32 activations that are alive at once while it runs.
    """

    size: int
    int8: int
    peak: int


class Footprint:
    """Counts the bytes of the architectures of one space, in microseconds: blocks met before are looked up.

    ``memory_bytes`` are the weights and the activations that are alive at once for one input, where a tensor
    goes when its last reader has run and activation functions work in place: what a planner of memory needs
    at least (Lin et al. 2020, MCUNet, arXiv:2007.10319), and an eager runtime exceeds. Blocks run one after
    the other. ``int8_bytes`` is what quantisation per channel gives; whether a runtime does it is its matter.

    Args:
        space: Bound to the shapes of a task.
    """

    names = frozenset(NAMES)

    def __init__(self, space: Space) -> None:
        self._blocks = Blockwise(space, footprint)

    def __call__(self, architecture: Architecture, names: Iterable[str] = NAMES) -> dict[str, float]:
        """Returns the bytes called `names`.

        Raises:
            UnknownName: None of `NAMES`.
        """
        blocks = self._blocks(architecture)
        size = sum(one.size for one in blocks)
        every = {
            "size_bytes": float(size),
            "int8_bytes": float(sum(one.int8 for one in blocks)),
            "memory_bytes": float(size + max((one.peak for one in blocks), default=0)),
        }
        for name in names:
            if name not in every:
                raise unknown("counted cost", name, NAMES)
        return {name: every[name] for name in names}


class FromShapes:
    """All costs that follow from shapes, as one cost model: those of `Counted` and of `Footprint`.

    Args:
        space: Bound to the shapes of a task.
    """

    names = Counted.names | Footprint.names

    def __init__(self, space: Space) -> None:
        self.counted, self.footprint = Counted(space), Footprint(space)

    def __call__(self, architecture: Architecture, names: Iterable[str]) -> dict[str, float]:
        """Returns the metrics called `names`, in that order.

        Raises:
            UnknownName: A metric that does not follow from shapes.
        """
        wanted = tuple(names)
        for name in wanted:
            if name not in self.names:
                raise unknown("counted cost", name, self.names)
        found = self.counted(architecture, [name for name in wanted if name in Counted.names])
        if len(found) < len(wanted):
            found |= self.footprint(architecture, [name for name in wanted if name in Footprint.names])
        return {name: found[name] for name in wanted}


def footprint(layers: Sequence[ir.Layer], shape: ir.Shape) -> Bytes:
    """Returns the bytes of the layers of one block, whose input has a shape."""
    size = int8 = 0
    for layer in layers:
        if is_folded(layer, layers):
            continue
        weights, channels = _weights(layer, layers)
        size += 4 * (weights + channels)
        int8 += weights + 8 * channels if isinstance(layer.op, ir.Conv2d | ir.Linear) else 4 * weights
    return Bytes(size, int8, 4 * _peak(layers, shape))


def _weights(layer: ir.Layer, layers: Sequence[ir.Layer]) -> tuple[int, int]:
    """Returns weights, and channels with a bias, that of a folded norm included."""
    counted = COUNTED.get(type(layer.op))
    params = counted(layer.op, layer.shape)[0] if counted is not None else 0
    if not isinstance(layer.op, ir.Conv2d | ir.Linear):
        return params, 0
    index = next(i for i, one in enumerate(layers) if one is layer)
    normed = any(is_folded(one, layers) and one.inputs == (index,) for one in layers)
    outputs = layer.op.outputs
    return params - layer.op.bias * outputs, outputs * (layer.op.bias or normed)


def _peak(layers: Sequence[ir.Layer], shape: ir.Shape) -> int:
    """Returns the largest number of values alive at once while the layers run in order."""
    readers = Counter(one for layer in layers for one in layer.inputs)
    place = {-1: -1}  # layer -> the layer whose memory its output lies in
    for i, layer in enumerate(layers):
        lies = isinstance(layer.op, IN_PLACE) and readers[layer.inputs[0]] == 1
        place[i] = place[layer.inputs[0]] if lies else i
    last = {place[len(layers) - 1] if layers else -1: len(layers)}  # memory -> its last reader
    for i, layer in enumerate(layers):
        for one in layer.inputs:
            last[place[one]] = max(last.get(place[one], i), i)
    sizes = {-1: prod(shape)} | {i: prod(layer.shape) for i, layer in enumerate(layers)}
    alive, most = {-1}, sizes[-1]
    for i in range(len(layers)):
        alive.add(place[i])
        most = max(most, sum(sizes[one] for one in alive))
        alive = {one for one in alive if last.get(one, i) > i}
    return most
