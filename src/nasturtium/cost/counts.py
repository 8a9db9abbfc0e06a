"""Parameters, multiply-accumulates and activation bytes of an architecture, without building it.

Convention, stated once: MACs are those of convolutions, linear layers and the two products of attention;
normalisation, activations, pooling and sums are not counted, as in NAS-Bench-201 and most NAS papers (where
"FLOPs" often means these MACs).
Layers that no output depends on are counted: they are part of the module.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any, TypeAlias

from nasturtium.architecture import Architecture
from nasturtium.errors import ShapeError, unknown
from nasturtium.space import layers as ir
from nasturtium.space.block import Block
from nasturtium.space.slots import Slot
from nasturtium.space.space import Space
from nasturtium.space.wiring import Value, Wiring

NAMES = ("params", "macs", "activation_bytes")
LARGEST_CACHE = 500_000


@dataclass(frozen=True, slots=True)
class Counts:
    """Costs that follow from shapes alone.

    Attributes:
        params: Trainable parameters.
        macs: Multiply-accumulates of one input.
        activation_bytes: float32 bytes of every layer's output for one input: what a forward pass writes.
    """

    params: int
    macs: int
    activation_bytes: int


def counts(network: ir.Network) -> Counts:
    """Returns the counts of a network: the sums over its layers."""
    return Counts(*_sums(network.layers))


class Counted:
    """Counts the architectures of one space, in microseconds: blocks met before are looked up.

    Args:
        space: Bound to the shapes of a task.
    """

    names = frozenset(NAMES)

    def __init__(self, space: Space) -> None:
        if space.input_shape is None:
            raise ShapeError(
                f"{space.name} does not know its input: say space.bind(input_shape=(3, 32, 32), outputs=10)"
            )
        self.space = space
        self._input_shape: ir.Shape = space.input_shape
        self._known: dict[tuple[int, ir.Shape], _Row] = {}
        self._blocks: dict[tuple[Block, ir.Shape], tuple[ir.Shape, int, int, int]] = {}

    def __call__(self, architecture: Architecture, names: Iterable[str] = NAMES) -> dict[str, float]:
        """Returns the counts called `names`, as floats."""
        found = self.counts(architecture)
        result = {}
        for name in names:
            if name not in self.names:
                raise unknown("counted cost", name, NAMES)
            result[name] = float(getattr(found, name))
        return result

    def counts(self, architecture: Architecture) -> Counts:
        """Returns the counts of one architecture."""
        shape = self._input_shape
        params = macs = activation_bytes = 0
        known = self._known
        for slot in self.space.slots(architecture):
            row = known.get((id(slot), shape)) or self._block(slot, shape)
            shape, more_params, more_macs, more_bytes, _ = row
            params += more_params
            macs += more_macs
            activation_bytes += more_bytes
        return Counts(params, macs, activation_bytes)

    def _block(self, slot: Slot, shape: ir.Shape) -> "_Row":
        if len(self._known) >= LARGEST_CACHE:
            self._known.clear()
        # Two ways to find a block: by the identity of its slot, which is fast, and by equality, which is met
        # once per place. The row keeps its slot alive, so that no other can be given its id.
        row = (*self._counted(slot, shape), slot)
        self._known[id(slot), shape] = row
        return row

    def _counted(self, slot: Slot, shape: ir.Shape) -> tuple[ir.Shape, int, int, int]:
        key = (slot.block, shape)
        if key not in self._blocks:
            net = Wiring(self.space.outputs or 0)
            end = slot.block.write(net, Value(-1, shape))
            if len(self._blocks) >= LARGEST_CACHE:
                self._blocks.clear()
            self._blocks[key] = (end.shape, *_sums(net.layers))
        return self._blocks[key]


_Row: TypeAlias = tuple[ir.Shape, int, int, int, Slot]


def _sums(layers: Sequence[ir.Layer]) -> tuple[int, int, int]:
    """Returns params, MACs and activation bytes of some layers."""
    params = macs = activations = 0
    for layer in layers:
        # A sum of three values is two sums, each of which writes its result.
        writes = len(layer.inputs) - 1 if isinstance(layer.op, ir.Add) else 1
        activations += writes * prod(layer.shape)
        counted = COUNTED.get(type(layer.op))
        if counted is not None:
            more_params, more_macs = counted(layer.op, layer.shape)
            params += more_params
            macs += more_macs
    return params, macs, 4 * activations


def _conv(op: ir.Conv2d, shape: ir.Shape) -> tuple[int, int]:
    weights = op.outputs * (op.inputs // op.groups) * prod(ir.both(op.kernel))
    return weights + op.bias * op.outputs, weights * shape[1] * shape[2]


def _linear(op: ir.Linear, shape: ir.Shape) -> tuple[int, int]:
    weights = op.inputs * op.outputs
    return weights + op.bias * op.outputs, weights * prod(shape[:-1])


def _attention(op: ir.Attention, shape: ir.Shape) -> tuple[int, int]:
    return 0, 2 * prod(shape) * op.keys


def _embed(op: ir.Embed, _: ir.Shape) -> tuple[int, int]:
    return op.size * op.features, 0


def _norm(op: ir.BatchNorm | ir.LayerNorm, _: ir.Shape) -> tuple[int, int]:
    return 2 * op.features, 0


@lru_cache(maxsize=4096)
def _custom(op: ir.Custom, _: ir.Shape) -> tuple[int, int]:
    """Counts a user's own module by running it once without data."""
    import torch
    from torch import nn
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"):
        made: Any = op.block.build(op.input_shape)
        x = torch.empty(1, *op.input_shape)
    assert isinstance(made, nn.Module)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        made.eval()(x)
    return sum(p.numel() for p in made.parameters()), counter.get_total_flops() // 2


# What has parameters or MACs, and how to count them from the layer and its output shape.
COUNTED: dict[type, Callable[[Any, ir.Shape], tuple[int, int]]] = {
    ir.Conv2d: _conv,
    ir.Linear: _linear,
    ir.BatchNorm: _norm,
    ir.LayerNorm: _norm,
    ir.Attention: _attention,
    ir.Embed: _embed,
    ir.Custom: _custom,
}
