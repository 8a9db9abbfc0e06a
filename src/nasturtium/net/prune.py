"""Magnitude pruning of a trained network, kernel by kernel."""

import torch
from torch import nn

from nasturtium.errors import ConfigError


@torch.no_grad()
def prune_kernels(model: nn.Module, share: float) -> int:
    """Sets the kernels of the smallest norms to 0, in place, over all convolutions larger than 1x1.

    A kernel joins one response map to another: an edge of a neural fabric (Saxena and Verbeek 2016,
    arXiv:1606.02492), of which an edge of the space `fabric` has as many as pairs of channels. Nothing gets
    faster by it: convolutions stay dense.

    Args:
        model: Changed.
        share: Of all kernels, from 0 to 1.

    Returns:
        How many were set to 0.

    Raises:
        ConfigError: The share is outside its range.
    """
    if not 0 <= share <= 1:
        raise ConfigError(f"share is {share}; it must be from 0 to 1")
    weights = [
        module.weight
        for module in model.modules()
        if isinstance(module, nn.Conv2d) and module.weight.shape[2:].numel() > 1
    ]
    if not weights:
        return 0
    norms = torch.cat([weight.flatten(2).norm(dim=2).reshape(-1) for weight in weights])
    gone = torch.zeros(len(norms), dtype=torch.bool, device=norms.device)
    gone[norms.argsort(stable=True)[: int(share * len(norms))]] = True
    sizes = [weight.shape[0] * weight.shape[1] for weight in weights]
    for weight, mask in zip(weights, torch.split(gone, sizes), strict=True):
        weight[mask.reshape(weight.shape[:2])] = 0
    return int(gone.sum())
