"""The gradient of the training loss with respect to a mixture, for methods of one level."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nasturtium.evaluate.gradient import Found, flat, mixture_gradient
from nasturtium.protocols import Candidate

if TYPE_CHECKING:
    from nasturtium.evaluate.training import Feed, Pair, Training


def single_level(training: Training, candidate: Candidate, valid: Pair, train: Feed) -> Found:
    """As `first_order`, on the training minibatch of the next step (Xie et al. 2019, SNAS, arXiv:1812.09926).

    The validation split is used for nothing, so it may as well be small.
    """
    loss, error, gradients = mixture_gradient(training, candidate, train.peek())
    return Found(flat(gradients), float(loss), error)
