"""An ONNX graph that is being written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from torch import Tensor, fx


@dataclass(slots=True)
class Graph:
    """What has been written so far.

    Attributes:
        nodes: ONNX nodes, in order.
        tensors: ONNX initialisers.
        names: ONNX name of the value of each fx node.
        ranks: Number of dimensions of each value.
    """

    nodes: list[Any] = field(default_factory=list)
    tensors: list[Any] = field(default_factory=list)
    names: dict[fx.Node, str] = field(default_factory=dict)
    ranks: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> None:
        """Adds a node of one output."""
        from onnx import helper

        self.nodes.append(helper.make_node(kind, list(inputs), [output], name=output, **attributes))

    def tensor(self, name: str, value: Tensor) -> str:
        """Adds numbers; returns their name."""
        from onnx import numpy_helper

        self.tensors.append(numpy_helper.from_array(value.detach().cpu().contiguous().numpy(), name))
        return name


# Graph, module or arguments of a function, names of the inputs, name of the output.
Writer: TypeAlias = Callable[[Graph, Any, list[str], str], None]
