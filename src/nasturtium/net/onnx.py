"""A built module as an ONNX graph.

The graph is written node by node, in milliseconds. torch's own exporter takes 4 to 9 seconds for a small
network, which a search that measures every candidate in onnxruntime cannot pay; it is asked only for what is
not known here: a user's own modules.
"""

import copy
import logging
import operator
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx, nn

from nasturtium.errors import ConfigError

OPSET = 20  # the first with Gelu
IR_VERSION = 9
INPUT, OUTPUT = "input", "logits"


def onnx_model(model: nn.Module, input_shape: Sequence[int]) -> Any:
    """Returns an ``onnx.ModelProto`` of what a module does in eval mode.

    Args:
        model: Maps [batch, *input_shape] to logits; called ``input`` and ``logits`` there.
        input_shape: Of one input, without the batch, which stays free.

    Raises:
        ConfigError: onnx is not installed.
    """
    require("onnx")
    if not isinstance(model, fx.GraphModule) or any(
        _writer(model, node) is None for node in model.graph.nodes
    ):
        return _by_torch(model, input_shape)
    return _by_hand(model, input_shape)


def require(package: str) -> None:
    """Imports an optional package, or says how to install it.

    Raises:
        ConfigError: It is not installed.
    """
    try:
        __import__(package)
    except ImportError as error:
        raise ConfigError(
            f"{package} is needed and not installed: pip install 'nasturtium[export]'"
        ) from error


@dataclass(slots=True)
class _Graph:
    """What has been written so far.

    Attributes:
        nodes: ONNX nodes, in order.
        tensors: ONNX initialisers.
        names: ONNX name of the value of each fx node.
    """

    nodes: list[Any] = field(default_factory=list)
    tensors: list[Any] = field(default_factory=list)
    names: dict[fx.Node, str] = field(default_factory=dict)

    def add(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> None:
        from onnx import helper

        self.nodes.append(helper.make_node(kind, list(inputs), [output], name=output, **attributes))

    def tensor(self, name: str, value: Tensor) -> str:
        from onnx import numpy_helper

        self.tensors.append(numpy_helper.from_array(value.detach().cpu().contiguous().numpy(), name))
        return name


Writer = Callable[
    [_Graph, Any, list[str], str], None
]  # graph, module, names of the inputs, name of the output


def _by_hand(model: fx.GraphModule, input_shape: Sequence[int]) -> Any:
    from onnx import TensorProto, helper, shape_inference

    graph = _Graph()
    for node in model.graph.nodes:
        if node.op == "placeholder":
            graph.names[node] = INPUT
        elif node.op == "output":
            graph.add("Identity", [graph.names[node.args[0]]], OUTPUT)
        else:
            _write(graph, model, node)
    given = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["batch", *input_shape])
    made = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, None)
    written = helper.make_model(
        helper.make_graph(graph.nodes, "network", [given], [made], graph.tensors),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="nasturtium",
    )
    return shape_inference.infer_shapes(written)


def _write(graph: _Graph, model: fx.GraphModule, node: fx.Node) -> None:
    writer = _writer(model, node)
    assert writer is not None
    made = model.get_submodule(str(node.target)) if node.op == "call_module" else None
    # The module's path names the value and its weights, so that a viewer shows the names of the space.
    name = str(node.target) if made is not None and len(node.users) == 1 else node.name
    inputs: list[str] = []
    fx.map_arg(node.args, lambda one: inputs.append(graph.names[one]))  # one may come twice: x + x
    writer(graph, node.args[1] if node.target is operator.getitem else made, inputs, name)
    graph.names[node] = name


def _writer(model: fx.GraphModule, node: fx.Node) -> Writer | None:
    if node.op in ("placeholder", "output"):
        return _skip
    if node.op == "call_function":
        return FUNCTIONS.get(node.target) if _plain_call(node) else None
    if node.op == "call_module":
        made = model.get_submodule(str(node.target))
        writer = MODULES.get(type(made))
        return writer if writer and _plain(made) else None
    return None


def _plain_call(node: fx.Node) -> bool:
    """Whether a function is called on values alone, and torch.cat and an index on channels."""
    if node.target is torch.cat:
        return node.args[1:] == (1,) and not node.kwargs
    if node.target is operator.getitem:
        _, index = node.args
        return isinstance(index, tuple) and index[0] == slice(None) and _goes_on(*index[1:])
    return not node.kwargs and all(isinstance(one, fx.Node) for one in node.args)


def _goes_on(*channels: object) -> bool:
    """Whether an index of channels is one slice that leads to the last of them."""
    return len(channels) == 1 and isinstance(channels[0], slice) and channels[0].stop is None


def _plain(made: nn.Module) -> bool:
    """Whether a layer uses only those settings that its writer below knows."""
    if isinstance(made, nn.Conv2d):
        return made.padding_mode == "zeros" and not isinstance(made.padding, str)
    if isinstance(made, nn.BatchNorm2d):
        return made.affine and made.track_running_stats
    if isinstance(made, nn.AdaptiveAvgPool2d):
        return made.output_size in (1, (1, 1))
    if isinstance(made, nn.AvgPool2d):
        return made.divisor_override is None
    if isinstance(made, nn.MaxPool2d):
        return not made.return_indices
    return not isinstance(made, nn.Flatten) or (made.start_dim, made.end_dim) == (1, -1)


def _pair(value: int | tuple[int, ...]) -> list[int]:
    return [value, value] if isinstance(value, int) else list(value)


def _skip(graph: _Graph, made: Any, inputs: list[str], name: str) -> None:
    graph.add("Identity", inputs, name)


def _conv(graph: _Graph, made: nn.Conv2d, inputs: list[str], name: str) -> None:
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


def _norm(graph: _Graph, made: nn.BatchNorm2d, inputs: list[str], name: str) -> None:
    keys = ("weight", "bias", "running_mean", "running_var")
    weights = [graph.tensor(f"{name}.{key}", getattr(made, key)) for key in keys]
    graph.add("BatchNormalization", inputs + weights, name, epsilon=made.eps)


def _linear(graph: _Graph, made: nn.Linear, inputs: list[str], name: str) -> None:
    weights = [graph.tensor(f"{name}.{key}", value) for key, value in made.named_parameters()]
    graph.add("Gemm", inputs + weights, name, transB=1)


def _max_pool(graph: _Graph, made: nn.MaxPool2d, inputs: list[str], name: str) -> None:
    graph.add("MaxPool", inputs, name, dilations=_pair(made.dilation), **_window(made))


def _avg_pool(graph: _Graph, made: nn.AvgPool2d, inputs: list[str], name: str) -> None:
    graph.add("AveragePool", inputs, name, count_include_pad=int(made.count_include_pad), **_window(made))


def _window(made: nn.MaxPool2d | nn.AvgPool2d) -> dict[str, Any]:
    return {
        "kernel_shape": _pair(made.kernel_size),
        "strides": _pair(made.stride),
        "pads": _pair(made.padding) * 2,
        "ceil_mode": int(made.ceil_mode),
    }


def _pad(graph: _Graph, made: nn.ZeroPad2d | nn.ZeroPad3d, inputs: list[str], name: str) -> None:
    left, right, above, below, *channels = made.padding
    first, last = channels or (0, 0)
    pads = torch.tensor([0, first, above, left, 0, last, below, right])
    graph.add("Pad", [*inputs, graph.tensor(f"{name}.pads", pads)], name)


def _silu(graph: _Graph, made: Any, inputs: list[str], name: str) -> None:
    graph.add("Sigmoid", inputs, f"{name}.gate")
    graph.add("Mul", [inputs[0], f"{name}.gate"], name)


def _relu6(graph: _Graph, made: Any, inputs: list[str], name: str) -> None:
    bounds = [graph.tensor(f"{name}.{bound}", torch.tensor(float(bound))) for bound in (0, 6)]
    graph.add("Clip", inputs + bounds, name)


def _zeros(graph: _Graph, made: Any, inputs: list[str], name: str) -> None:
    graph.add("Shape", inputs, f"{name}.shape")
    graph.add("ConstantOfShape", [f"{name}.shape"], name)


def _take(graph: _Graph, made: tuple[slice, slice], inputs: list[str], name: str) -> None:
    index = made[1]
    ends = {
        "starts": index.start or 0,
        "ends": torch.iinfo(torch.int64).max,
        "axes": 1,
        "steps": index.step or 1,
    }
    tensors = [graph.tensor(f"{name}.{key}", torch.tensor([value])) for key, value in ends.items()]
    graph.add("Slice", inputs + tensors, name)


def _gelu(graph: _Graph, made: nn.GELU, inputs: list[str], name: str) -> None:
    graph.add("Gelu", inputs, name, approximate=made.approximate)


def _plainly(kind: str, **attributes: Any) -> Writer:
    def write(graph: _Graph, made: Any, inputs: list[str], name: str) -> None:
        graph.add(kind, inputs, name, **attributes)

    return write


MODULES: dict[type[nn.Module], Writer] = {
    nn.Conv2d: _conv,
    nn.BatchNorm2d: _norm,
    nn.Linear: _linear,
    nn.MaxPool2d: _max_pool,
    nn.AvgPool2d: _avg_pool,
    nn.AdaptiveAvgPool2d: _plainly("GlobalAveragePool"),
    nn.Flatten: _plainly("Flatten", axis=1),
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
    operator.mul: _plainly("Mul"),
    torch.cat: _plainly("Concat", axis=1),
    torch.zeros_like: _zeros,
    operator.getitem: _take,
}


def _by_torch(model: nn.Module, input_shape: Sequence[int]) -> Any:
    require("onnxscript")
    # A batch of 2, because torch takes a size of 1 for a constant.
    example = torch.zeros(2, *input_shape)
    shapes = ({0: torch.export.Dim("batch")},)
    with _quiet():
        program = torch.onnx.export(
            copy.deepcopy(model).eval(),
            (example,),
            dynamo=True,
            dynamic_shapes=shapes,
            input_names=[INPUT],
            output_names=[OUTPUT],
            verbose=False,
        )
    assert program is not None
    return program.model_proto


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps the exporter's notes on its insides (torchvision is missing, a class is old) from the user."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
