"""Residual branches that begin as nothing, so that networks of any depth begin alike."""

import torch
from torch import nn

from nasturtium.net.supernet import Supernet
from nasturtium.seeds import rng_for
from nasturtium.space import layers as ir

_SAMPLES = 64


def zero_last_norms(supernet: Supernet) -> Supernet:
    """Sets the scale of the norm that ends each residual branch to 0, in place; returns the supernet.

    Goyal et al. 2017 (arXiv:1706.02677), section 5.1; Yu et al. 2020 (BigNAS, arXiv:2003.11142), section 3.2:
    otherwise the largest network of a step diverges where the smallest learns. A branch is one of a sum that
    has another summand, such as a skip connection or a projected ``shortcut``, which is left as it is. Which
    norms these are is read off random architectures and the last one by rank.
    """
    space = supernet.space
    drawn = [space.sample(rng_for(0, "residual norms", number)) for number in range(_SAMPLES)]
    for architecture in dict.fromkeys([space.unrank(space.count - 1), *drawn]):
        for layer in last_norms(space.network(architecture)):
            bank = supernet.bank(layer)
            if bank is not None and isinstance(bank.weight, nn.Parameter):
                with torch.no_grad():
                    bank.weight.zero_()
    return supernet


def last_norms(network: ir.Network) -> list[ir.Layer]:
    """Returns the norms that nothing but a sum reads, of sums that read something else as well.

    The norm of a projected shortcut is something else: blocks write it in a scope of that name.
    """
    readers: dict[int, list[int]] = {}
    for number, layer in enumerate(network.layers):
        for given in layer.inputs:
            readers.setdefault(given, []).append(number)
    found = []
    for number, layer in enumerate(network.layers):
        if not isinstance(layer.op, ir.Add):
            continue
        ends = [
            given
            for given in layer.inputs
            if given >= 0
            and isinstance(network.layers[given].op, ir.BatchNorm)
            and readers[given] == [number]
            and "shortcut" not in network.layers[given].name.split(".")
        ]
        if len(ends) < len(layer.inputs):
            found += [network.layers[given] for given in ends]
    return found
