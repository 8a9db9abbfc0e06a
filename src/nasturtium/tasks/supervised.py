"""What evaluators need of a task beside its shapes: inputs with labels, and how they reach a network."""

from typing import Protocol

import torch
from torch import Tensor

from nasturtium.protocols import Task
from nasturtium.tasks.images import Split


class Preparation(Protocol):
    """Turns inputs as they are stored into what a network reads."""

    def __call__(
        self, images: Tensor, memory_format: torch.memory_format = torch.contiguous_format
    ) -> Tensor:
        """Returns a float32 copy of `images`, [n, *input_shape], in `memory_format`."""
        ...


class Supervised(Task, Protocol):
    """A task with labels: images with a class each, or texts with a next token for each token.

    A network gives scores [n, outputs] for labels [n], or [n, outputs, tokens] for labels [n, tokens].
    """

    @property
    def train(self) -> Split:
        """What networks are trained on during a search."""
        ...

    @property
    def valid(self) -> Split:
        """What a search compares networks by."""
        ...

    @property
    def test(self) -> Split:
        """Touched once, at the end, for the picks."""
        ...

    @property
    def full(self) -> Split:
        """Train and valid together, for the final training of the picks."""
        ...

    @property
    def normalisation(self) -> Preparation:
        """From stored inputs to those of a network."""
        ...

    @property
    def shift(self) -> int:
        """Pixels by which training inputs may be moved at random; 0 for what is no picture."""
        ...

    @property
    def flip(self) -> bool:
        """Whether training inputs may be mirrored."""
        ...

    def metrics(self, error: float, loss: float) -> dict[str, float]:
        """Returns what a trial says of a network.

        Args:
            error: Share of labels that its highest scores miss, 0..1.
            loss: Mean cross-entropy over the labels, in nats.
        """
        ...
