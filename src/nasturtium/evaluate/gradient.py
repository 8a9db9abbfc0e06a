"""The gradient of a validation loss with respect to a mixture's weights: what a gradient method is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nasturtium.architecture import Mixture
from nasturtium.net.supernet import mixture_weights
from nasturtium.protocols import Candidate

if TYPE_CHECKING:
    from nasturtium.evaluate.training import Feed, Pair, Training


@dataclass(frozen=True, slots=True)
class Found:
    """A gradient and where it was taken.

    Attributes:
        gradient: d loss / d mixture, [decisions][options] flattened; 0 for options that did not run.
        loss: On the validation minibatch.
        error: Share of wrong answers on it.
        more: Other metrics of the trial, such as ``eigenvalue``.
    """

    gradient: NDArray[np.float64]
    loss: float
    error: float
    more: Mapping[str, float] = field(default_factory=dict)


class Gradient(Protocol):
    """Finds the gradient of one mixture."""

    def __call__(self, training: Training, candidate: Candidate, valid: Pair, train: Feed) -> Found:
        """Returns it.

        Args:
            training: Its supernet, optimiser and recipe; to be left as it was.
            candidate: A mixture.
            valid: The validation minibatch.
            train: Its `peek` is the minibatch of the next step.
        """
        ...


def first_order(training: Training, candidate: Candidate, valid: Pair, train: Feed) -> Found:
    """The gradient with the shared weights as they are (Liu et al. 2019, DARTS, arXiv:1806.09055, xi = 0)."""
    loss, error, gradients = mixture_gradient(training, candidate, valid)
    return Found(flat(gradients), float(loss), error)


def mixture_gradient(
    training: Training, candidate: Candidate, pair: Pair
) -> tuple[Tensor, float, list[Tensor]]:
    """Returns loss, error and d loss / d weights of a mixture on a minibatch, per decision [options]."""
    mixture = candidate.point
    assert isinstance(mixture, Mixture)
    weights = [row.requires_grad_() for row in mixture_weights(mixture, pair.images)]
    with frozen(training.supernet):
        loss, error = training.losses(mixture, pair, weights)
        reached = loss.requires_grad  # it is not where the mixture has but one option everywhere
        found = torch.autograd.grad(loss, weights, allow_unused=True) if reached else [None] * len(weights)
    gradients = [torch.zeros_like(w) if g is None else g for w, g in zip(weights, found, strict=True)]
    means = [loss.detach(), error, *gradients]
    training.ranks.average(means)
    return means[0], float(error), gradients


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Lets no weight ask for a gradient: layers then keep less, and do less in the backward pass."""
    weights = [one for one in module.parameters() if one.requires_grad]
    for one in weights:
        one.requires_grad_(False)
    try:
        yield
    finally:
        for one in weights:
            one.requires_grad_()


def flat(gradients: list[Tensor]) -> NDArray[np.float64]:
    """Returns rows [options] as one array."""
    return torch.cat([row.reshape(-1) for row in gradients]).double().cpu().numpy()
