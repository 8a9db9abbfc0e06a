"""Dropping whole paths of a network while it is trained."""

import torch
from torch import Tensor, nn

from nasturtium.space.layers import Add, Network

# What blocks call the way past their branch.
SHORTCUTS = ("shortcut", "skip")


class DropPath(nn.Module):
    """Zeroes its input for a share of the images, and divides the rest by the share that is kept.

    So the mean over many draws is the input (Larsson, Maire and Shakhnarovich 2017, arXiv:1605.07648; one
    draw an image, as in NASNet and DARTS). Outside of training it passes its input on.

    Attributes:
        rate: Share of the images whose input is dropped, 0..1; a training raises it step by step.
    """

    rate: float

    def __init__(self) -> None:
        super().__init__()
        self.rate = 0.0

    def forward(self, x: Tensor) -> Tensor:
        """Returns `x`, [batch, ...], with some images zeroed."""
        if not self.training or self.rate <= 0:
            return x
        keep = 1.0 - self.rate
        kept = torch.empty(len(x), *(1,) * (x.ndim - 1), dtype=x.dtype, device=x.device).bernoulli_(keep)
        return x * (kept / keep)


def drop_rate(most: float, step: int, steps: int) -> float:
    """Returns the rate at a step (from 0): it grows linearly from 0 towards `most`.

    Zoph et al. 2018 (arXiv:1707.07012), appendix A.7, ScheduledDropPath.

    Differs: DARTS raises it once an epoch, ENAS also with the depth of the cell.
    """
    return most * step / steps


def droppable(network: Network) -> tuple[tuple[int, int], ...]:
    """Returns (sum, summand) of each path that may be dropped, as indices of layers.

    These are the summands written inside the block that sums: the operations of a cell and the branch of a
    residual block, but not a state or an input that is passed on unchanged, nor a projected shortcut.
    """
    layers = network.layers
    found = []
    for index, layer in enumerate(layers):
        scope = layer.name.rpartition(".")[0] + "."
        if not isinstance(layer.op, Add) or scope == ".":
            continue
        for one in layer.inputs:
            name = layers[one].name if one >= 0 else ""
            past = name.removeprefix(scope).partition(".")[0] in SHORTCUTS
            if name.startswith(scope) and not past and layer.inputs.count(one) == 1:
                found.append((index, one))
    return tuple(found)
