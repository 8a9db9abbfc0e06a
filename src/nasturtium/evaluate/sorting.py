"""Sorting the channels of a supernet while it is trained, before networks with fewer of them are."""

from collections.abc import Callable, Iterator

from torch import Tensor

from nasturtium.evaluate.training import Training
from nasturtium.net.channels import by_importance
from nasturtium.space.blend import Active


class ChannelSorting:
    """Sorts channels by importance whenever narrower networks open, see `channels.by_importance`.

    To be called before each step of a training (`Staged`). It keeps nothing: what it does follows from the
    step and the weights, so that a training goes on from a checkpoint as if it had never stopped. Momenta and
    averages of weights move with them.

    Args:
        open_at: Gives, of a step, the options of every decision that are trained from then on; those of a
            step before are among them.
    """

    def __init__(self, open_at: Callable[[int], Active]) -> None:
        self.open_at = open_at

    def __call__(self, training: Training) -> None:
        """Prepares the next step."""
        if training.step == 0:
            return
        before, now = self.open_at(training.step - 1), self.open_at(training.step)
        if before == now:
            return
        for move in by_importance(training.supernet, before, now):
            for tensor in _alike(training, move.name):
                move.apply(tensor)


def _alike(training: Training, name: str) -> Iterator[Tensor]:
    """Yields a tensor of the supernet, and what the training keeps that has its shape and goes with it."""
    tensor = training.supernet.state_dict(keep_vars=True)[name]
    yield tensor
    for kept in training.optimizer.state.get(tensor, {}).values():
        if isinstance(kept, Tensor) and kept.shape == tensor.shape:
            yield kept
    if training.average is not None:
        yield training.average.state_dict()[f"kept.{name}"]
