"""The proxy that looks at how differently a network reacts to the images of a batch."""

import math

import torch
from torch import Tensor, nn

from nasturtium.evaluate.proxies.copies import untrained_copy

K = 1e-5  # keeps the logarithm of an eigenvalue of 0 finite


def jacob_cov(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Minus the divergence of the correlation of the images' Jacobians from no correlation.

    Mellor et al. 2020 (arXiv:2006.04647v1), section 4: -sum(log(v + k) + 1 / (v + k)) over the eigenvalues v
    of the correlation matrix of the rows d sum(f) / d image, k = 1e-5. About -n at best, for n images.

    Returns:
        NaN where the Jacobian of an image is constant, as that of a network without a path to its output.
    """
    twin = untrained_copy(model)
    x = images.detach().clone().requires_grad_(True)
    with torch.enable_grad():
        (jacobian,) = torch.autograd.grad(twin(x).sum(), x, materialize_grads=True)
    rows = jacobian.flatten(1).double()  # [n, channels * height * width]
    rows = rows - rows.mean(dim=1, keepdim=True)
    lengths = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    if not bool((lengths > 0).all()) or not bool(torch.isfinite(lengths).all()):
        return math.nan
    rows = rows / lengths
    eigenvalues = torch.linalg.eigvalsh(rows @ rows.T).clamp(min=0.0)  # rounding makes some of them negative
    return -float((torch.log(eigenvalues + K) + 1 / (eigenvalues + K)).sum())
