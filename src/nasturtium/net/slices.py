"""Shared weights: one bank of each kind of layer, of which every architecture uses the part that it needs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import singledispatch

from torch import Tensor, nn

from nasturtium.errors import SpaceError
from nasturtium.net.build import module
from nasturtium.space import layers as ir


def bank(ops: Sequence[ir.Op]) -> nn.Module:
    """Returns a module large enough for all of these layers, freshly initialised as the largest of them.

    Args:
        ops: Layers of one kind; a user's own block has a bank for each of its settings.
    """
    return module(_largest(ops[0], ops))


@singledispatch
def part(op: ir.Op, shared: nn.Module) -> Mapping[str, Tensor]:
    """Returns the views of a bank that one layer uses, under the names of its own module's state.

    Channels are the first ones, as in slimmable networks (Yu et al. 2019, arXiv:1812.08928, section 3); a
    smaller kernel is the centre of a larger one (Cai et al. 2020, arXiv:1908.09791, section 3.2).
    """
    raise TypeError(f"{op!r} has no weights to share")


@part.register
def _(op: ir.Conv2d, shared: nn.Module) -> Mapping[str, Tensor]:
    weight = shared.weight
    assert isinstance(weight, Tensor)
    height, width = ir.both(op.kernel)
    inputs = op.inputs // op.groups
    if weight.shape != (op.outputs, inputs, height, width):
        _check(op, weight, (op.outputs, inputs, height, width))
        transforms = getattr(shared, "transforms", None)
        if transforms is not None and height < weight.shape[2]:
            every = _cut(weight, (0, 0, 0, 0), (op.outputs, inputs, *weight.shape[2:]))
            weight = transforms(every, height)
        else:
            top, left = (weight.shape[2] - height) // 2, (weight.shape[3] - width) // 2
            weight = _cut(weight, (0, 0, top, left), (op.outputs, inputs, height, width))
    return {"weight": weight} | _vectors(shared, ("bias",) if op.bias else (), op.outputs)


@part.register
def _(op: ir.Linear, shared: nn.Module) -> Mapping[str, Tensor]:
    weight = shared.weight
    assert isinstance(weight, Tensor)
    if weight.shape != (op.outputs, op.inputs):
        _check(op, weight, (op.outputs, op.inputs))
        weight = _cut(weight, (0, 0), (op.outputs, op.inputs))
    return {"weight": weight} | _vectors(shared, ("bias",) if op.bias else (), op.outputs)


@part.register
def _(op: ir.BatchNorm, shared: nn.Module) -> Mapping[str, Tensor]:
    return _vectors(shared, ("weight", "bias", "running_mean", "running_var"), op.features)


@part.register
def _(op: ir.LayerNorm, shared: nn.Module) -> Mapping[str, Tensor]:
    return _vectors(shared, ("weight", "bias"), op.features)


@part.register
def _(op: ir.Embed, shared: nn.Module) -> Mapping[str, Tensor]:
    weight = shared.weight
    assert isinstance(weight, Tensor)
    _check(op, weight, (op.size, op.features))
    return {"weight": _cut(weight, (0, 0), (op.size, op.features))}


@part.register
def _(op: ir.Custom, shared: nn.Module) -> Mapping[str, Tensor]:
    return dict(shared.state_dict(keep_vars=True))


def _check(op: ir.Op, weight: Tensor, wanted: tuple[int, ...]) -> None:
    if any(size < least for size, least in zip(weight.shape, wanted, strict=True)):
        raise SpaceError(
            f"{op} needs weights of {list(wanted)} and the supernet has {list(weight.shape)}: its block has "
            "so many combinations that they were only sampled (space/sharing.py), and this one was missed"
        )


def _vectors(shared: nn.Module, names: tuple[str, ...], size: int) -> dict[str, Tensor]:
    """Returns the first entries of the vectors that are there; a norm may lack scale or statistics."""
    found: dict[str, Tensor] = {}
    for name in names:
        vector = getattr(shared, name)
        if vector is not None:
            found[name] = vector if len(vector) == size else _cut(vector, (0,), (size,))
    return found


def _cut(whole: Tensor, first: tuple[int, ...], sizes: tuple[int, ...]) -> Tensor:
    """Returns a slice in all dimensions at once: its gradient is then written once, not per dimension."""
    strides = whole.stride()
    begin = sum(place * stride for place, stride in zip(first, strides, strict=True))
    return whole.as_strided(sizes, strides, whole.storage_offset() + begin)


@singledispatch
def _largest(op: ir.Op, ops: Sequence[ir.Op]) -> ir.Op:
    return op


@_largest.register
def _(op: ir.Conv2d, ops: Sequence[ir.Conv2d]) -> ir.Op:
    kernels = [ir.both(one.kernel) for one in ops]
    # A depthwise convolution has one input a group: as wide as the widest, with a single group.
    return ir.Conv2d(
        inputs=max(one.inputs // one.groups for one in ops),
        outputs=max(one.outputs for one in ops),
        kernel=(max(height for height, _ in kernels), max(width for _, width in kernels)),
        bias=any(one.bias for one in ops),
    )


@_largest.register
def _(op: ir.Linear, ops: Sequence[ir.Linear]) -> ir.Op:
    size = max(one.inputs for one in ops), max(one.outputs for one in ops)
    return ir.Linear(*size, bias=any(one.bias for one in ops))


@_largest.register
def _(op: ir.BatchNorm | ir.LayerNorm, ops: Sequence[ir.BatchNorm | ir.LayerNorm]) -> ir.Op:
    return replace(op, features=max(one.features for one in ops))


@_largest.register
def _(op: ir.Embed, ops: Sequence[ir.Embed]) -> ir.Op:
    return ir.Embed(max(one.size for one in ops), max(one.features for one in ops))
