"""Depthwise kernels of several sizes in one: each is made of the centre of the next larger one."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from nasturtium.space import layers as ir


class KernelTransforms(nn.Module):
    """The matrices between the sizes of a depthwise kernel; all its channels share them.

    Cai et al. 2020 (Once-for-all, arXiv:1908.09791), section 3.2: weights that serve as the centre of a large
    kernel need not serve as a small one. The centre of a kernel, row by row, times a matrix is the next
    smaller kernel, and so on down. The matrices begin as the identity, so that a smaller kernel begins as the
    centre of a larger. Between sides of 7, 5 and 3 they are 25 * 25 + 9 * 9 = 706 numbers.

    Args:
        sides: Of the square kernels.
    """

    def __init__(self, sides: Iterable[int]) -> None:
        super().__init__()
        _, *self.sides = sorted(set(sides), reverse=True)
        self.matrices = nn.ParameterDict({str(side): nn.Parameter(torch.eye(side**2)) for side in self.sides})

    def forward(self, kernels: Tensor, side: int) -> Tensor:
        """Returns kernels [channels, 1, side, side] made of the largest, [channels, 1, height, width]."""
        for smaller in self.sides:
            if smaller >= side:
                rows = functional.linear(_centre(kernels, smaller).flatten(1), self.matrices[str(smaller)])
                kernels = rows.view(-1, 1, smaller, smaller)
        return _centre(kernels, side)


def elastic_sides(ops: Sequence[ir.Op]) -> set[int]:
    """Returns the sides of depthwise kernels that share weights; none where there is one size only.

    Args:
        ops: Layers of one key. Where any is not depthwise, or not square, nothing is returned.
    """
    convs = [op for op in ops if isinstance(op, ir.Conv2d) and op.groups == op.inputs == op.outputs]
    sides = {ir.both(op.kernel) for op in convs}
    if len(convs) < len(ops) or len(sides) < 2 or any(height != width for height, width in sides):
        return set()
    return {height for height, _ in sides}


def _centre(kernels: Tensor, side: int) -> Tensor:
    first = (kernels.shape[-1] - side) // 2
    return kernels[..., first : first + side, first : first + side]
