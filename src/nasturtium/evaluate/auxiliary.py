"""A second classifier in the middle of a network, for its training alone."""

import torch
from torch import nn

from nasturtium.space.layers import BlockSpan, Network, Shape


def auxiliary_head(shape: Shape, classes: int, seed: int) -> nn.Module:
    """Returns the auxiliary classifier of NASNet and DARTS: [batch, *shape] to logits [batch, classes].

    ReLU, a mean over two by two windows, 1x1 convolution to 128, a convolution over what is left to 768, each
    with normalisation and ReLU, and a linear layer. For 8x8 and 7x7 inputs the windows are those of the
    released networks for CIFAR-10 and ImageNet (quark0/darts, cnn/model.py).

    Args:
        shape: [channels, height, width] of what it reads.
        classes: Number of outputs.
        seed: Of the initial weights.
    """
    channels, height, width = shape
    window = (min(5, max(1, height - 1)), min(5, max(1, width - 1)))
    stride = (max(1, height - window[0]), max(1, width - window[1]))
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return nn.Sequential(
            nn.ReLU(),
            nn.AvgPool2d(window, stride),
            nn.Conv2d(channels, 128, 1, bias=False),
            nn.BatchNorm2d(128),
            nn.ReLU(),
            nn.Conv2d(128, 768, (min(2, height), min(2, width)), bias=False),
            nn.BatchNorm2d(768),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(768, classes),
        )


def auxiliary_place(network: Network) -> int:
    """Returns the index of the layer that an auxiliary head reads.

    It is the output of the first block that has the height and width of the last feature map: in DARTS and
    NASNet the second reduction. Where nothing is halved on the way it is that of the block two thirds up.
    """
    maps = [span for span in _outermost(network) if _is_map(network, span)]
    if not maps:
        return len(network.layers) - 1
    last = network.layers[maps[-1].last].shape[1:]
    first = next(i for i, span in enumerate(maps) if network.layers[span.last].shape[1:] == last)
    return maps[first or 2 * len(maps) // 3].last


def _outermost(network: Network) -> list[BlockSpan]:
    """The blocks that lie in no other."""
    spans: list[BlockSpan] = []
    for span in sorted(network.blocks, key=lambda one: (one.first, -one.last)):
        if not spans or span.first > spans[-1].last:
            spans.append(span)
    return spans


def _is_map(network: Network, span: BlockSpan) -> bool:
    """Whether a block gives a picture, and not the values of a classifier."""
    return len(network.layers[span.last].shape) == 3
