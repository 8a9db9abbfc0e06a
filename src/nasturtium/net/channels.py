"""Channels of a supernet in the order of their importance, which changes none of its trained networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import torch
from torch import Tensor, nn

from nasturtium.net.supernet import Supernet
from nasturtium.space import layers as ir
from nasturtium.space.blend import Active
from nasturtium.space.sharing import each_block
from nasturtium.space.space import Space
from nasturtium.space.wiring import Value

Axis: TypeAlias = tuple[str, type, int]  # of the weights of a key and kind: 0 is made, 1 is read
Banks: TypeAlias = Mapping[Axis, tuple[str, nn.Module]]  # the weights with these axes, and their name

_KEEP = (  # whose output has the channels of their input
    *(ir.Activation, ir.Pool, ir.GlobalPool, ir.Dropout, ir.Resize, ir.Zero),
    *(ir.Tokens, ir.TokenMean, ir.LastToken),
)
_JOIN = (ir.Add, ir.Multiply, ir.Mix)


@dataclass(frozen=True, slots=True)
class Move:
    """Another order of the channels of one tensor.

    Attributes:
        name: Of the tensor, in the state of the supernet.
        dimension: In which its channels lie.
        order: The old place of each channel, [channels].
    """

    name: str
    dimension: int
    order: Tensor

    def apply(self, tensor: Tensor) -> None:
        """Moves the channels of this tensor, or of one like it, in place."""
        with torch.no_grad():
            tensor.copy_(tensor.index_select(self.dimension, self.order.to(tensor.device)))


def by_importance(supernet: Supernet, before: Active, now: Active) -> list[Move]:
    """Returns what brings channels in order of which networks will soon have fewer than any had.

    A channel's importance is the L1 norm of the weights that read it, a gate's aside, and the most important
    come first (Cai et al. 2020, Once-for-all, arXiv:1908.09791, section 3.3, and the authors' released code,
    which takes those of the projection). All weights that make, change or read a channel move with it, and
    channels that a narrower network of the options `before` has never change places with others. So every
    network of these options computes what it did.

    Only channels inside of a block move: those of an expansion, a bottleneck or a gate. What leaves a block
    is read by others, and stays.

    Args:
        supernet: Not changed.
        before: Per decision, the options that were trained.
        now: Those that will be.
    """
    old, new = Channels(supernet.space, before), Channels(supernet.space, now)
    names = {id(bank): f"shared.{name}" for name, bank in supernet.shared.items()}
    moves: list[Move] = []
    for group in old.groups():
        widths = old.widths_of(group)
        if new.widths_of(group) <= widths:
            continue
        found = {axis: supernet.bank(old.layers[axis[:2]]) for axis in group}
        banks = {axis: (names[id(bank)], bank) for axis, bank in found.items() if bank is not None}
        sizes = {_size(bank, dimension) for (*_, dimension), (_, bank) in banks.items()}
        fixed = old.fixed_of(group)
        places = [fixed, *sorted(end for end in widths | sizes if fixed < end <= max(widths))]
        readers = [banks[axis][1] for axis in old.readers_of(group)]
        moves += _moves(banks, _order(_importance(readers, max(sizes)), places))
    return moves


class Channels:
    """Which axes of a space's weights are the same channels, within its blocks.

    Args:
        space: Bound to a task.
        active: Per decision, the options that there are.

    Attributes:
        layers: One with each key and kind.
    """

    def __init__(self, space: Space, active: Active) -> None:
        self.layers: dict[tuple[str, type], ir.Layer] = {}
        self._widths: dict[Axis, set[int]] = {}
        self._fixed: dict[Axis, int] = {}
        self._whole: set[Axis] = set()  # that read more of a channel than its mean
        self._parent: dict[Axis, Axis] = {}
        each_block(space, self._see, active)

    def groups(self) -> list[list[Axis]]:
        """Returns the axes, those of the same channels together."""
        found: dict[Axis, list[Axis]] = {}
        for axis in self._parent:
            found.setdefault(self._root(axis), []).append(axis)
        return list(found.values())

    def widths_of(self, group: Sequence[Axis]) -> set[int]:
        """Returns how many channels networks have there."""
        return set[int]().union(*(self._widths.get(axis, ()) for axis in group))

    def fixed_of(self, group: Sequence[Axis]) -> int:
        """Returns how many of the first channels have to stay, as more than these axes depends on them."""
        return max(self._fixed.get(axis, 0) for axis in group)

    def readers_of(self, group: Sequence[Axis]) -> list[Axis]:
        """Returns the axes that read the channels; those that read means only where no others do."""
        readers = [axis for axis in group if axis[2] == 1]
        return [axis for axis in readers if axis in self._whole] or readers

    def _see(self, layers: Sequence[ir.Layer], output: Value) -> None:
        made: list[Axis | None] = []
        for layer in layers:
            given = [made[index] if index >= 0 else None for index in layer.inputs]
            before = [layers[index].shape if index >= 0 else () for index in layer.inputs]
            made.append(self._through(layer, given, before))
        if output.layer >= 0:
            self._stay(made[output.layer], _width(output.shape))

    def _through(
        self, layer: ir.Layer, given: Sequence[Axis | None], before: Sequence[ir.Shape]
    ) -> Axis | None:
        """Returns the axis of a layer's output; None where that is not one axis of any weights.

        Args:
            layer: Of the block.
            given: Axes of its inputs.
            before: Shapes of its inputs; empty for the block's own.
        """
        op = layer.op
        if isinstance(op, _KEEP) or (isinstance(op, ir.Flatten) and before[0][1:] == (1, 1)):
            return given[0]
        match op:
            case ir.Conv2d(groups=1) | ir.Linear():
                reader = self._same(self._axis(layer, 1, op.inputs), given[0], op.inputs)
                if before[0][1:] not in ((), (1, 1)):
                    self._whole.add(reader)
                return self._axis(layer, 0, op.outputs)
            case ir.Conv2d() if op.groups == op.inputs == op.outputs:
                self._stay(self._axis(layer, 1, 1), 1)
                return self._same(self._axis(layer, 0, op.outputs), given[0], op.outputs)
            case ir.BatchNorm() | ir.LayerNorm():
                return self._same(self._axis(layer, 0, op.features), given[0], op.features)
        known = [axis for axis in given if axis is not None]
        if isinstance(op, _JOIN) and len(known) == len(given):
            for axis in known[1:]:
                self._same(known[0], axis, _width(layer.shape))
            return known[0]
        for axis in known:
            self._stay(axis, max(self._widths[axis]))
        if isinstance(op, ir.Conv2d):  # in groups, whose channels belong together
            self._stay(self._axis(layer, 1, op.inputs // op.groups), op.inputs)
            self._stay(self._axis(layer, 0, op.outputs), op.outputs)
        return None

    def _axis(self, layer: ir.Layer, dimension: int, width: int) -> Axis:
        axis = (layer.key, type(layer.op), dimension)
        self.layers[axis[:2]] = layer
        self._widths.setdefault(axis, set()).add(width)
        self._parent.setdefault(axis, axis)
        return axis

    def _same(self, axis: Axis, given: Axis | None, width: int) -> Axis:
        """Notes that an axis has the channels of another; or of the block's input, and then they stay."""
        if given is None:
            self._stay(axis, width)
        else:
            self._parent[self._root(given)] = self._root(axis)
        return axis

    def _stay(self, axis: Axis | None, width: int) -> None:
        if axis is not None:
            self._fixed[axis] = max(self._fixed.get(axis, 0), width)

    def _root(self, axis: Axis) -> Axis:
        while self._parent[axis] != axis:
            axis = self._parent[axis]
        return axis


def _width(shape: ir.Shape) -> int:
    """Channels of [channels, height, width], or features of [features] or [tokens, features]."""
    return shape[1] if len(shape) == 2 else shape[0]


def _tensors(bank: nn.Module, dimension: int) -> Iterator[tuple[str, Tensor]]:
    """Yields the tensors of a bank that have an axis: only the weights read channels."""
    for name, tensor in (*bank.named_parameters(recurse=False), *bank.named_buffers(recurse=False)):
        if tensor.ndim > dimension and (dimension == 0 or name == "weight"):
            yield name, tensor


def _size(bank: nn.Module, dimension: int) -> int:
    return max((tensor.shape[dimension] for _, tensor in _tensors(bank, dimension)), default=0)


@torch.no_grad()
def _importance(readers: Sequence[nn.Module], size: int) -> Tensor:
    total = torch.zeros(size, dtype=torch.float64)
    for bank in readers:
        assert isinstance(bank.weight, Tensor)
        norms = bank.weight.double().abs().transpose(0, 1).flatten(1).sum(1).cpu()
        total[: len(norms)] += norms
    return total


def _order(importance: Tensor, places: Sequence[int]) -> Tensor:
    """Returns the most important first, between each two places."""
    order = torch.arange(len(importance))
    for first, end in pairwise(places):
        order[first:end] = first + importance[first:end].argsort(descending=True, stable=True)
    return order


def _moves(banks: Banks, order: Tensor) -> Iterator[Move]:
    if bool((order.diff() == 1).all()):
        return  # they are in order
    for (*_, dimension), (name, bank) in banks.items():
        for tensor_name, tensor in _tensors(bank, dimension):
            yield Move(f"{name}.{tensor_name}", dimension, order[: tensor.shape[dimension]])
