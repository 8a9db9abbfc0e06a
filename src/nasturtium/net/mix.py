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
    places = tuple(place for place, share in enumerate(shares) if share is not None)
    if not places:
        return _sum(values)
    given = torch.stack([shares[place] for place in places])  # type: ignore[misc]
    return _WeightedSum.apply(places, given, *values)  # type: ignore[no-any-return,no-untyped-call]


def _sum(values: Sequence[Tensor]) -> Tensor:
    if len(values) == 1:
        return values[0]
    total = values[0] + values[1]
    for value in values[2:]:
        total += value  # in place: it is ours
    return total


class _WeightedSum(torch.autograd.Function):
    """Keeps the values that have a share and nothing else: no product of the two is ever stored."""

    @staticmethod
    def forward(ctx: Any, places: tuple[int, ...], shares: Tensor, *values: Tensor) -> Tensor:
        ctx.places = places
        ctx.save_for_backward(shares, *(values[place] for place in places))
        share_of = dict(zip(places, shares, strict=True))
        total = values[0] * share_of[0] if 0 in share_of else values[0].clone()
        for place, value in enumerate(values[1:], 1):
            if place in share_of:
                total.addcmul_(value, share_of[place])
            else:
                total.add_(value)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        shares, *values = ctx.saved_tensors
        gradient = _dense(gradients[0])
        of_shares = None
        if ctx.needs_input_grad[1]:
            like = gradient.to(shares.dtype)
            lines = (_line(value.to(shares.dtype), like) for value in values)
            of_shares = torch.stack([torch.dot(_line(like, like), line) for line in lines])
        of_values: list[Tensor | None] = [gradient if needed else None for needed in ctx.needs_input_grad[2:]]
        for place, share in zip(ctx.places, shares, strict=True):
            if of_values[place] is not None:
                of_values[place] = gradient * share
        return (None, of_shares, *of_values)


def _dense(gradient: Tensor) -> Tensor:
    """Returns it without gaps, which the part of a concatenation has: norms are several times slower then."""
    last = gradient.dim() == 4 and gradient.stride(1) == 1
    return gradient.contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)


def _line(value: Tensor, like: Tensor) -> Tensor:
    """Returns the numbers of a value in the order in which `like` has them in memory, so mostly as a view."""
    if like.dim() == 4 and like.is_contiguous(memory_format=torch.channels_last):
        value = value.permute(0, 2, 3, 1)
    return value.reshape(-1)
