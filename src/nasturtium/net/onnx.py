"""A built module as an ONNX graph.

The graph is written node by node, in milliseconds. torch's own exporter takes 4 to 9 seconds for a small
network, which a search that measures every candidate in onnxruntime cannot pay; it is asked only for what is
not known here: a user's own modules.
"""

import copy
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import fx, nn

from nasturtium.errors import ConfigError
from nasturtium.net.onnx_graph import Graph
from nasturtium.net.onnx_layers import RANKS, writer_of

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
        writer_of(model, node) is None for node in model.graph.nodes
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


def _by_hand(model: fx.GraphModule, input_shape: Sequence[int]) -> Any:
    from onnx import TensorProto, helper, shape_inference

    graph = Graph()
    for node in model.graph.nodes:
        if node.op == "placeholder":
            graph.names[node] = INPUT
            graph.ranks[INPUT] = 1 + len(input_shape)
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


def _write(graph: Graph, model: fx.GraphModule, node: fx.Node) -> None:
    writer = writer_of(model, node)
    assert writer is not None
    layer = model.get_submodule(str(node.target)) if node.op == "call_module" else None
    # The module's path names the value and its weights, so that a viewer shows the names of the space.
    name = str(node.target) if layer is not None and len(node.users) == 1 else node.name
    inputs: list[str] = []
    fx.map_arg(node.args, lambda one: inputs.append(graph.names[one]))  # one may come twice: x + x
    writer(graph, node.args if layer is None else layer, inputs, name)
    graph.names[node] = name
    kind = node.target if layer is None else type(layer)
    graph.ranks[name] = RANKS.get(kind, graph.ranks[inputs[0]])


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
