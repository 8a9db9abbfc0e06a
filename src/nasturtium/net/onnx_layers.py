"""How each layer of a built module is written as nodes of an ONNX graph."""

import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import fx, nn

from nasturtium.net import onnx_words as words
from nasturtium.net.onnx_graph import Graph, Writer
from nasturtium.space import layers as ir


def writer_of(model: fx.GraphModule, node: fx.Node) -> Writer | None:
    """Returns what writes a node; None for one that only torch's exporter can."""
    if node.op in ("placeholder", "output"):
        return _skip
    if node.op == "call_function":
        return FUNCTIONS.get(node.target) if _plain_call(node) else None
    if node.op == "call_method":
        return words.whole if node.target == "to" and node.args[1:] == (torch.int64,) else None
    if node.op == "call_module":
        made = model.get_submodule(str(node.target))
        writer = MODULES.get(type(made))
        return writer if writer and _plain(made) else None
    return None


def _plain_call(node: fx.Node) -> bool:
    """Whether a function is called on values alone, and torch.cat and an index on channels."""
    if node.target in SETTINGS:
        return not node.kwargs and SETTINGS[node.target](node.args[1:])
    if node.target is torch.cat:
        return node.args[1:] == (1,) and not node.kwargs
    if node.target is operator.getitem:
        _, index = node.args
        return isinstance(index, tuple) and index[0] == slice(None) and _goes_on(*index[1:])
    if node.target is operator.mul and len(node.args) == 2 and isinstance(node.args[1], float):
        return True
    return not node.kwargs and all(isinstance(one, fx.Node) for one in node.args)


def _goes_on(*channels: object) -> bool:
    """Whether an index of channels is one slice that leads to the last of them."""
    return len(channels) == 1 and isinstance(channels[0], slice) and channels[0].stop is None


def _plain(made: nn.Module) -> bool:
    """Whether a layer uses only those settings that its writer below knows."""
    known = PLAIN.get(type(made))
    return known is None or known(made)


PLAIN: dict[type[nn.Module], Callable[[Any], bool]] = {
    nn.Conv2d: lambda made: made.padding_mode == "zeros" and not isinstance(made.padding, str),
    nn.BatchNorm2d: lambda made: made.affine and made.track_running_stats,
    nn.AdaptiveAvgPool2d: lambda made: made.output_size in (1, (1, 1)),
    nn.AvgPool2d: lambda made: made.divisor_override is None,
    nn.MaxPool2d: lambda made: not made.return_indices,
    nn.Embedding: lambda made: made.max_norm is None,
    nn.LayerNorm: lambda made: len(made.normalized_shape) == 1 and made.bias is not None,
    nn.Flatten: lambda made: (made.start_dim, made.end_dim) == (1, -1),
    nn.Upsample: lambda made: (
        made.mode in ir.INTERPOLATIONS and isinstance(made.size, tuple) and not made.align_corners
    ),
}


def _pair(value: int | tuple[int, ...]) -> list[int]:
    return [value, value] if isinstance(value, int) else list(value)


def _skip(graph: Graph, made: Any, inputs: list[str], name: str) -> None:
    graph.add("Identity", inputs, name)


def _conv(graph: Graph, made: nn.Conv2d, inputs: list[str], name: str) -> None:
    weights = [graph.tensor(f"{name}.{key}", value) for key, value in made.named_parameters()]
    graph.add(
        "Conv",
        inputs + weights,
        name,
        kernel_shape=list(made.kernel_size),
        strides=list(made.stride),
        pads=_pair(made.padding) * 2,  # type: ignore[arg-type]  # text was refused by _plain
        dilations=list(made.dilation),
        group=made.groups,
    )


def _norm(graph: Graph, made: nn.BatchNorm2d, inputs: list[str], name: str) -> None:
    keys = ("weight", "bias", "running_mean", "running_var")
    weights = [graph.tensor(f"{name}.{key}", getattr(made, key)) for key in keys]
    graph.add("BatchNormalization", inputs + weights, name, epsilon=made.eps)


def _linear(graph: Graph, made: nn.Linear, inputs: list[str], name: str) -> None:
    if graph.ranks[inputs[0]] != 2:  # Gemm multiplies nothing but matrices
        weight = graph.tensor(f"{name}.weight", made.weight.T)
        graph.add("MatMul", [*inputs, weight], name if made.bias is None else f"{name}.product")
        if made.bias is not None:
            graph.add("Add", [f"{name}.product", graph.tensor(f"{name}.bias", made.bias)], name)
        return
    weights = [graph.tensor(f"{name}.{key}", value) for key, value in made.named_parameters()]
    graph.add("Gemm", inputs + weights, name, transB=1)


def _layer_norm(graph: Graph, made: nn.LayerNorm, inputs: list[str], name: str) -> None:
    weights = [graph.tensor(f"{name}.{key}", value) for key, value in made.named_parameters()]
    graph.add("LayerNormalization", inputs + weights, name, epsilon=made.eps)


def _max_pool(graph: Graph, made: nn.MaxPool2d, inputs: list[str], name: str) -> None:
    graph.add("MaxPool", inputs, name, dilations=_pair(made.dilation), **_window(made))


def _avg_pool(graph: Graph, made: nn.AvgPool2d, inputs: list[str], name: str) -> None:
    graph.add("AveragePool", inputs, name, count_include_pad=int(made.count_include_pad), **_window(made))


def _window(made: nn.MaxPool2d | nn.AvgPool2d) -> dict[str, Any]:
    return {
        "kernel_shape": _pair(made.kernel_size),
        "strides": _pair(made.stride),
        "pads": _pair(made.padding) * 2,
        "ceil_mode": int(made.ceil_mode),
    }


def _pad(graph: Graph, made: nn.ZeroPad2d | nn.ZeroPad3d, inputs: list[str], name: str) -> None:
    left, right, above, below, *channels = made.padding
    first, last = channels or (0, 0)
    pads = torch.tensor([0, first, above, left, 0, last, below, right])
    graph.add("Pad", [*inputs, graph.tensor(f"{name}.pads", pads)], name)


def _resize(graph: Graph, made: nn.Upsample, inputs: list[str], name: str) -> None:
    sides = graph.tensor(f"{name}.sides", torch.tensor(made.size))
    # torch's cubic has -0.75 where most others have -0.5, as ONNX has unless told.
    kind = {"bilinear": "linear", "bicubic": "cubic"}[made.mode]
    graph.add("Resize", [*inputs, "", "", sides], name, axes=[2, 3], mode=kind, cubic_coeff_a=-0.75)


def _silu(graph: Graph, made: Any, inputs: list[str], name: str) -> None:
    graph.add("Sigmoid", inputs, f"{name}.gate")
    graph.add("Mul", [inputs[0], f"{name}.gate"], name)


def _relu6(graph: Graph, made: Any, inputs: list[str], name: str) -> None:
    bounds = [graph.tensor(f"{name}.{bound}", torch.tensor(float(bound))) for bound in (0, 6)]
    graph.add("Clip", inputs + bounds, name)


def _zeros(graph: Graph, made: Any, inputs: list[str], name: str) -> None:
    graph.add("Shape", inputs, f"{name}.shape")
    graph.add("ConstantOfShape", [f"{name}.shape"], name)


def _take(graph: Graph, made: tuple[Any, ...], inputs: list[str], name: str) -> None:
    index = made[1][1]
    ends = {
        "starts": index.start or 0,
        "ends": torch.iinfo(torch.int64).max,
        "axes": 1,
        "steps": index.step or 1,
    }
    tensors = [graph.tensor(f"{name}.{key}", torch.tensor([value])) for key, value in ends.items()]
    graph.add("Slice", inputs + tensors, name)


def _product(graph: Graph, made: tuple[Any, ...], inputs: list[str], name: str) -> None:
    factors = [graph.tensor(f"{name}.factor", torch.tensor(one)) for one in made if isinstance(one, float)]
    graph.add("Mul", inputs + factors, name)


def _split_heads(graph: Graph, made: tuple[Any, ...], inputs: list[str], name: str) -> None:
    _, dimension, sizes = made
    shape = graph.tensor(f"{name}.shape", torch.tensor([0] * dimension + list(sizes)))
    graph.add("Reshape", [*inputs, shape], name)


def _join(graph: Graph, made: tuple[Any, ...], inputs: list[str], name: str) -> None:
    shape = graph.tensor(f"{name}.shape", torch.tensor([0] * made[1] + [-1]))
    graph.add("Reshape", [*inputs, shape], name)


def _mean(graph: Graph, made: tuple[Any, ...], inputs: list[str], name: str) -> None:
    graph.add(
        "ReduceMean", [*inputs, graph.tensor(f"{name}.axes", torch.tensor([made[1]]))], name, keepdims=0
    )


def _transpose(graph: Graph, made: tuple[Any, ...], inputs: list[str], name: str) -> None:
    order = list(range(graph.ranks[inputs[0]]))
    _, one, other = made
    order[one], order[other] = other, one
    graph.add("Transpose", inputs, name, perm=order)


def _gelu(graph: Graph, made: nn.GELU, inputs: list[str], name: str) -> None:
    graph.add("Gelu", inputs, name, approximate=made.approximate)


def _plainly(kind: str, **attributes: Any) -> Writer:
    def write(graph: Graph, made: Any, inputs: list[str], name: str) -> None:
        graph.add(kind, inputs, name, **attributes)

    return write


MODULES: dict[type[nn.Module], Writer] = {
    nn.Conv2d: _conv,
    nn.BatchNorm2d: _norm,
    nn.Linear: _linear,
    nn.Embedding: words.embedding,
    nn.LayerNorm: _layer_norm,
    nn.MaxPool2d: _max_pool,
    nn.AvgPool2d: _avg_pool,
    nn.AdaptiveAvgPool2d: _plainly("GlobalAveragePool"),
    nn.Flatten: _plainly("Flatten", axis=1),
    nn.Upsample: _resize,
    nn.ZeroPad2d: _pad,
    nn.ZeroPad3d: _pad,
    nn.Dropout: _skip,
    nn.Identity: _skip,
    nn.ReLU: _plainly("Relu"),
    nn.ReLU6: _relu6,
    nn.Hardswish: _plainly("HardSwish"),
    nn.Hardsigmoid: _plainly("HardSigmoid", alpha=1 / 6, beta=0.5),
    nn.Sigmoid: _plainly("Sigmoid"),
    nn.SiLU: _silu,
    nn.GELU: _gelu,
    nn.Tanh: _plainly("Tanh"),
    nn.ELU: _plainly("Elu", alpha=1.0),
    nn.LeakyReLU: _plainly("LeakyRelu", alpha=0.01),
}

FUNCTIONS: dict[Any, Writer] = {
    operator.add: _plainly("Add"),
    operator.mul: _product,
    torch.cat: _plainly("Concat", axis=1),
    torch.zeros_like: _zeros,
    operator.getitem: _take,
    torch.unflatten: _split_heads,
    torch.flatten: _join,
    torch.transpose: _transpose,
    torch.mean: _mean,
    torch.einsum: lambda graph, made, inputs, name: graph.add("Einsum", inputs, name, equation=made[0]),
    torch.softmax: lambda graph, made, inputs, name: graph.add("Softmax", inputs, name, axis=made[1]),
    torch.select: words.select,
    torch.remainder: words.remainder,
    torch.cumsum: words.cumsum,
    torch.ones_like: words.ones,
    torch.tril: _plainly("Trilu", upper=0),
    torch.eq: words.equal,
    torch.masked_fill: words.masked,
    operator.sub: words.difference,
}
# Of functions that are called with numbers beside values, whether they are those that rows of features need.
SETTINGS: dict[Any, Callable[[tuple[Any, ...]], bool]] = {
    torch.unflatten: lambda given: given[0] == 2 and len(given[1]) == 2,
    torch.flatten: lambda given: given == (2,),
    torch.transpose: lambda given: given == (1, 2),
    torch.mean: lambda given: given == (1,),
    torch.softmax: lambda given: given == (3,),
    torch.einsum: lambda given: len(given) == 2,
    torch.select: lambda given: given[0] == 1,
    torch.remainder: lambda given: isinstance(given[0], int),
    torch.cumsum: lambda given: given == (1,),
    torch.ones_like: lambda given: not given,
    torch.tril: lambda given: not given,
    torch.eq: lambda given: isinstance(given[0], int),
    torch.masked_fill: lambda given: isinstance(given[1], float),
    operator.sub: lambda given: isinstance(given[0], int),
}
# Number of dimensions of what changes it.
RANKS: dict[Any, int] = {
    nn.Embedding: 3,
    nn.Flatten: 2,
    torch.flatten: 3,
    torch.mean: 2,
    torch.select: 2,
    torch.unflatten: 4,
}
