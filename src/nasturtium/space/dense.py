"""Layers over plain features, for multilayer perceptrons."""

from dataclasses import dataclass

from nasturtium.errors import ShapeError
from nasturtium.space.block import Block
from nasturtium.space.wiring import Value, Wiring


@dataclass(frozen=True)
class Dense(Block):
    """A fully connected layer, activation and dropout; an image is flattened first.

    Attributes:
        out: Number of units; 0 takes the task's outputs.
        act: Activation.
        dropout: Rate after the activation, 0 for none.
    """

    out: int = 0
    act: str = "relu"
    dropout: float = 0

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes flatten where there is an image, linear, activation, dropout."""
        out = self.out or net.outputs
        if not out:
            raise ShapeError("the dense layer does not know how many outputs: say dense(10), or bind a task")
        x = net.flatten(x) if len(x.shape) > 1 else x
        return net.dropout(net.act(net.linear(x, out), self.act), self.dropout)

    @property
    def label(self) -> str:
        """For example ``dense -> 64, tanh, dropout 0.3``."""
        act = f", {self.act}" if self.act != "none" else ""
        dropout = f", dropout {self.dropout:g}" if self.dropout else ""
        return f"dense -> {self.out or 'outputs'}{act}{dropout}"
