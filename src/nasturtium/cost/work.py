"""What a network has to do, layer by layer: the features that device models learn latency from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import prod
from typing import TypeAlias

from nasturtium.architecture import Architecture
from nasturtium.cost.blockwise import Blockwise, is_folded
from nasturtium.cost.counts import COUNTED
from nasturtium.space import layers as ir
from nasturtium.space.space import Space

Row: TypeAlias = Mapping[str, float]

# Nothing runs for these: a network is shipped in eval mode, norms folded into convolutions, nothing mixed.
FREE = (ir.Dropout, ir.Flatten, ir.Mix)


class Work:
    """Counts the kinds of layers of the architectures of one space; blocks met before are looked up.

    A kind is one row of a look-up table: operation, shape read, shape written, stride, such as
    ``depthwise5 64x16x16 > 64x8x8``. What is measured of one layer holds for all layers of its kind.

    Args:
        space: Bound to the shapes of a task.

    Attributes:
        known: Work of every kind met so far, by its name.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self.known: dict[str, Row] = {}
        self._blocks = Blockwise(space, self._kinds)

    def kinds(self, architecture: Architecture) -> Counter[str]:
        """Returns how many layers of each kind an architecture has."""
        found = Counter[str]()
        for kinds in self._blocks(architecture):
            found.update(kinds)
        return found

    def kind(self, layer: ir.Layer, layers: Sequence[ir.Layer], first: ir.Shape) -> str | None:
        """Returns the kind of one of some layers, whose input has a shape; None where nothing runs."""
        if isinstance(layer.op, FREE) or is_folded(layer, layers):
            return None
        read = [layers[i].shape if i >= 0 else first for i in layer.inputs]
        name = f"{_name(layer.op)} {' + '.join(map(_sides, read))} > {_sides(layer.shape)}"
        if name not in self.known:
            self.known[name] = work(layer.op, read, layer.shape)
        return name

    def _kinds(self, layers: Sequence[ir.Layer], first: ir.Shape) -> list[str]:
        kinds = (self.kind(layer, layers, first) for layer in layers)
        return [kind for kind in kinds if kind is not None]


def work(op: ir.Op, read: Sequence[ir.Shape], shape: ir.Shape) -> Row:
    """Returns what one layer has to do: in words of its operation, and of the picture's size.

    Every number is there twice: summed over the layers of one operation (``conv1 macs``), and over those of
    one side (``macs @16``), where caches and threads act alike.
    """
    counted = COUNTED.get(type(op))
    params, macs = counted(op, shape) if counted is not None else (0, 0)
    numbers = {
        "layers": 1.0,
        "macs": macs / 1e6,
        "weights": params / 1e3,
        "values": (prod(shape) + sum(map(prod, read))) / 1e3,
    }
    name, side = _name(op).partition("/")[0], shape[1] if len(shape) == 3 else 1
    here = {f"{name} {key}": value for key, value in numbers.items() if value}
    return here | {f"{key} @{side}": value for key, value in numbers.items() if value}


def _name(op: ir.Op) -> str:
    if isinstance(op, ir.Conv2d):
        kernel = "x".join(map(str, dict.fromkeys(ir.both(op.kernel))))
        kind = "depthwise" if op.groups == op.inputs else f"group{op.groups}conv"
        kind = "conv" if op.groups == 1 else kind
        return f"{kind}{kernel}" + ("" if op.stride == 1 else f"/{op.stride}")
    if isinstance(op, ir.Pool):
        return f"{op.kind}pool{op.kernel}" + ("" if op.stride == 1 else f"/{op.stride}")
    if isinstance(op, ir.Activation):
        return op.kind
    if isinstance(op, ir.Custom):
        return f"custom {op.block!r}"
    return type(op).__name__.lower()


def _sides(shape: ir.Shape) -> str:
    return "x".join(map(str, shape))
