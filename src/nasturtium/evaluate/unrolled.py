"""Second-order gradient of a mixture: the validation loss after one step of the weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from nasturtium.architecture import Mixture
from nasturtium.evaluate.gradient import Found, flat
from nasturtium.net.supernet import mixture_weights
from nasturtium.protocols import Candidate

if TYPE_CHECKING:
    from nasturtium.evaluate.training import Feed, Pair, Training


@dataclass(frozen=True, slots=True)
class Unrolled:
    """d L_val(w', p) / dp with w' = w - xi (momentum buffer + dL_train/dw + decay w), through w'.

    Liu et al. 2019, DARTS, eqs. 6 to 8 (arXiv:1806.09055), as released: xi is the learning rate of the
    weights, momentum and decay are part of the step. With v = dL_val/dw' the total derivative is

        dL_val(w', p)/dp - xi d/dp (dL_train(w, p)/dw . v),

    whose second term is the central difference of dL_train/dp at w + eps v and w - eps v, eps = 0.01 / |v|;
    or with `exact` a Hessian-vector product by differentiating twice, which needs more memory.

    Differs: w' is a step of plain momentum, as released, whatever the optimiser of the recipe is.

    Attributes:
        exact: Whether to differentiate twice.
        radius: Of the finite difference: eps |v|.
    """

    exact: bool = False
    radius: float = 0.01

    def __call__(self, training: Training, candidate: Candidate, valid: Pair, train: Feed) -> Found:
        """Returns the gradient, with loss and error at w'."""
        mixture, pair = candidate.point, train.peek()
        assert isinstance(mixture, Mixture)
        rows = [row.requires_grad_() for row in mixture_weights(mixture, pair.images)]
        weights: list[Tensor] = [one for one in training.supernet.parameters() if one.requires_grad]
        at = _Point(training, mixture, pair, rows, weights)
        rate = float(training.optimizer.param_groups[0]["lr"])
        with _left_alone([*weights, *training.supernet.buffers()]):
            with _moved(weights, at.step(), -rate):
                loss, error = training.losses(mixture, valid, rows)
                found = _grad(loss, [*rows, *weights])
            direct, v = found[: len(rows)], found[len(rows) :]
            second = cross(at, v) if self.exact else self._difference(at, v)
        total = [one - rate * term for one, term in zip(direct, second, strict=True)]
        means = [loss.detach(), error, *total]
        training.ranks.average(means)
        return Found(flat(means[2:]), float(means[0]), float(means[1]))

    def _difference(self, at: _Point, v: list[Tensor]) -> list[Tensor]:
        """The second term by a central difference (eq. 8)."""
        norm = float(torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(one) for one in v])))
        if norm == 0:
            return [torch.zeros_like(row) for row in at.rows]
        epsilon = self.radius / norm
        sides = []
        for sign in (1, -1):
            with _moved(at.weights, v, sign * epsilon):
                sides.append(_grad(at.loss(at.rows), at.rows))
        return [(plus - minus) / (2 * epsilon) for plus, minus in zip(*sides, strict=True)]


second_order = Unrolled()


@dataclass(frozen=True, slots=True)
class _Point:
    """Where the training loss is looked at: mixture, minibatch and weights."""

    training: Training
    mixture: Mixture
    pair: Pair
    rows: list[Tensor]
    weights: list[Tensor]

    def loss(self, rows: list[Tensor] | None = None) -> Tensor:
        """Training loss with the weights as they are now."""
        smoothing = self.training.recipe.label_smoothing
        return self.training.losses(self.mixture, self.pair, rows, smoothing=smoothing)[0]

    def step(self) -> list[Tensor]:
        """What xi is multiplied to: momentum buffer + gradient + decay w."""
        slopes = _grad(self.loss(), self.weights)
        self.training.ranks.average(slopes)
        optimizer = self.training.optimizer
        groups = {id(one): group for group in optimizer.param_groups for one in group["params"]}
        steps = []
        for one, slope in zip(self.weights, slopes, strict=True):
            group, buffer = groups[id(one)], optimizer.state[one].get("momentum_buffer")
            step = slope + group["weight_decay"] * one.detach()
            steps.append(step if buffer is None else step + group["momentum"] * buffer)
        return steps


def cross(at: _Point, v: list[Tensor]) -> list[Tensor]:
    """Returns d/dp (dL_train/dw . v), exactly: by differentiating twice."""
    slopes = torch.autograd.grad(at.loss(at.rows), at.weights, create_graph=True, allow_unused=True)
    along = [(slope * one).sum() for slope, one in zip(slopes, v, strict=True) if slope is not None]
    return _grad(torch.stack(along).sum(), at.rows)


def _grad(loss: Tensor, of: Sequence[Tensor]) -> list[Tensor]:
    """Gradients, with zeros for what has no part in the loss."""
    found = torch.autograd.grad(loss, of, allow_unused=True)
    return [torch.zeros_like(one) if g is None else g for one, g in zip(of, found, strict=True)]


@contextmanager
def _moved(weights: list[Tensor], direction: list[Tensor], by: float) -> Iterator[None]:
    """Moves weights along a direction, and back."""
    with torch.no_grad():
        torch._foreach_add_(weights, direction, alpha=by)
    try:
        yield
    finally:
        with torch.no_grad():
            torch._foreach_add_(weights, direction, alpha=-by)


@contextmanager
def _left_alone(tensors: list[Tensor]) -> Iterator[None]:
    """Puts weights and running statistics back to the bit."""
    before = [one.detach().clone() for one in tensors]
    try:
        yield
    finally:
        with torch.no_grad():
            for one, was in zip(tensors, before, strict=True):
                one.copy_(was)
