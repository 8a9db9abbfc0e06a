"""Modules of a user's own, in a file of their own."""

import math

import torch
from torch import Tensor, nn

from nasturtium.errors import ExportError

SCALE = 0.5


def soften(x: Tensor) -> Tensor:
    return torch.tanh(x * SCALE)


class Swish(nn.Module):
    def __init__(self, beta: float = 1.0) -> None:
        super().__init__()
        self.beta = beta

    def forward(self, x: Tensor) -> Tensor:
        return soften(x) * torch.sigmoid(self.beta * x)


class Mixer(nn.Module):
    """A block with a helper class, a helper function, a constant and an import."""

    def __init__(self, channels: int, depth: int = 1) -> None:
        super().__init__()
        self.channels, self.depth = channels, depth
        self.layers = nn.Sequential(*(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(depth)))
        self.act = Swish(math.sqrt(2))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.act(self.layers(x))


class Leans(nn.Module):
    """Needs nasturtium to run."""

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() != 4:
            raise ExportError("not an image")
        return x
