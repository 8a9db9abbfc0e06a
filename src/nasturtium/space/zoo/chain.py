"""A chain of layers, the textbook space: per layer an operation, a width, and whether to skip over it."""

from dataclasses import dataclass

from nasturtium.space.block import Block, unknown_op
from nasturtium.space.blocks import classifier, max_pool
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.space.wiring import Value, Wiring
from nasturtium.space.zoo import check_size

OPS = ("conv3x3", "conv5x5", "maxpool3x3")


@dataclass(frozen=True)
class ChainLayer(Block):
    """One layer of the chain.

    Attributes:
        op: ``conv3x3``, ``conv5x5`` (each with norm and ReLU) or ``maxpool3x3`` (with a 1x1 where the width
            changes).
        channels: Width of the output.
        skip: Whether the input is added to the output, projected by a 1x1 where the width changes.
    """

    op: str
    channels: int
    skip: bool

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes the operation, and the sum where it skips."""
        if self.op not in OPS:
            raise unknown_op("chain layer", self.op, OPS)
        if self.op == "maxpool3x3":
            y = self._project(net, net.pool(x, "max", 3))
        else:
            with net.scope("", self.op):
                y = net.act(net.norm(net.conv(x, self.channels, int(self.op[-1]))))
        if not self.skip:
            return y
        with net.scope("skip"):
            shortcut = self._project(net, x)
        return net.add(shortcut, y)

    def _project(self, net: Wiring, x: Value) -> Value:
        return x if x.channels == self.channels else net.norm(net.conv(x, self.channels))

    @property
    def label(self) -> str:
        """For example ``conv3x3 -> 32, skip``."""
        return f"{self.op} -> {self.channels}{', skip' if self.skip else ''}"


def chain(size: str = "small") -> Space:
    """Returns the chain space: 18 options per layer, so 18 ** layers architectures.

    Args:
        size: ``small`` has four layers, halved in the middle, for images of 8x8 to 32x32; ``published``, the
            size of lectures, has ten, halved after the third and the sixth.
    """
    check_size(size)
    layers, halved_after = (4, (2,)) if size == "small" else (10, (3, 6))
    blocks: dict[str, Block] = {}
    for i in range(1, layers + 1):
        blocks[f"layer{i}"] = ChainLayer(
            choice(*OPS), choice(16, 32, 64), choice(False, True, labels=("no", "yes"))
        )
        if i in halved_after:
            blocks[f"halve{i}"] = max_pool(2, stride=2)
    return Space(**blocks, classifier=classifier(), name="chain", input_shape=(3, 32, 32), outputs=10)
