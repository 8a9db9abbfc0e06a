"""A module's graph as the lines of a `forward` that a person would write."""

import math
import operator
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count

import torch
from torch import fx, nn

from nasturtium.errors import ExportError
from nasturtium.export.constructor import arguments

# Functions that are called as they stand, with numbers beside values.
CALLED = (
    *(torch.unflatten, torch.flatten, torch.transpose, torch.mean, torch.einsum, torch.softmax),
    *(torch.select, torch.remainder, torch.cumsum, torch.ones_like, torch.tril, torch.eq, torch.masked_fill),
)
SIGNS = {operator.add: "+", operator.mul: "*", operator.sub: "-"}
LONGEST = 96  # characters of an expression; with indentation and name it then fits a line of 110
# Layers without weights are called as functions, with the arguments that their constructor takes.
FUNCTIONAL: dict[type[nn.Module], str] = {
    nn.ReLU: "F.relu",
    nn.ReLU6: "F.relu6",
    nn.Hardswish: "F.hardswish",
    nn.Hardsigmoid: "F.hardsigmoid",
    nn.Sigmoid: "torch.sigmoid",
    nn.SiLU: "F.silu",
    nn.GELU: "F.gelu",
    nn.Tanh: "torch.tanh",
    nn.ELU: "F.elu",
    nn.LeakyReLU: "F.leaky_relu",
    nn.MaxPool2d: "F.max_pool2d",
    nn.AvgPool2d: "F.avg_pool2d",
    nn.AdaptiveAvgPool2d: "F.adaptive_avg_pool2d",
    nn.Upsample: "F.interpolate",
}


@dataclass(frozen=True, slots=True)
class Statement:
    """One line of `forward`.

    Attributes:
        node: The last node that it computes.
        name: The variable that it sets.
        text: The expression.
    """

    node: fx.Node
    name: str
    text: str


@dataclass(slots=True)
class _Expression:
    """An expression that is not yet in a statement.

    Attributes:
        text: Its source.
        reads: Nodes whose variables it reads, once per time.
    """

    text: str
    reads: Counter[fx.Node] = field(default_factory=Counter)


def statements(
    model: fx.GraphModule, attributes: Mapping[str, str], block_of: Mapping[fx.Node, str]
) -> list[Statement]:
    """Returns the lines that compute a module's output from ``x``; the last one's value is the output.

    Nodes keep their order, so that results are equal to the last bit. A chain such as convolution, norm,
    activation becomes one line; a variable is used again when its value has been read for the last time.

    Args:
        model: Its graph, without dead code.
        attributes: Name of the attribute of each submodule that has one, by path.
        block_of: Block of each node; no line belongs to two.

    Raises:
        ExportError: The graph calls something that has no source here.
    """
    variables: dict[fx.Node, str] = {}
    waiting: dict[fx.Node, _Expression] = {}
    unread = {node: sum(_reads(user, node) for user in node.users) for node in model.graph.nodes}
    lines: list[Statement] = []
    for node in model.graph.nodes:
        if node.op == "placeholder":
            variables[node] = "x"
        if node.op in ("placeholder", "output"):
            continue
        made = _expression(model, node, attributes, variables, waiting)
        if block_of[node] == block_of[node.next] and _joins_next(model, node, made, attributes):
            waiting[node] = made
            continue
        for one, times in made.reads.items():
            unread[one] -= times
        ended = [one for one in made.reads if not unread[one]]
        name = _name([variables[one] for one in ended], variables, unread)
        for one in ended:
            del variables[one]
        variables[node] = name
        lines.append(Statement(node, name, made.text))
    return lines


def _expression(
    model: fx.GraphModule,
    node: fx.Node,
    attributes: Mapping[str, str],
    variables: Mapping[fx.Node, str],
    waiting: dict[fx.Node, _Expression],
) -> _Expression:
    inputs: list[str] = []
    reads: Counter[fx.Node] = Counter()
    for one in _inputs(node):
        if one in waiting:
            inner = waiting.pop(one)
            inputs.append(inner.text)
            reads += inner.reads
        else:
            inputs.append(variables[one])
            reads[one] += 1
    return _Expression(_call(model, node, attributes, inputs), reads)


def _call(model: fx.GraphModule, node: fx.Node, attributes: Mapping[str, str], inputs: list[str]) -> str:
    if node.op == "call_function":
        return _function(node, inputs)
    if node.op == "call_method" and node.target == "to":
        return f"{inputs[0]}.to({node.args[1]})"
    if node.op != "call_module":
        raise ExportError(f"{node.format_node()} has no readable source; export to .onnx or .pt2")
    path = str(node.target)
    module = model.get_submodule(path)
    if path in attributes:
        return f"self.{attributes[path]}({', '.join(inputs)})"
    if isinstance(module, nn.Flatten):
        ends = [module.start_dim] if module.end_dim == -1 else [module.start_dim, module.end_dim]
        return f"torch.flatten({', '.join([*inputs, *map(str, ends)])})"
    settings = arguments(module)
    return f"{FUNCTIONAL[type(module)]}({', '.join([*inputs, *([settings] if settings else [])])})"


def _function(node: fx.Node, inputs: list[str]) -> str:
    if node.target is torch.cat:
        return f"torch.cat([{', '.join(inputs)}], dim={node.args[1]})"
    if node.target is torch.zeros_like:
        return f"torch.zeros_like({inputs[0]})"
    if node.target is operator.getitem and isinstance(node.args[1], tuple):
        return f"{inputs[0]}[{', '.join(_index(one) for one in node.args[1])}]"
    if node.target in CALLED:
        names = iter(inputs)
        given = (next(names) if isinstance(one, fx.Node) else _constant(one) for one in node.args)
        return f"torch.{node.target.__name__}({', '.join(given)})"
    if node.target in SIGNS and len(node.args) == 2:
        both = inputs if len(inputs) == 2 else [*inputs, repr(node.args[1])]
        return f" {SIGNS[node.target]} ".join(both)
    raise ExportError(f"{node.format_node()} has no readable source; export to .onnx or .pt2")


def _constant(one: object) -> str:
    if isinstance(one, float) and not math.isfinite(one):
        return f'float("{one}")'
    return f'"{one}"' if isinstance(one, str) else repr(one)


def _index(one: object) -> str:
    if not isinstance(one, slice):
        return repr(one)
    parts = ["" if end is None else str(end) for end in (one.start or None, one.stop, one.step)]
    return ":".join(parts if parts[2] else parts[:2])


def _joins_next(
    model: fx.GraphModule, node: fx.Node, made: _Expression, attributes: Mapping[str, str]
) -> bool:
    """Whether an expression goes into the line of the next node instead of one of its own."""
    user = node.next
    if list(node.users) != [user] or _reads(user, node) != 1:
        return False
    if user.op == "call_function":  # a sum of sums reads from left to right without brackets
        return node.target is user.target is operator.add and _inputs(user)[0] is node
    if user.op != "call_module" or isinstance(model.get_submodule(str(user.target)), nn.Conv2d):
        return False
    return len(_call(model, user, attributes, [made.text])) <= LONGEST


def _name(ended: list[str], variables: Mapping[fx.Node, str], unread: Mapping[fx.Node, int]) -> str:
    """Returns the name of a variable whose value was read for the last time, or else a new one."""
    if ended:
        return min(ended, key=lambda name: (name != "x", ended.index(name)))
    taken = {name for node, name in variables.items() if unread[node]}
    return next(name for name in _names() if name not in taken)


def _names() -> Iterator[str]:
    yield from "xyzuvw"
    yield from (f"x{number}" for number in count(1))


def _inputs(node: fx.Node) -> list[fx.Node]:
    found: list[fx.Node] = []
    fx.map_arg((node.args, node.kwargs), found.append)
    return found


def _reads(user: fx.Node, node: fx.Node) -> int:
    return sum(one is node for one in _inputs(user))
