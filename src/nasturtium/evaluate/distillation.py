"""What the smaller networks of a step learn from: the answers of a larger one, as well as the labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

Divergence: TypeAlias = Callable[[Tensor, Tensor], Tensor]


def soft_targets(student: Tensor, teacher: Tensor) -> Tensor:
    """Returns the cross-entropy of the student with the teacher's probabilities, mean over the images.

    Hinton, Vinyals and Dean 2015 (arXiv:1503.02531) at temperature 1. It differs from the Kullback-Leibler
    divergence by the teacher's entropy, which has no gradient.

    Args:
        student: Logits, [images, classes].
        teacher: Logits, [images, classes]; nothing flows back into them.
    """
    return functional.cross_entropy(student, teacher.detach().softmax(1))


@dataclass(frozen=True, slots=True)
class AdaptiveAlpha:
    """The larger of two alpha-divergences, image by image (Wang et al. 2021, AlphaNet, arXiv:2102.07954).

    D_alpha(p, q) = sum_c q_c ((p_c / q_c)^alpha - 1) / (alpha (alpha - 1)) for teacher p and student q. Where
    alpha is negative a student pays for being surer than its teacher, which the Kullback-Leibler divergence
    (alpha = 1) hardly asks of it; where alpha is positive, for being less sure.

    The value is that divergence; its gradient is the paper's bounded one, in which (p / q)^alpha is cut off
    at `limit`, lest a few classes of tiny probability outweigh all others. Where alpha is 0 or 1 nothing is
    cut off: the gradient of alpha = 1 is p itself, which is bounded as it is.

    Attributes:
        low: The lower alpha.
        high: The upper one.
        limit: Of (p / q)^alpha, where alpha is neither 0 nor 1.
    """

    low: float = -1.0
    high: float = 1.0
    limit: float = 5.0

    def __call__(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Returns the mean over the images, as `soft_targets` does."""
        q, log_q = student.softmax(1), student.log_softmax(1)
        log_ratio = teacher.detach().log_softmax(1) - log_q
        pairs = [self._side(alpha, q, log_q, log_ratio) for alpha in (self.low, self.high)]
        (low, low_surrogate), (high, high_surrogate) = pairs
        surrogate = torch.where(low > high, low_surrogate, high_surrogate).mean()
        value = torch.maximum(low, high).mean()
        return value + surrogate - surrogate.detach()

    def _side(self, alpha: float, q: Tensor, log_q: Tensor, log_ratio: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the divergence of each image, and what has its gradient with respect to the student."""
        q, log_ratio = q.detach(), log_ratio.detach()
        if alpha == 0:  # the limit of the general form: sum q log(q / p)
            divergence, rho = -q * log_ratio, log_ratio - 1
        elif alpha == 1:  # sum p log(p / q)
            ratio = log_ratio.exp()
            divergence, rho = q * ratio * log_ratio, ratio
        else:
            power = (alpha * log_ratio).exp()
            # Cut off before the sum, too: the choice between the two alphas is to be as steady as they are.
            power = power.clamp(max=self.limit)
            divergence = q * (power - 1) / (alpha * (alpha - 1))
            rho = power / alpha + 1 / (alpha * (alpha - 1))
        return divergence.sum(1), -(q * rho * log_q).sum(1)


@dataclass(frozen=True)
class Distillation:
    """How the paths of one step learn from a teacher.

    Attributes:
        divergence: Of a student's logits from the teacher's.
        labels: Weight of the loss on the labels beside it: 0 in BigNAS, whose smaller networks see no labels
            (Yu et al. 2020, arXiv:2003.11142, section 3.1); 1 in OFA (Cai et al. 2020, arXiv:1908.09791).
        teacher: A trained network; None takes the first path of each step, which learns from the labels (in
            place; Yu and Huang 2019, arXiv:1903.05134, section 3.3).
    """

    divergence: Divergence = soft_targets
    labels: float = 0.0
    teacher: nn.Module | None = None

    def loss(self, student: Tensor, teacher: Tensor, labels: Tensor, smoothing: float) -> Tensor:
        """Returns the loss of a student on a minibatch.

        Args:
            student: Logits, [images, classes].
            teacher: Logits, [images, classes].
            labels: [images].
            smoothing: Of the labels.
        """
        loss = self.divergence(student, teacher)
        if self.labels:
            loss = loss + self.labels * functional.cross_entropy(student, labels, label_smoothing=smoothing)
        return loss
