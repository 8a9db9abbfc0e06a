"""A network as SMASH sees it: what each convolution reads from memory, and who reads what it writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import ceil, log2, prod

import numpy as np
from numpy.typing import NDArray

from nasturtium.errors import SpaceError
from nasturtium.space import layers as ir
from nasturtium.space.sharing import shared_layers
from nasturtium.space.space import Space

# What a value may go through between two convolutions, without weights of its own but those of a norm.
KINDS = ("max", "avg", *ir.ACTIVATIONS, "add", "concat", "multiply", "take", "pad", "zero", "mean", "other")
_NAMES = {ir.Add: "add", ir.Concat: "concat", ir.Multiply: "multiply", ir.Take: "take", ir.Pad: "pad"}
_SIZES = 7  # numbers that say how large a convolution is


@dataclass(frozen=True, slots=True)
class Encoding:
    """A network's convolutions.

    Attributes:
        rows: What each is like, [convolutions, features].
        layers: These convolutions, in the order of the network.
    """

    rows: NDArray[np.float32]
    layers: tuple[ir.Layer, ...]


class MemoryBank:
    """Encodes the networks of a space for a hypernetwork.

    Brock, Lim, Ritchie and Weston 2018, SMASH (arXiv:1708.05344), section 3.1: layers read from banks of a
    memory and write to others, and where they do is what the hypernetwork is shown, as a tensor with a slot
    for every so many weights.

    Differs, for spaces that are no memory: a bank is the output of one convolution, named by the key of its
    weights (so that also block and operation are told), and a convolution reads those banks from which values
    reach it through layers without kernels. What they go through is counted by kind, which the paper's banks
    do not have. Two networks whose convolutions have the same inputs and sizes are encoded alike.

    Args:
        space: Bound to a task.
        slot: Weights of a slot.

    Attributes:
        features: Of a row.
        banks: Numbers of the convolutions that the space can have, by key.
        shapes: Of the weights that all sizes of each share, [outputs, inputs of a group, height, width].
        slots: First slot of each and one past its last, among those of all.
    """

    def __init__(self, space: Space, *, slot: int) -> None:
        convs = {key: ops for (key, kind), ops in shared_layers(space).items() if kind is ir.Conv2d}
        if not convs:
            raise SpaceError(f"{space.name} has no convolution, so a hypernetwork has nothing to write")
        self.banks = {key: number for number, key in enumerate(convs)}
        self.features = 3 * len(self.banks) + len(KINDS) + _SIZES
        self.shapes = {key: _largest(ops) for key, ops in convs.items()}
        ends = [0, *accumulate(ceil(prod(shape) / slot) for shape in self.shapes.values())]
        self.slots = dict(zip(convs, pairwise(ends), strict=True))

    def encode(self, network: ir.Network) -> Encoding:
        """Returns the encoding of a network of the space."""
        sources, between = _upstream(network.layers)
        numbers = [i for i, layer in enumerate(network.layers) if isinstance(layer.op, ir.Conv2d)]
        rows = np.zeros((len(numbers), self.features), np.float32)
        row_of = {number: row for row, number in enumerate(numbers)}
        banks = len(self.banks)
        for row, number in enumerate(numbers):
            layer = network.layers[number]
            mine = self.banks[layer.key]
            rows[row, mine] = 1
            for source in sources[number]:
                rows[row, banks + self.banks[network.layers[source].key]] = 1
                rows[row_of[source], 2 * banks + mine] = 1
            for passed in between[number]:
                rows[row, 3 * banks + KINDS.index(_kind(network.layers[passed].op))] += 0.25
            assert isinstance(layer.op, ir.Conv2d)
            rows[row, -_SIZES:] = _sizes(layer.op)
        return Encoding(rows, tuple(network.layers[number] for number in numbers))


def _largest(ops: Sequence[ir.Op]) -> tuple[int, ...]:
    """The shape of weights of which all sizes of a convolution take a part."""
    shapes = [
        (op.outputs, op.inputs // op.groups, *ir.both(op.kernel)) for op in ops if isinstance(op, ir.Conv2d)
    ]
    return tuple(max(sides) for sides in zip(*shapes, strict=True))


def _upstream(layers: Sequence[ir.Layer]) -> tuple[list[frozenset[int]], list[frozenset[int]]]:
    """Returns for each layer the convolutions whose values reach it, and the layers that these go through."""
    sources, between = list[frozenset[int]](), list[frozenset[int]]()
    for layer in layers:
        reads, passes = frozenset[int](), frozenset[int]()
        for number in layer.inputs:
            if number < 0:
                continue
            if isinstance(layers[number].op, ir.Conv2d):
                reads |= {number}
            else:
                reads |= sources[number]
                passes |= between[number] | ({number} if _counts(layers[number].op) else set())
        sources.append(reads)
        between.append(passes)
    return sources, between


def _counts(op: ir.Op) -> bool:
    """Not norms, which follow nearly every convolution, nor the sums that a mixture of one option has."""
    return not isinstance(op, ir.BatchNorm | ir.Mix)


def _kind(op: ir.Op) -> str:
    if isinstance(op, ir.Pool | ir.Activation):
        return op.kind
    if isinstance(op, ir.GlobalPool):
        return "mean"
    return "zero" if isinstance(op, ir.Zero) else _NAMES.get(type(op), "other")


def _sizes(op: ir.Conv2d) -> list[float]:
    height, width = ir.both(op.kernel)
    channels = [log2(op.inputs) / 8, log2(op.outputs) / 8, log2(op.groups) / 8]
    return [*channels, height / 8, width / 8, max(ir.both(op.stride)) / 4, op.dilation / 4]
