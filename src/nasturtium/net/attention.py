"""What layers over rows of features do, written once for tensors and for the nodes of a graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt
from typing import Any

import torch
from torch import fx

from nasturtium.space import layers as ir


def attend(op: ir.Attention, query: Any, key: Any, value: Any) -> Any:
    """Returns softmax(Q K^T / sqrt(d)) V of each head, d features a head (Vaswani et al. 2017, eq. 1).

    Args:
        op: Number of heads and features.
        query: [batch, tokens, features].
        key: [batch, keys, features].
        value: [batch, keys, features].

    Returns:
        [batch, tokens, features]. Differentiable twice, which torch's fused attention is not.
    """
    size = op.features // op.heads
    queries, keys, values = (torch.unflatten(one, 2, (op.heads, size)) for one in (query, key, value))
    agreement = torch.einsum("bqhd,bkhd->bhqk", queries, keys) * (1 / sqrt(size))
    if op.causal:
        past = torch.tril(torch.ones_like(agreement))
        agreement = torch.masked_fill(agreement, torch.eq(past, 0), float("-inf"))
    return torch.flatten(torch.einsum("bhqk,bkhd->bqhd", torch.softmax(agreement, 3), values), 2)


def rows(_: ir.Tokens, x: Any) -> Any:
    """Returns [batch, channels, height, width] as [batch, height * width, channels]."""
    return torch.transpose(torch.flatten(x, 2), 1, 2)


def mean_row(_: ir.TokenMean, x: Any) -> Any:
    """Returns the mean over the rows of [batch, tokens, features]."""
    return torch.mean(x, 1)


def numbers(op: ir.Words, x: Any) -> Any:
    """Returns one row of [batch, rows, tokens] as whole numbers below the size of the vocabulary."""
    return torch.remainder(torch.select(x, 1, op.row).to(torch.int64), op.size)


def places(_: ir.Places, x: Any) -> Any:
    """Returns 0, 1, 2 ... for each row of [batch, tokens]."""
    return torch.cumsum(torch.ones_like(x), 1) - 1


def last_row(_: ir.LastToken, x: Any) -> Any:
    """Returns the last row of [batch, tokens, features]."""
    return torch.select(x, 1, -1)


def columns(_: ir.Transposed, x: Any) -> Any:
    """Returns [batch, tokens, features] as [batch, features, tokens]."""
    return torch.transpose(x, 1, 2)


# What each layer does, and how many nodes of a graph it becomes.
ROWS: dict[type, tuple[Callable[..., Any], int]] = {
    ir.Attention: (attend, 8),
    ir.LastToken: (last_row, 1),
    ir.Places: (places, 3),
    ir.TokenMean: (mean_row, 1),
    ir.Tokens: (rows, 2),
    ir.Transposed: (columns, 1),
    ir.Words: (numbers, 3),
}


def node_count(op: ir.Op) -> int:
    """Returns how many nodes `written` writes."""
    return ROWS[type(op)][1] + (4 if isinstance(op, ir.Attention) and op.causal else 0)


def written(op: ir.Op, inputs: Sequence[fx.Node]) -> fx.Node:
    """Writes one of these layers into the graph of its inputs; returns the node of its output."""
    tracer = fx.proxy.GraphAppendingTracer(inputs[0].graph)
    made = ROWS[type(op)][0](op, *(fx.Proxy(node, tracer) for node in inputs))
    node: fx.Node = made.node
    return node
