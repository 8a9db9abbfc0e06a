"""Depthwise convolutions whose backward pass on a CPU costs what their forward pass does.

oneDNN has quick kernels for them; but for the weights' gradient of kernels wider than 3, and for both
gradients of dilated ones, torch falls back to general kernels that are 10 to 40 times slower. Here these
gradients are expressed by what has a quick kernel.
"""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from nasturtium.space.layers import Conv2d

_QUICK_COLUMNS = 3  # of a kernel, for its weights' gradient


def quick(op: Conv2d, x: Tensor) -> bool:
    """Whether `depthwise` has a better backward pass for this layer and input than torch's own."""
    if not (op.groups == op.inputs == op.outputs > 1 and not op.bias):
        return False
    if not (isinstance(op.kernel, int) and isinstance(op.stride, int)):
        return False
    if x.device.type != "cpu" or torch.is_autocast_enabled("cpu") or not torch.is_grad_enabled():
        return False
    if not x.is_contiguous(memory_format=torch.channels_last):
        return False
    if op.dilation == 1:
        return op.kernel > _QUICK_COLUMNS
    return op.kernel % 2 == 1 and (op.stride == 1 or op.stride % op.dilation == 0)


def depthwise(x: Tensor, weight: Tensor, op: Conv2d) -> Tensor:
    """Returns ``conv2d`` of x, [batch, channels, height, width] in channels-last, bit for bit."""
    return _Depthwise.apply(x, weight, op)  # type: ignore[no-any-return,no-untyped-call]


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, op: Conv2d) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.op = op
        return functional.conv2d(x, weight, None, op.stride, op.padding, op.dilation, op.groups)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, weight = ctx.saved_tensors
        op: Conv2d = ctx.op
        slope = gradients[0].contiguous(memory_format=torch.channels_last)
        needs_x, needs_weight, _ = ctx.needs_input_grad
        of_x = of_weight = None
        if needs_x and op.stride == 1:  # a forward pass with the kernel turned round, quick in any dilation
            around = op.dilation * (weight.shape[2] - 1) - _number(op.padding)
            of_x = functional.conv2d(slope, weight.flip(2, 3), None, 1, around, op.dilation, op.groups)
            needs_x = False
        if needs_x or needs_weight:
            seen, sent, plain = _undilated(x, slope, op)
        if needs_x:
            of_x = _backward(sent, seen, weight, plain, padding=_number(plain.padding), which=0)
            of_x = of_x if op.dilation == 1 else _spread(of_x, x, op.dilation)
        if needs_weight:
            of_weight = _of_weights(seen, sent, plain, weight)
        return of_x, of_weight, None


def _undilated(x: Tensor, slope: Tensor, op: Conv2d) -> tuple[Tensor, Tensor, Conv2d]:
    """Returns input, gradient of the output and layer of the same convolution without dilation."""
    every, stride = op.dilation, _number(op.stride)
    if every == 1:
        return x, slope, op
    if stride == 1:  # cells of each phase see none but their own
        return _phases(x, every), _phases(slope, every), replace(op, dilation=1)
    # Only cells of the first phase are seen.
    first = x[:, :, ::every, ::every].contiguous(memory_format=torch.channels_last)
    return first, slope, replace(op, dilation=1, stride=stride // every)


def _of_weights(x: Tensor, slope: Tensor, op: Conv2d, weight: Tensor) -> Tensor:
    """The gradient of the weights, by some columns of the kernel at a time."""
    (height, width), parts = x.shape[2:], []
    padding, stride = _number(op.padding), _number(op.stride)
    if weight.shape[3] <= min(_QUICK_COLUMNS, height, width):
        return _backward(slope, x, weight, op, padding=padding, which=1)
    below = (slope.shape[2] - 1) * stride + weight.shape[2] - padding - height
    for first in range(0, weight.shape[3], _QUICK_COLUMNS):
        part = weight[..., first : first + _QUICK_COLUMNS]
        left = padding - first
        right = (slope.shape[3] - 1) * stride + part.shape[3] - left - width
        if min(left, right) <= -width:
            parts.append(torch.zeros_like(part))  # these columns only ever see the padding
            continue
        # A negative number takes columns away. With padding of its own the kernel is no quick one on images
        # that are smaller than it.
        seen = functional.pad(x, (left, right, padding, below))
        parts.append(_backward(slope, seen, part, op, padding=0, which=1))
    return torch.cat(parts, 3)


def _backward(slope: Tensor, x: Tensor, weight: Tensor, op: Conv2d, *, padding: int, which: int) -> Tensor:
    """Returns the gradient of the input (0) or of the weights (1)."""
    stride = _number(op.stride)
    found: Tensor = torch.ops.aten.convolution_backward(
        slope,
        x,
        weight,
        bias_sizes=None,
        stride=[stride, stride],
        padding=[padding, padding],
        dilation=[1, 1],
        transposed=False,
        output_padding=[0, 0],
        groups=op.groups,
        output_mask=[which == 0, which == 1, False],
    )[which]
    return found


def _phases(x: Tensor, every: int) -> Tensor:
    """Returns each of the every * every grids of cells as an image of its own, in channels-last.

    Sides that are no multiple are filled up with zeros, which a padded convolution sees there anyway.
    """
    batch, channels, height, width = x.shape
    if height % every or width % every:
        x = functional.pad(x, (0, -width % every, 0, -height % every))
    rows, columns = -(-height // every), -(-width // every)
    cells = x.permute(0, 2, 3, 1).reshape(batch, rows, every, columns, every, channels)
    grids = cells.permute(2, 4, 0, 1, 3, 5).reshape(-1, rows, columns, channels)
    return grids.permute(0, 3, 1, 2)


def _spread(found: Tensor, like: Tensor, every: int) -> Tensor:
    """Puts values into the cells of the first phase; the others are zeros."""
    whole = torch.zeros_like(like)
    whole[:, :, ::every, ::every] = found
    return whole


def _number(sides: int | tuple[int, int]) -> int:
    assert isinstance(sides, int)  # see `quick`
    return sides
