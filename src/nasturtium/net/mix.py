"""The weighted sum of a mixture's options: the one operation that a supernet has and a network has not."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def weighted_sum(values: Sequence[Tensor], shares: Sequence[Tensor | None]) -> Tensor:
    """Returns the sum of values, each times its share.

    Args:
        values: Of one shape.
        shares: Scalars; None is 1.
    """
    ones = [values[0].new_ones(()) if share is None else share for share in shares]
    return _WeightedSum.apply(torch.stack(ones), *values)  # type: ignore[no-any-return,no-untyped-call]


class _WeightedSum(torch.autograd.Function):
    """Keeps the values and nothing else: no product of a value and its share is ever stored."""

    @staticmethod
    def forward(ctx: Any, shares: Tensor, *values: Tensor) -> Tensor:
        ctx.save_for_backward(shares, *values)
        total = values[0] * shares[0]
        for share, value in zip(shares[1:], values[1:], strict=True):
            total.addcmul_(value, share)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        shares, *values = ctx.saved_tensors
        of_shares = None
        if ctx.needs_input_grad[0]:
            of_shares = torch.stack([(gradient * value).sum() for value in values])
        of_values = (
            gradient * share if needed else None
            for share, needed in zip(shares, ctx.needs_input_grad[1:], strict=True)
        )
        return (of_shares, *of_values)
