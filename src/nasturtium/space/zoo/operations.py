"""The operations of cell spaces, under the names that genotypes are published with.

All begin with the activation and end with the normalisation. Whatever its input has, an operation gives
`filters` channels, so that states of other widths (a stem, two states side by side) can be read too.
"""

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

from nasturtium.space.block import unknown_op
from nasturtium.space.wiring import Value, Wiring

Style: TypeAlias = Literal["nasnet", "darts", "enas"]
Operation: TypeAlias = Callable[[Wiring, Value, int, int], Value]  # net, input, filters, stride


def operate(net: Wiring, x: Value, op: str, filters: int, *, stride: int, style: Style) -> Value:
    """Writes one operation.

    Args:
        net: Takes the layers down.
        x: Its input, [channels, height, width].
        op: A name of `OPERATIONS`.
        filters: Channels of the output.
        stride: 1 or 2.
        style: How a skip halves its input: by a 1x1 convolution of stride 2 (``nasnet``) or by a factorised
            reduction (``darts``, ``enas``).

    Raises:
        UnknownOp: No operation of that name.
    """
    if op == "skip_connect" and style != "nasnet" and stride == 2:
        return factorised_reduction(net, x, filters)
    if op not in OPERATIONS:
        raise unknown_op("cell", op, tuple(OPERATIONS))
    return OPERATIONS[op](net, x, filters, stride)


def projection(net: Wiring, x: Value, filters: int, stride: int = 1) -> Value:
    """Writes activation, 1x1 convolution and normalisation."""
    return net.norm(net.conv(net.act(x), filters, stride=stride))


def factorised_reduction(net: Wiring, x: Value, filters: int) -> Value:
    """Halves height and width and loses no cell: two 1x1 convolutions of stride 2, one shifted by a cell.

    Zoph et al. 2018 (arXiv:1707.07012), appendix A.
    """
    x = net.act(x)
    left = net.conv(x, filters // 2, stride=2)
    shifted = net.pad(x, rows=(-1, 1), columns=(-1, 1), name="shift")
    return net.norm(net.concat(left, net.conv(shifted, filters - filters // 2, stride=2)))


def _separable(kernel: int, *, times: int = 2, dilation: int = 1) -> Operation:
    """Depthwise and pointwise convolution, `times` over; only the first has the stride."""

    def write(net: Wiring, x: Value, filters: int, stride: int) -> Value:
        for number in range(times):
            step, groups = stride if number == 0 else 1, x.channels
            x = net.act(x)
            x = net.conv(x, groups, kernel, stride=step, groups=groups, dilation=dilation, name="depthwise")
            x = net.norm(net.conv(x, filters, name="pointwise"))
        return x

    return write


def _bottleneck(*kernels: tuple[int, int], share: float = 0.25, dilation: int = 1) -> Operation:
    """Full convolutions on a share of the channels, between two 1x1.

    The papers do not say that their full convolutions are narrow inside; the released code of AmoebaNet
    (tensorflow/tpu, models/official/amoeba_net/network_utils.py) does so.
    """

    def write(net: Wiring, x: Value, filters: int, stride: int) -> Value:
        inner = int(filters * share) or filters
        x = projection(net, x, inner)
        for height, width in kernels:
            steps = (stride if height > 1 else 1, stride if width > 1 else 1)
            kernel = height if height == width else (height, width)
            step = steps[0] if steps[0] == steps[1] else steps
            x = net.norm(net.conv(net.act(x), inner, kernel, stride=step, dilation=dilation))
        return projection(net, x, filters)

    return write


def _pool(kind: str, kernel: int) -> Operation:
    def write(net: Wiring, x: Value, filters: int, stride: int) -> Value:
        x = net.pool(x, kind, kernel, stride=stride)
        return x if x.channels == filters else net.norm(net.conv(x, filters))

    return write


def _skip(net: Wiring, x: Value, filters: int, stride: int) -> Value:
    return x if stride == 1 and x.channels == filters else projection(net, x, filters, stride)


OPERATIONS: Mapping[str, Operation] = {
    "skip_connect": _skip,
    "avg_pool_3x3": _pool("avg", 3),
    "max_pool_2x2": _pool("max", 2),
    "max_pool_3x3": _pool("max", 3),
    "max_pool_5x5": _pool("max", 5),
    "max_pool_7x7": _pool("max", 7),
    "sep_conv_3x3": _separable(3),
    "sep_conv_5x5": _separable(5),
    "sep_conv_7x7": _separable(7),
    "dil_conv_3x3": _separable(3, times=1, dilation=2),
    "dil_conv_5x5": _separable(5, times=1, dilation=2),
    "dil_sep_conv_5x5": _separable(5, dilation=2),
    "conv_1x1": projection,
    "conv_3x3": _bottleneck((3, 3)),
    "dilated_conv_3x3": _bottleneck((3, 3), dilation=2),
    "conv_1x3_3x1": _bottleneck((1, 3), (3, 1), share=3 / 8),
    "conv_1x7_7x1": _bottleneck((1, 7), (7, 1)),
}
