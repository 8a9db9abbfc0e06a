"""Ensembles of small networks, all members trained in one pass: every weight has a dimension for the member.

Shapes: m members, n examples, b examples of a batch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.predictor.examples import Scale, ScaleName, in_order
from nasturtium.seeds import seed_for

Loss = Literal["l1", "l2", "mape"]

LOSSES = ("l1", "l2", "mape")
CHUNK = 4096  # architectures guessed at once
EPSILON = 1e-8


@dataclass(frozen=True, slots=True)
class Training:
    """How an ensemble is trained.

    Attributes:
        epochs: Passes over the examples.
        rate: Learning rate of Adam, falling to 0 along a cosine.
        batch: Examples per step; each member draws its own.
        decay: Weight decay (decoupled).
        loss: ``l1``, ``l2`` or ``mape``: the error as a share of the distance to just below the lowest value,
            so that differences between good ones count more (White et al. 2021, BANANAS, section 4).
        folds: Whether each member leaves out a share 1 / members of the examples (Liu et al. 2018, PNAS);
            otherwise they differ by their initial weights and batches alone.
        scale: Of the values; see `Scale`.

    Raises:
        ConfigError: A number is out of range or a name unknown.
    """

    epochs: int = 150
    rate: float = 0.01
    batch: int = 32
    decay: float = 0.0
    loss: Loss = "l1"
    folds: bool = False
    scale: ScaleName = "linear"

    def __post_init__(self) -> None:
        if min(self.epochs, self.batch) < 1 or self.rate <= 0 or self.decay < 0:
            raise ConfigError(
                f"epochs is {self.epochs}, batch {self.batch}, rate {self.rate} and decay {self.decay}; the "
                "first two must be 1 or more, rate above 0 and decay at least 0"
            )
        if self.loss not in LOSSES:
            raise ConfigError(f"loss is {self.loss!r}; it must be one of {', '.join(LOSSES)}")
        Scale(self.scale)


class Ensemble(ABC):
    """Members that start from other weights, or see other examples; their spread is the uncertainty.

    A subclass makes inputs of architectures, weights, and guesses of both.

    Args:
        seed: Of weights, folds and batches.
        members: How many.
        training: How they are trained.
    """

    def __init__(self, seed: int, members: int, training: Training) -> None:
        if members < 1:
            raise ConfigError(f"members is {members}; it must be 1 or more")
        self.seed, self.members, self.training = seed, members, training
        self._scale = Scale(training.scale)
        self._weights: list[Tensor] = []

    @abstractmethod
    def _inputs(self, architectures: Sequence[Architecture], *, examples: bool) -> tuple[Tensor, ...]:
        """Returns the inputs, [n, ...] each; `examples` are what there is to learn from, and come first."""

    @abstractmethod
    def _drawn(self, generator: torch.Generator) -> list[Tensor]:
        """Returns the weights of all members at the start, [m, ...] each, for inputs like the examples."""

    @abstractmethod
    def _guessed(self, weights: Sequence[Tensor], data: Sequence[Tensor]) -> Tensor:
        """Returns the guess of every member, [m, b], from inputs [m or 1, b, ...]."""

    def fit(self, architectures: Sequence[Architecture], values: NDArray[np.float64]) -> None:
        """Trains all members afresh."""
        examples, column = in_order(architectures, values)
        scores = torch.from_numpy(self._scale.fit(column)).float()
        generator = torch.Generator().manual_seed(seed_for(self.seed, "ensemble"))
        data = self._inputs(examples, examples=True)
        self._weights = self._drawn(generator)
        with torch.enable_grad():
            self._train(data, scores, generator)

    def predict(
        self, architectures: Sequence[Architecture]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns means and standard deviations over the members, both [n]."""
        guesses = [np.zeros((self.members, 0))]
        for start in range(0, len(architectures), CHUNK):
            data = self._inputs(architectures[start : start + CHUNK], examples=False)
            with torch.no_grad():
                guess = self._guessed(self._weights, [part[None] for part in data])
            guesses.append(guess.double().numpy())
        every = np.concatenate(guesses, axis=1)
        return self._scale.back(every.mean(axis=0), every.std(axis=0))

    def _train(self, data: Sequence[Tensor], scores: Tensor, generator: torch.Generator) -> None:
        training, n = self.training, len(scores)
        for weight in self._weights:
            weight.requires_grad_()
        optimizer = torch.optim.AdamW(self._weights, training.rate, weight_decay=training.decay, fused=True)
        steps = training.epochs * -(-n // training.batch)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        counted = self._counted(n, generator)
        for _ in range(training.epochs):
            order = torch.rand(self.members, n, generator=generator).argsort(1)
            for start in range(0, n, training.batch):
                rows = order[:, start : start + training.batch]  # [m, b]
                guess = self._guessed(self._weights, [part[rows] for part in data])
                weight = counted.gather(1, rows)
                errors = self._errors(guess, scores[rows], scores.min()) * weight
                optimizer.zero_grad(set_to_none=True)
                (errors.sum(1) / weight.sum(1).clamp(min=1)).sum().backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
        for weight in self._weights:
            weight.requires_grad_(False)

    def _errors(self, guess: Tensor, truth: Tensor, lowest: Tensor) -> Tensor:
        difference = guess - truth
        if self.training.loss == "l2":
            return difference.square()
        if self.training.loss == "l1":
            return difference.abs()
        return difference.abs() / (truth - lowest + 1)  # from one spread below the lowest

    def _counted(self, n: int, generator: torch.Generator) -> Tensor:
        """Returns 1 where a member learns from an example and 0 where it leaves it out, [m, n]."""
        if not self.training.folds or n < self.members or self.members == 1:
            return torch.ones(self.members, n)
        fold = torch.randperm(n, generator=generator) % self.members
        return (fold != torch.arange(self.members)[:, None]).float()


def drawn(generator: torch.Generator, *shape: int, bound: float) -> Tensor:
    """Returns weights drawn uniformly from -bound to bound."""
    return (torch.rand(*shape, generator=generator) * 2 - 1) * bound


def layers(generator: torch.Generator, members: int, widths: Sequence[int]) -> list[Tensor]:
    """Returns weight [m, from, to] and bias [m, 1, to] of each layer, He et al. 2015 initialised."""
    made = []
    for before, after in pairwise(widths):
        made.append(drawn(generator, members, before, after, bound=(6 / max(before, 1)) ** 0.5))
        made.append(torch.zeros(members, 1, after))
    return made


def dense(weights: Sequence[Tensor], x: Tensor) -> Tensor:
    """Returns the output of a stack of `layers` with ReLU between them: [m or 1, b, from] to [m, b, to]."""
    x = x.expand(len(weights[0]), -1, -1)
    for i in range(0, len(weights), 2):
        x = torch.baddbmm(weights[i + 1], x, weights[i])
        if i + 2 < len(weights):
            x = torch.relu(x)
    return x
