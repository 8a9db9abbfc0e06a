"""The subnet of a path as a plain module that has the supernet's weights."""

import torch
from torch import fx

from nasturtium.architecture import Architecture
from nasturtium.net.build import build
from nasturtium.net.supernet import Supernet


def extract(supernet: Supernet, architecture: Architecture) -> fx.GraphModule:
    """Returns the network of `architecture` with copies of the weights that its path uses.

    Its output equals that of the supernet on that path. Where the supernet has no running statistics, the
    norms of the subnet have none of use either: `evaluate.recalibrate` finds them.

    Returns:
        A module as `net.build` makes it, on the device and in the mode of the supernet.
    """
    network = supernet.space.network(architecture)
    like = next(supernet.parameters())
    model = build(network, seed=0).to(device=like.device, dtype=like.dtype)
    state = model.state_dict()
    with torch.no_grad():
        for name, view in supernet.state_of(network):
            state[name].copy_(view)
    return model.train(supernet.training)
