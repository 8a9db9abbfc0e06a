"""The curvature of the validation loss in the numbers behind a mixture: what warns before a collapse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh  # type: ignore[import-untyped]
from torch import Tensor

from nasturtium.architecture import Mixture
from nasturtium.errors import ConfigError
from nasturtium.evaluate.gradient import Found, Gradient, first_order
from nasturtium.net.supernet import mixture_weights
from nasturtium.protocols import Candidate

if TYPE_CHECKING:
    from nasturtium.evaluate.training import Feed, Pair, Training

Product = Callable[[NDArray[np.float64]], NDArray[np.float64]]  # H v, [entries]

VECTORS = 12  # of Lanczos, at once
SMALL = 3  # entries up to which Lanczos iterations make no sense


@dataclass(frozen=True, slots=True)
class Curvature:
    """A gradient that now and then also gives the metric ``eigenvalue``.

    It is the dominant (largest) eigenvalue of the Hessian of the validation loss with respect to alpha, where
    the mixture is softmax(alpha): Zela et al. 2020, RobustDARTS, section 4 (arXiv:1909.09656). As a softmax
    forgets constants, alpha is the logarithm of the mixture. By Lanczos iterations with Hessian-vector
    products, so that the Hessian is never made; `every` of an epoch's steps is the paper's.

    Attributes:
        every: Optimiser steps from one to the next.
        gradient: What is found at every step.
        tolerance: Relative accuracy.
    """

    every: int = 100
    gradient: Gradient = first_order
    tolerance: float = 1e-2

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ConfigError(f"every is {self.every}; the curvature is found every 1 step or more")

    def __call__(self, training: Training, candidate: Candidate, valid: Pair, train: Feed) -> Found:
        """Returns the gradient, and the eigenvalue when it is time."""
        found = self.gradient(training, candidate, valid, train)
        if training.step % self.every:
            return found
        mixture = candidate.point
        assert isinstance(mixture, Mixture)
        value = dominant(*hessian_product(training, mixture, valid), tolerance=self.tolerance)
        return replace(found, more={**found.more, "eigenvalue": value})


def hessian_product(training: Training, mixture: Mixture, pair: Pair) -> tuple[Product, int]:
    """Returns v -> H v for the Hessian of the loss of softmax(alpha) at `mixture`, and the length of v.

    Options without weight are left out: alpha would be -inf. Their entries of H v are 0.
    """
    alphas = [row.double().log() for row in mixture_weights(mixture, pair.images)]
    free = [torch.isfinite(row) for row in alphas]
    flat = torch.cat([row[mask] for row, mask in zip(alphas, free, strict=True)]).requires_grad_()
    rows, start = [], 0
    for row, mask in zip(alphas, free, strict=True):
        count = int(mask.sum())
        soft = torch.softmax(flat[start : start + count], 0)
        rows.append(torch.zeros_like(row).masked_scatter(mask, soft).to(pair.images.dtype))
        start += count
    loss, _ = training.losses(mixture, pair, rows)
    (slope,) = torch.autograd.grad(loss, flat, create_graph=True)

    def product(v: NDArray[np.float64]) -> NDArray[np.float64]:
        (along,) = torch.autograd.grad(slope, flat, _like(v, slope), retain_graph=True)
        training.ranks.average([along])
        result: NDArray[np.float64] = along.cpu().numpy()
        return result

    return product, len(flat)


def dominant(product: Product, size: int, *, tolerance: float = 1e-2) -> float:
    """Returns the largest eigenvalue of a symmetric matrix that is known by its products.

    Args:
        product: Of the matrix and a vector.
        size: Of the vector.
        tolerance: Relative accuracy.

    Returns:
        0 of a matrix of zeros; NaN where a product is not finite or nothing converges.
    """
    if size <= SMALL:
        whole = np.stack([product(row) for row in np.eye(size)]) if size else np.zeros((1, 1))
        return float(np.linalg.eigvalsh((whole + whole.T) / 2)[-1])
    start = np.linspace(-1.0, 1.0, size) + 0.1  # any vector that is not the same to all options
    first = product(start)
    if not first.any() or not np.isfinite(first).all():
        return 0.0 if np.isfinite(first).all() else float("nan")  # nothing to iterate on
    operator = LinearOperator((size, size), matvec=lambda v: product(np.ravel(v)), dtype=np.float64)
    vectors = min(size, VECTORS)
    try:
        found = eigsh(
            operator, k=1, which="LA", ncv=vectors, v0=start, tol=tolerance, return_eigenvectors=False
        )
    except ArpackNoConvergence as problem:
        found = problem.eigenvalues
    return float(found[0]) if len(found) else float("nan")


def _like(v: NDArray[np.float64], slope: Tensor) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(v)).to(slope)
