"""The networks of which `zc_fbnet.npz` has scores, as their authors describe them.

FBNet's macro-architecture (Wu et al. 2019, arXiv:1812.03443, Table 1) for 32x32 images and 100 classes:
strides 1 in the stem and in stages 1, 2, 5 and 7.
"""

from collections.abc import Sequence

import torch
from torch import nn

WIDTHS = (16, *[24] * 4, *[32] * 4, *[64] * 4, *[112] * 4, *[184] * 4, 352)
STRIDES = {5: 2, 9: 2, 17: 2}  # by layer, 1 elsewhere
HEAD = 1504


def fbnet(ops: Sequence[str], seed: int = 0) -> nn.Module:
    """Returns the network with these 22 operations, such as ``k5_e6``, ``k3_e1_g2`` and ``skip``."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        layers: list[nn.Module] = [_unit(3, 16, 3)]
        before = 16
        for i, (op, width) in enumerate(zip(ops, WIDTHS, strict=True)):
            layers.append(_layer(op, before, width, STRIDES.get(i, 1)))
            before = width
        ends = [_unit(before, HEAD, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(HEAD, 100)]
        network = nn.Sequential(*layers, *ends)
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.001)
        return network


class Residual(nn.Module):
    """An inverted bottleneck beside the identity."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns the sum."""
        return x + self.body(x)


def _layer(op: str, inputs: int, outputs: int, stride: int) -> nn.Module:
    same = inputs == outputs and stride == 1
    if op == "skip":
        return nn.Identity() if same else _unit(inputs, outputs, 1, stride)
    words = {word[0]: int(word[1:]) for word in op.split("_")}
    kernel, middle, groups = words["k"], inputs * words["e"], words.get("g", 1)
    body = nn.Sequential(
        _unit(inputs, middle, 1, groups=groups),
        nn.ChannelShuffle(groups) if groups > 1 else nn.Identity(),
        _unit(middle, middle, kernel, stride, groups=middle),
        nn.Conv2d(middle, outputs, 1, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    )
    return Residual(body) if same else body


def _unit(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Module:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())
