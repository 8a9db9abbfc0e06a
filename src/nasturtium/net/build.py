"""A network as a plain torch module: layers of torch.nn joined by a torch.fx graph, no class of ours in it.

So it can be pickled, exported, compiled and fused like any module, and loaded where nasturtium is not there.
"""

import operator
from collections.abc import Callable
from functools import singledispatch
from itertools import islice
from typing import Any

import torch
from torch import fx, nn

from nasturtium.errors import ShapeError, SpaceError
from nasturtium.net.attention import ROWS, node_count, written
from nasturtium.space import layers as ir

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "hardswish": nn.Hardswish,
    "hardsigmoid": nn.Hardsigmoid,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "tanh": nn.Tanh,
    "elu": nn.ELU,
    "leaky_relu": nn.LeakyReLU,
}


def build(network: ir.Network, seed: int | None = None) -> fx.GraphModule:
    """Returns the network as a module that maps [batch, *input_shape] to [batch, outputs].

    Args:
        network: What `Space.network` gives.
        seed: Of the initial weights, which then do not depend on (or disturb) torch's global generator; None
            draws from the global generator.

    Returns:
        A module in training mode. The keys of its state are the names of the layers.
    """
    if seed is None:
        return _assemble(network)
    with torch.random.fork_rng(devices=[]):
        # The CPU's generator alone: torch.manual_seed would also reseed a GPU's, which is not put back.
        torch.default_generator.manual_seed(seed)
        return _assemble(network)


def _assemble(network: ir.Network) -> fx.GraphModule:
    root = nn.Module()
    graph = fx.Graph()
    x = graph.placeholder("x")
    nodes: list[fx.Node] = []
    for layer in network.layers:
        inputs = tuple(x if index < 0 else nodes[index] for index in layer.inputs)
        function = FUNCTIONS.get(type(layer.op))
        if isinstance(layer.op, ir.Take):
            nodes.append(graph.call_function(operator.getitem, (*inputs, channels(layer.op))))
        elif type(layer.op) in ROWS:
            nodes.append(written(layer.op, inputs))
        elif function is not None:
            nodes.append(function(graph, inputs))
        else:
            place(root, layer.name, module(layer.op))
            nodes.append(graph.call_module(layer.name, inputs))
    graph.output(nodes[-1])
    return fx.GraphModule(root, graph, class_name="Network")


def layer_nodes(network: ir.Network, model: fx.GraphModule) -> list[tuple[fx.Node, ...]]:
    """Returns the nodes that each layer of `network` became in the module that `build` made of it.

    The last of a layer's nodes gives its output; a sum of n values has n - 1 nodes.
    """
    nodes = (node for node in model.graph.nodes if node.op not in ("placeholder", "output"))
    return [
        tuple(islice(nodes, len(layer.inputs) - 1 if isinstance(layer.op, ir.Add) else _count(layer.op)))
        for layer in network.layers
    ]


def _count(op: ir.Op) -> int:
    return node_count(op) if type(op) in ROWS else 1


@singledispatch
def module(op: ir.Op) -> nn.Module:
    """Returns the torch module of one layer, freshly initialised."""
    raise TypeError(f"no torch module is known for {op!r}")


@module.register
def _(op: ir.Conv2d) -> nn.Module:
    conv = nn.Conv2d(
        op.inputs,
        op.outputs,
        op.kernel,
        op.stride,
        padding=op.padding,
        dilation=op.dilation,
        groups=op.groups,
        bias=op.bias,
    )
    # He et al. 2015 (arXiv:1502.01852), eq. 14: keeps the variance of gradients through ReLU layers.
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return conv


@module.register
def _(op: ir.BatchNorm) -> nn.Module:
    return nn.BatchNorm2d(op.features)


@module.register
def _(op: ir.LayerNorm) -> nn.Module:
    return nn.LayerNorm(op.features)


@module.register
def _(op: ir.Embed) -> nn.Module:
    return nn.Embedding(op.size, op.features)


@module.register
def _(op: ir.Activation) -> nn.Module:
    return ACTIVATIONS[op.kind]()


@module.register
def _(op: ir.Pool) -> nn.Module:
    if op.kind == "max":
        return nn.MaxPool2d(op.kernel, op.stride, padding=op.padding)
    return nn.AvgPool2d(op.kernel, op.stride, padding=op.padding, count_include_pad=False)


@module.register
def _(op: ir.GlobalPool) -> nn.Module:
    return nn.AdaptiveAvgPool2d(1)


@module.register
def _(op: ir.Pad) -> nn.Module:
    edges = (*op.columns, *op.rows)
    return nn.ZeroPad3d((*edges, 0, op.channels)) if op.channels else nn.ZeroPad2d(edges)


@module.register
def _(op: ir.Resize) -> nn.Module:
    return nn.Upsample((op.height, op.width), mode=op.kind, align_corners=False)


@module.register
def _(op: ir.Flatten) -> nn.Module:
    return nn.Flatten()


@module.register
def _(op: ir.Linear) -> nn.Module:
    return nn.Linear(op.inputs, op.outputs, bias=op.bias)


@module.register
def _(op: ir.Dropout) -> nn.Module:
    return nn.Dropout(op.rate)


@module.register
def _(op: ir.Custom) -> nn.Module:
    made = op.block.build(op.input_shape)
    if not isinstance(made, nn.Module):
        raise ShapeError(
            f"{op.block!r}.build returned {type(made).__name__}; it must return a torch.nn.Module"
        )
    return made


def _sum(graph: fx.Graph, inputs: tuple[fx.Node, ...]) -> fx.Node:
    total = inputs[0]
    for value in inputs[1:]:
        total = graph.call_function(operator.add, (total, value))
    return total


def channels(op: ir.Take) -> tuple[slice, slice]:
    """Returns the index that takes the channels of a layer's input, [batch, channels, ...]."""
    return slice(None), slice(op.first, None, op.step)


FUNCTIONS: dict[type, Callable[[fx.Graph, tuple[fx.Node, ...]], fx.Node]] = {
    ir.Add: _sum,
    ir.Multiply: lambda graph, inputs: graph.call_function(operator.mul, inputs),
    ir.Concat: lambda graph, inputs: graph.call_function(torch.cat, (list(inputs), 1)),
    ir.Zero: lambda graph, inputs: graph.call_function(torch.zeros_like, inputs),
}


def place(root: nn.Module, name: str, made: nn.Module) -> None:
    """Puts a module at a dotted name below `root`, with plain modules for the parts between."""
    *parents, last = name.split(".")
    here: Any = root
    for part in parents:
        if part not in here._modules:
            _add(here, part, nn.Module())
        here = getattr(here, part)
    _add(here, last, made)


def _add(here: nn.Module, name: str, made: nn.Module) -> None:
    if hasattr(here, name):
        raise SpaceError(
            f"a block or layer is called {name!r}, which every torch module has; give it another name"
        )
    here.add_module(name, made)
