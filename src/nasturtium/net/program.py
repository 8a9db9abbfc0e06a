"""What a supernet runs for one point: its layers in order, each value computed once and freed early."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from math import gcd, prod, sqrt
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from nasturtium.net.attention import ROWS
from nasturtium.net.build import channels, module
from nasturtium.net.depthwise import depthwise, quick
from nasturtium.net.mix import weighted_sum
from nasturtium.net.slices import part
from nasturtium.space import layers as ir

Weights: TypeAlias = Sequence[Tensor]  # of a mixture: per decision, [options]
Bank: TypeAlias = Callable[[ir.Layer], nn.Module | None]  # where the weights of a layer are
Run: TypeAlias = Callable[[Sequence[Tensor], "_Now"], Tensor]

# What may be computed once where it is asked for twice: it has no weights, and does not draw.
_PURE = (
    *(ir.Activation, ir.Pool, ir.GlobalPool, ir.Flatten, ir.Zero, ir.Pad, ir.Take, ir.Resize),
    *(ir.Multiply, ir.Concat, ir.Tokens, ir.TokenMean, ir.Attention),
    *(ir.Words, ir.Places, ir.LastToken, ir.Transposed),
)
_SHARED = (ir.Conv2d, ir.BatchNorm, ir.LayerNorm, ir.Linear, ir.Embed)
_INPLACE = {"relu": functional.relu, "relu6": functional.relu6}
# Whose backward pass does not look at the output, so that what comes next may write over it.
_FORGETFUL = (ir.Conv2d, ir.BatchNorm, ir.Linear)


@dataclass(slots=True)
class Node:
    """A layer as it is run.

    Attributes:
        layer: What it does.
        inputs: Nodes that it reads; -1 is the network's input.
        terms: Of a weighted sum, what each input is multiplied by.
        scale: Of a norm, what its output is multiplied by.
        inplace: Whether it writes over its input.
    """

    layer: ir.Layer
    inputs: tuple[int, ...]
    terms: tuple[ir.Term, ...] = ()
    scale: ir.Term = ()
    inplace: bool = False


@dataclass(frozen=True, slots=True)
class _Now:
    """What the layers of one forward pass have in common."""

    training: bool
    shares: Mapping[ir.Term, Tensor]
    inplace: bool  # whether a value may be written over
    remember: bool = True  # whether norms update their statistics


@dataclass(frozen=True, slots=True)
class _Step:
    run: Run
    reads: tuple[int, ...]
    dead: tuple[int, ...]  # values that nobody reads after it


class Program:
    """The layers of one point as functions.

    A mixture costs less than its layers one by one: what several options compute alike (the activation that
    all of them begin with) is computed once; a norm that ends an option takes the option's weight as its
    scale, so that its product is neither computed nor stored; and the options of all edges into one node are
    added up in one go.

    Args:
        network: The layers.
        bank: Gives the shared weights of a layer, None where it has none.
    """

    def __init__(self, network: ir.Network, bank: Bank) -> None:
        nodes = arranged(network, bank)
        last = {index: number for number, node in enumerate(nodes) for index in node.inputs}
        self._steps = []
        for number, node in enumerate(nodes):
            dead = {index + 1 for index in node.inputs if last[index] == number}
            if number not in last and number != len(nodes) - 1:
                dead.add(number + 1)  # no output depends on it
            reads = tuple(index + 1 for index in node.inputs)
            self._steps.append(_Step(_function(node, bank(node.layer)), reads, tuple(sorted(dead))))
        self._terms = {term for node in nodes for term in (*node.terms, node.scale) if term}
        self._sizes = [prod(network.input_shape), *(prod(node.layer.shape) for node in nodes)]

    def __call__(self, x: Tensor, weights: Weights, *, training: bool, recompute: bool = False) -> Tensor:
        """Returns the output for images [batch, ...].

        Args:
            x: Images.
            weights: Of a mixture; a path needs none.
            training: Whether norms take the batch's statistics, and dropout drops.
            recompute: Whether to keep few values for the backward pass, and compute the others once more.
        """
        shares = {term: _share(term, weights) for term in self._terms}
        values: dict[int, Tensor] = {0: x}
        recompute = recompute and torch.is_grad_enabled()
        now = _Now(training, shares, inplace=not recompute)  # a value between two parts is needed twice
        if recompute:
            for first, last in self._segments:
                values = self._checkpointed(first, last, values, now)
        else:
            self._run(0, len(self._steps), values, now)
        return values[len(self._steps)]

    @cached_property
    def _segments(self) -> list[tuple[int, int]]:
        """The parts that are computed once more in the backward pass, each as (first step, one past last).

        With s values inside of a part and b between parts, T of all take T b / s + s: least where s is the
        root of T b (Chen et al. 2016, arXiv:1604.06174, section 4.1).
        """
        alive, live = [], self._sizes[0]
        for number, step in enumerate(self._steps):
            live += self._sizes[number + 1] - sum(self._sizes[index] for index in step.dead)
            alive.append(live)
        found, first, begun = [], 0, 0
        for number in range(len(self._steps) - 1):
            begun += self._sizes[number + 1]
            best = alive[number] <= min(alive[number : number + 8])  # no better place comes soon
            if best and begun >= sqrt(sum(self._sizes) * alive[number]):
                found.append((first, number + 1))
                first, begun = number + 1, 0
        return [*found, (first, len(self._steps))]

    def _run(self, first: int, last: int, values: dict[int, Tensor], now: _Now) -> None:
        for number in range(first, last):
            step = self._steps[number]
            values[number + 1] = step.run([values[index] for index in step.reads], now)
            for index in step.dead:
                del values[index]  # memory goes back as soon as nobody needs it

    def _checkpointed(self, first: int, last: int, values: dict[int, Tensor], now: _Now) -> dict[int, Tensor]:
        """Runs some steps without keeping what they compute; returns the values that later ones read."""
        names, left = tuple(values), list[int]()
        again = replace(now, remember=False)

        def segment(*given: Tensor) -> tuple[Tensor, ...]:
            # The second run is the backward pass's, and must not update statistics another time.
            known = dict(zip(names, given, strict=True))
            self._run(first, last, known, again if left else now)
            left[:] = known
            return tuple(known.values())

        made: tuple[Tensor, ...] = checkpoint(segment, *values.values(), use_reentrant=False)
        return dict(zip(left, made, strict=True))


def arranged(network: ir.Network, bank: Bank) -> list[Node]:
    """Returns the layers of a network as they are best run; its output is the last."""
    nodes = _merged(_distinct(network, bank))
    uses = _uses(nodes)
    for node in nodes:
        node.inplace = _may_overwrite(nodes, node, uses)
        if node.terms:
            scaled = list(node.terms)
            for place, index in enumerate(node.inputs):
                if index >= 0 and uses[index] == 1 and isinstance(nodes[index].layer.op, ir.BatchNorm):
                    nodes[index].scale, scaled[place] = scaled[place], ()
            node.terms = tuple(scaled)
    return nodes


def _distinct(network: ir.Network, bank: Bank) -> list[Node]:
    """Leaves out layers that compute what another has computed."""
    nodes: list[Node] = []
    known: dict[object, int] = {}

    def number_of(layer: ir.Layer, inputs: tuple[int, ...], *, last: bool = False) -> int:
        same: object = None
        if not last:
            if isinstance(layer.op, _PURE) or _stateless(layer, bank):
                same = (layer.op, inputs)
            elif isinstance(layer.op, _SHARED):
                same = (layer.op, inputs, layer.key)
        if same is None or same not in known:
            terms = layer.op.terms if isinstance(layer.op, ir.Mix) else ()
            nodes.append(Node(layer, inputs, terms))
            known[same] = len(nodes) - 1
            return len(nodes) - 1
        return known[same]

    numbers = {-1: -1}
    shapes = [network.input_shape, *(layer.shape for layer in network.layers)]
    mixture = any(isinstance(layer.op, ir.Mix) for layer in network.layers)
    for index, layer in enumerate(network.layers):
        inputs = tuple(numbers[one] for one in layer.inputs)
        computed = layer
        if mixture and (parts := _on_grid(layer, shapes[layer.inputs[0] + 1])):
            grid, computed = parts
            inputs = (number_of(grid, inputs),)
        numbers[index] = number_of(computed, inputs, last=index == len(network.layers) - 1)
    return nodes


def _on_grid(layer: ir.Layer, shape: ir.Shape) -> tuple[ir.Layer, ir.Layer] | None:
    """Splits a convolution that sees none but every n-th row and column of its input.

    The rows and columns are then taken once for all such options of all edges, and their gradients are added
    up before the others are filled with zeros.

    Args:
        layer: Any layer.
        shape: Of its input.

    Returns:
        What takes them, and the same convolution of what is taken; None where all are seen.
    """
    op = layer.op
    if not (isinstance(op, ir.Conv2d) and isinstance(op.kernel, int) and isinstance(op.stride, int)):
        return None
    every = op.stride if op.kernel == 1 else gcd(op.stride, op.dilation)
    if every == 1 or op.kernel % 2 == 0 or not op.padded:
        return None
    sides = (-(-side // every) for side in shape[1:])
    taken = ir.Layer(f"{layer.name}.grid", ir.Pool("avg", 1, every), layer.inputs, (shape[0], *sides))
    dilation = max(1, op.dilation // every)
    return taken, replace(layer, op=replace(op, stride=op.stride // every, dilation=dilation))


def _stateless(layer: ir.Layer, bank: Bank) -> bool:
    """Whether a norm has neither scale nor statistics, so that all norms of one value are the same."""
    if not isinstance(layer.op, ir.BatchNorm):
        return False
    shared = bank(layer)
    return shared is not None and not shared.state_dict()


def _merged(nodes: list[Node]) -> list[Node]:
    """Puts a mixture that only a sum reads into the sum."""
    uses = _uses(nodes)
    gone: set[int] = set()
    for node in nodes:
        if not isinstance(node.layer.op, ir.Add):
            continue
        inputs, terms = list[int](), list[ir.Term]()
        for index in node.inputs:
            inner = nodes[index]
            if index >= 0 and inner.terms and uses[index] == 1:
                gone.add(index)
                inputs += inner.inputs
                terms += inner.terms
            else:
                inputs.append(index)
                terms.append(())
        if any(terms):
            node.inputs, node.terms = tuple(inputs), tuple(terms)
    if not gone:
        return nodes
    kept = [number for number in range(len(nodes)) if number not in gone]
    new = {-1: -1} | {old: number for number, old in enumerate(kept)}
    for old in kept:
        nodes[old].inputs = tuple(new[index] for index in nodes[old].inputs)
    return [nodes[old] for old in kept]


def _may_overwrite(nodes: Sequence[Node], node: Node, uses: Mapping[int, int]) -> bool:
    op = node.layer.op
    if not isinstance(op, ir.Activation) or op.kind not in _INPLACE or node.inputs[0] < 0:
        return False
    return uses[node.inputs[0]] == 1 and isinstance(nodes[node.inputs[0]].layer.op, _FORGETFUL)


def _uses(nodes: Sequence[Node]) -> dict[int, int]:
    """Returns how often each value is read; the last one also by whoever asked for it."""
    uses = dict.fromkeys(range(-1, len(nodes)), 0)
    uses[len(nodes) - 1] = 1
    for node in nodes:
        for index in node.inputs:
            uses[index] += 1
    return uses


def _share(term: ir.Term, weights: Weights) -> Tensor:
    shares = [weights[decision][option] for decision, option in term]
    return shares[0] if len(shares) == 1 else torch.stack(shares).prod()


def _function(node: Node, shared: nn.Module | None) -> Run:
    op = node.layer.op
    if node.terms:
        return partial(_sum, node.terms)
    if node.inplace and isinstance(op, ir.Activation):
        kind = _INPLACE[op.kind]
        return lambda inputs, now: kind(inputs[0], inplace=now.inplace)
    return _plain(op) if shared is None else _weighted(op, shared, node.scale)


def _weighted(op: ir.Op, shared: nn.Module, scale: ir.Term) -> Run:
    if isinstance(op, ir.Conv2d):
        return partial(_conv, op, shared)
    if isinstance(op, ir.BatchNorm):
        return partial(_norm, op, shared, scale)
    if isinstance(op, ir.Linear):
        return partial(_linear, op, shared)
    if isinstance(op, ir.Embed):
        return lambda inputs, _: functional.embedding(inputs[0], part(op, shared)["weight"])
    if isinstance(op, ir.LayerNorm):
        return partial(_layer_norm, op, shared)
    return lambda inputs, _: shared(inputs[0])


def _sum(terms: Sequence[ir.Term], inputs: Sequence[Tensor], now: _Now) -> Tensor:
    return weighted_sum(inputs, [now.shares[term] if term else None for term in terms])


def _plain(op: ir.Op) -> Run:
    if isinstance(op, ir.Dropout):
        return lambda inputs, now: functional.dropout(inputs[0], op.rate, now.training)
    if isinstance(op, ir.Take):
        return lambda inputs, _: inputs[0][channels(op)]
    if type(op) in ROWS:
        of_rows, _ = ROWS[type(op)]
        return lambda inputs, _: of_rows(op, *inputs)
    if type(op) in _PLAIN:
        run = _PLAIN[type(op)]
        return lambda inputs, _: run(inputs)
    made = _module(op)
    return lambda inputs, _: made(inputs[0])


_module = lru_cache(maxsize=256)(module)  # without weights one does for all
_PLAIN: Mapping[type, Callable[[Sequence[Tensor]], Tensor]] = {
    ir.Add: lambda inputs: sum(inputs[1:], inputs[0]),
    ir.Concat: lambda inputs: torch.cat(list(inputs), 1),
    ir.Multiply: lambda inputs: inputs[0] * inputs[1],
    ir.Zero: lambda inputs: torch.zeros_like(inputs[0]),
}


def _conv(op: ir.Conv2d, shared: nn.Module, inputs: Sequence[Tensor], _: _Now) -> Tensor:
    state = part(op, shared)
    if quick(op, inputs[0]):
        return depthwise(inputs[0], state["weight"], op)
    bias = state.get("bias")
    return functional.conv2d(inputs[0], state["weight"], bias, op.stride, op.padding, op.dilation, op.groups)


def _linear(op: ir.Linear, shared: nn.Module, inputs: Sequence[Tensor], _: _Now) -> Tensor:
    state = part(op, shared)
    return functional.linear(inputs[0], state["weight"], state.get("bias"))


def _layer_norm(op: ir.LayerNorm, shared: nn.Module, inputs: Sequence[Tensor], _: _Now) -> Tensor:
    state = part(op, shared)
    return functional.layer_norm(inputs[0], (op.features,), state["weight"], state["bias"])


def _norm(op: ir.BatchNorm, shared: nn.Module, scale: ir.Term, inputs: Sequence[Tensor], now: _Now) -> Tensor:
    state = part(op, shared)
    mean, variance = state.get("running_mean"), state.get("running_var")
    by_batch = now.training or mean is None
    momentum = 0.1 if now.remember else 0.0  # torch's own; 0 leaves the statistics as they are
    weight, bias = state.get("weight"), state.get("bias")
    if scale:
        share = now.shares[scale]
        weight = share.expand(op.features).contiguous() if weight is None else weight * share
        bias = None if bias is None else bias * share
    return functional.batch_norm(inputs[0], mean, variance, weight, bias, by_batch, momentum)
