"""Networks taken out of a trained supernet, ready to be used."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nasturtium.architecture import Architecture
from nasturtium.evaluate.recalibrate import recalibrate
from nasturtium.net.extract import extract
from nasturtium.net.supernet import Supernet
from nasturtium.seeds import seed_for
from nasturtium.tasks.images import Split
from nasturtium.tasks.supervised import Supervised


class Subnets:
    """Gives architectures their networks: weights of the supernet, and norms recalibrated for each.

    The supernet is not changed.

    Args:
        supernet: Trained.
        task: Images.
        recalibration: Training images for the norms' statistics; 0 takes those of the supernet.
        batch_size: Of these images.
        seed: Of which training images they are, the same for all networks.
    """

    def __init__(
        self,
        supernet: Supernet,
        task: Supervised,
        *,
        recalibration: int = 2048,
        batch_size: int = 128,
        seed: int = 0,
    ) -> None:
        self.supernet = supernet
        self._batches = _batches(task, recalibration, batch_size, seed)

    def __call__(self, architecture: Architecture) -> nn.Module:
        """Returns the plain module of an architecture."""
        model = extract(self.supernet, architecture)
        if self._batches:
            device, format_ = next(model.parameters()).device, format_of(self.supernet)
            recalibrate(model, (images.to(device, memory_format=format_) for images in self._batches))
        return model


class Snapshot(nn.Module):
    """A network as it is when it is first used, however its supernet is trained from then on.

    Args:
        subnets: Of the supernet.
        architecture: Of the network.
    """

    def __init__(self, subnets: Subnets, architecture: Architecture) -> None:
        super().__init__()
        self.subnets, self.architecture = subnets, architecture
        self.model = extract(subnets.supernet, architecture)
        self.taken: Tensor
        self.register_buffer("taken", torch.tensor(False))

    def forward(self, x: Tensor) -> Tensor:
        """Returns logits."""
        if not self.taken:
            self.model.load_state_dict(self.subnets(self.architecture).state_dict())
            self.taken = torch.tensor(True, device=x.device)
        found: Tensor = self.model(x)
        return found


def format_of(supernet: Supernet) -> torch.memory_format:
    """Returns the memory format that a supernet is trained in: a network computes in that of its images.

    What is taken out is contiguous; with contiguous images its convolutions would take twice the time.
    """
    kernels = [one for one in supernet.parameters() if one.dim() == 4 and not one.is_contiguous()]
    return torch.channels_last if kernels else torch.contiguous_format


def some_of(split: Split, count: int, seed: int) -> Split:
    """Returns a random part of a split."""
    generator = torch.Generator().manual_seed(seed_for(seed, "inherited"))
    rows = torch.randperm(len(split), generator=generator)[:count]
    return Split(split.images[rows], split.labels[rows])


def _batches(task: Supervised, count: int, size: int, seed: int) -> Sequence[Tensor]:
    images = task.normalisation(some_of(task.train, count, seed).images, torch.contiguous_format)
    return [batch for batch in torch.split(images, size) if len(batch) > 1]
