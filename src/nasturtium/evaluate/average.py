"""An exponential moving average of weights, for the network that is kept in the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Average:
    """The moving average of a module's weights and norms' statistics over the steps of its training.

    Polyak and Juditsky 1992, in the exponential form of image classifiers (Szegedy et al. 2016,
    arXiv:1512.00567, section 8). The first steps count more, since the average of few is not to hang on the
    random start: the decay of step t is at most (1 + t) / (10 + t), as TensorFlow's.

    Args:
        module: What is trained; it stays where it is in memory.
        decay: How much of the average stays at each step, such as 0.999.

    Attributes:
        steps: That it is an average of.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        state = module.state_dict()  # the module's own memory
        self._live = {name: value for name, value in state.items() if value.is_floating_point()}
        self._kept = {name: value.clone() for name, value in self._live.items()}

    def update(self) -> None:
        """Takes the weights of another step in."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        torch._foreach_lerp_(list(self._kept.values()), list(self._live.values()), 1 - decay)

    def take(self) -> None:
        """Gives the module the average."""
        for name, value in self._live.items():
            value.copy_(self._kept[name])

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Lends the module the average."""
        own = {name: value.clone() for name, value in self._live.items()}
        self.take()
        try:
            yield
        finally:
            for name, value in self._live.items():
                value.copy_(own[name])

    def state_dict(self) -> dict[str, Tensor]:
        """Returns what `load_state_dict` goes back to."""
        return {"steps": torch.tensor(self.steps), **{f"kept.{n}": value for n, value in self._kept.items()}}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Goes back to where `state_dict` was taken."""
        self.steps = int(state["steps"])
        for name, value in self._kept.items():
            value.copy_(state[f"kept.{name}"])
