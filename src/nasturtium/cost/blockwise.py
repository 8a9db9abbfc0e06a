"""What follows from the layers of each block, found once for every block and shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from nasturtium.architecture import Architecture
from nasturtium.errors import ShapeError
from nasturtium.space import layers as ir
from nasturtium.space.block import Block
from nasturtium.space.slots import Slot
from nasturtium.space.space import Space
from nasturtium.space.wiring import Value, Wiring

T = TypeVar("T")
Read = Callable[[Sequence[ir.Layer], ir.Shape], T]

LARGEST_CACHE = 500_000


class Blockwise(Generic[T]):
    """Reads the layers of the blocks of any architecture; blocks met before are looked up.

    Args:
        space: Bound to the shapes of a task.
        read: Is given the layers of a block and the shape that it reads.
    """

    def __init__(self, space: Space, read: Read[T]) -> None:
        if space.input_shape is None:
            raise ShapeError(
                f"{space.name} does not know its input: say space.bind(input_shape=(3, 32, 32), outputs=10)"
            )
        self.space = space
        self._read = read
        self._input_shape: ir.Shape = space.input_shape
        self._slots: dict[tuple[int, ir.Shape], tuple[ir.Shape, T, Slot]] = {}
        self._blocks: dict[tuple[Block, ir.Shape], tuple[ir.Shape, T]] = {}

    def __call__(self, architecture: Architecture) -> list[T]:
        """Returns what was read of each block of an architecture, in order."""
        shape, found = self._input_shape, []
        for slot in self.space.slots(architecture):
            row = self._slots.get((id(slot), shape)) or self._slot(slot, shape)
            shape = row[0]
            found.append(row[1])
        return found

    def _slot(self, slot: Slot, shape: ir.Shape) -> tuple[ir.Shape, T, Slot]:
        if len(self._slots) >= LARGEST_CACHE:
            self._slots.clear()
        # The row keeps its slot alive, so that no other can be given its id.
        row = (*self._block(slot.block, shape), slot)
        self._slots[id(slot), shape] = row
        return row

    def _block(self, block: Block, shape: ir.Shape) -> tuple[ir.Shape, T]:
        key = (block, shape)
        if key not in self._blocks:
            net = Wiring(self.space.outputs or 0)
            end = block.write(net, Value(-1, shape))
            if len(self._blocks) >= LARGEST_CACHE:
                self._blocks.clear()
            self._blocks[key] = (end.shape, self._read(net.layers, shape))
        return self._blocks[key]


def is_folded(layer: ir.Layer, layers: Sequence[ir.Layer]) -> bool:
    """Whether a layer is a norm that a shipped network has in the convolution before it."""
    if not isinstance(layer.op, ir.BatchNorm):
        return False
    (before,) = layer.inputs
    return before >= 0 and isinstance(layers[before].op, ir.Conv2d)
