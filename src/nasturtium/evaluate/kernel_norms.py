"""How strong the edges of a trained supernet are, by the norms of their kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from nasturtium.architecture import Architecture
from nasturtium.evaluate.gradient import Found
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Candidate
from nasturtium.space.layers import Conv2d

if TYPE_CHECKING:
    from nasturtium.evaluate.training import Feed, Pair, Training


def kernel_norms(training: Training, candidate: Candidate, valid: Pair, train: Feed) -> Found:
    """Gives a mixture of edges minus the norms of their kernels, in place of a gradient.

    An edge of a larger norm is taken to save more loss: magnitude pruning (Saxena and Verbeek 2016,
    arXiv:1606.02492). Of each decision the entry of no is 0.
    """
    with torch.no_grad():
        loss, error = training.losses(candidate.point, valid)
    training.ranks.average([loss, error])
    norms = edge_norms(training.supernet)
    gradient = np.stack([np.zeros_like(norms), -norms], axis=1).reshape(-1)
    return Found(gradient, float(loss), float(error))


@torch.no_grad()
def edge_norms(supernet: Supernet) -> NDArray[np.float64]:
    """Returns the Euclidean norm of all kernels of each edge, [decisions].

    An edge is a decision between no and yes; its convolutions are those of the network with all edges whose
    names contain its path, such as ``fabric.layer2.scale1.from1.conv``. Where there are none it is 0.

    Args:
        supernet: Of a space of such decisions alone.
    """
    space = supernet.space
    network = space.network(Architecture(space.fingerprint, (1,) * len(space.decisions)))
    convs = {layer.name: layer for layer in network.layers if isinstance(layer.op, Conv2d)}
    weights = {name: view for name, view in supernet.state_of(network) if name.endswith(".weight")}
    norms = np.zeros(len(space.decisions))
    for number, decision in enumerate(space.decisions):
        mine = [f"{name}.weight" for name in convs if f".{decision.path}." in f".{name}"]
        norms[number] = np.sqrt(sum(float(weights[name].double().square().sum()) for name in mine))
    return norms
