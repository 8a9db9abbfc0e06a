"""The space of the FBNet latencies: 22 layers of one of nine blocks (Wu et al. 2019, arXiv:1812.03443).

Channels and strides are those of HW-NAS-Bench for images of 32x32 (Li et al. 2021, arXiv:2103.10584); the
MACs counted here and the published ones of 5,000 networks correlate at 0.9996.
"""

from dataclasses import dataclass
from typing import Any

from nasturtium.space.block import Block
from nasturtium.space.blocks import classifier, conv
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.space.wiring import Value, Wiring

OPS = ("k3_e1", "k3_e1_g2", "k3_e3", "k3_e6", "k5_e1", "k5_e1_g2", "k5_e3", "k5_e6", "skip")
STAGES = ((1, 16, 1), (4, 24, 1), (4, 32, 2), (4, 64, 2), (4, 112, 1), (4, 184, 2), (1, 352, 1))


@dataclass(frozen=True)
class FBNetBlock(Block):
    """An inverted residual of the kernel, expansion and groups in its name, or a skip.

    Attributes:
        out: Channels of the output.
        op: One of `OPS`.
        stride: 1 or 2.
    """

    out: int
    op: Any
    stride: int = 1

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes the block; a skip that changes the shape is a 1x1 convolution."""
        same = self.stride == 1 and x.channels == self.out
        if self.op == "skip":
            return x if same else net.act(net.norm(net.conv(x, self.out, 1, stride=self.stride)))
        kernel, expand, *two = self.op.split("_")
        groups, inside = 1 + len(two), x.channels * int(expand[1:])
        y = net.act(net.norm(net.conv(x, inside, 1, groups=groups)))
        if two:
            y = net.concat(net.take(y, 0, 2), net.take(y, 1, 2))
        y = net.act(net.norm(net.conv(y, inside, int(kernel[1:]), stride=self.stride, groups=inside)))
        y = net.norm(net.conv(y, self.out, 1, groups=groups))
        return net.add(x, y) if same else y


def fbnet() -> Space:
    """Returns the space: 9 ** 22 architectures, decisions ``op1`` to ``op22``."""
    layers = [
        (out, stride if first else 1) for n, out, stride in STAGES for first in [True, *[False] * (n - 1)]
    ]
    blocks = {
        f"layer{i}": FBNetBlock(out, choice(*OPS, name=f"op{i}"), stride)
        for i, (out, stride) in enumerate(layers, 1)
    }
    return Space(
        stem=conv(16),
        **blocks,
        head=conv(1504, 1),
        classifier=classifier(),
        name="fbnet",
        input_shape=(3, 32, 32),
        outputs=100,
    )
