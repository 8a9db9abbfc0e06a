"""How what language models do with numbers of words, and with masks, is written as nodes of an ONNX graph."""

from typing import Any

import torch
from torch import nn

from nasturtium.net.onnx_graph import Graph


def embedding(graph: Graph, made: nn.Embedding, inputs: list[str], name: str) -> None:
    """Writes rows of a table."""
    graph.add("Gather", [graph.tensor(f"{name}.weight", made.weight), *inputs], name, axis=0)


def whole(graph: Graph, made: tuple[Any, ...], inputs: list[str], name: str) -> None:
    """Writes numbers as whole ones."""
    from onnx import TensorProto

    graph.add("Cast", inputs, name, to=TensorProto.INT64)


def select(graph: Graph, made: tuple[Any, ...], inputs: list[str], name: str) -> None:
    """Writes one index of a dimension."""
    graph.add("Gather", [*inputs, graph.tensor(f"{name}.index", torch.tensor(made[2]))], name, axis=made[1])


def remainder(graph: Graph, made: tuple[Any, ...], inputs: list[str], name: str) -> None:
    """Writes whole numbers modulo one."""
    graph.add("Mod", [*inputs, graph.tensor(f"{name}.size", torch.tensor(made[1]))], name)


def cumsum(graph: Graph, made: tuple[Any, ...], inputs: list[str], name: str) -> None:
    """Writes sums up to each place."""
    graph.add("CumSum", [*inputs, graph.tensor(f"{name}.axis", torch.tensor(made[1]))], name)


def ones(graph: Graph, made: Any, inputs: list[str], name: str) -> None:
    """Writes ones of a value's shape and type."""
    graph.add("Shape", inputs, f"{name}.shape")
    graph.add("Expand", [_number(graph, 1.0, inputs[0], name), f"{name}.shape"], name)


def difference(graph: Graph, made: tuple[Any, ...], inputs: list[str], name: str) -> None:
    """Writes a value less a number."""
    graph.add("Sub", [*inputs, _number(graph, made[1], inputs[0], name)], name)


def equal(graph: Graph, made: tuple[Any, ...], inputs: list[str], name: str) -> None:
    """Writes where a value is a number."""
    graph.add("Equal", [*inputs, _number(graph, made[1], inputs[0], name)], name)


def masked(graph: Graph, made: tuple[Any, ...], inputs: list[str], name: str) -> None:
    """Writes a value with a number where a mask holds."""
    value, mask = inputs
    graph.add("Where", [mask, _number(graph, made[2], value, name), value], name)


def _number(graph: Graph, number: float, like: str, name: str) -> str:
    """Writes a number of the type of a value; returns its name."""
    given = graph.tensor(f"{name}.given", torch.tensor(float(number)))
    graph.add("CastLike", [given, like], f"{name}.number")
    return f"{name}.number"
