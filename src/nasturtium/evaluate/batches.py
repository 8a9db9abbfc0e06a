"""Batches of a split that is in memory, shuffled, augmented and normalised in large chunks."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from nasturtium.evaluate.augment import Augment
from nasturtium.evaluate.execution import Execution
from nasturtium.seeds import seed_for
from nasturtium.tasks.images import Split
from nasturtium.tasks.supervised import Preparation

# Bytes of float32 input that are prepared at a time: large enough that a tiny network's steps are not
# dominated by preparing single batches, small enough to stay out of the way of the activations.
_CHUNK_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Batches:
    """The steps of one training over `split`, which is on the execution's device already.

    Attributes:
        split: The training images.
        batch_size: Images per step.
        normalisation: Applied after the augmentation.
        augment: Random changes.
        execution: Gives the memory format.
        seed: Of the order and the changes; with the epoch's number it decides both.
    """

    split: Split
    batch_size: int
    normalisation: Preparation
    augment: Augment
    execution: Execution
    seed: int

    @property
    def sizes(self) -> list[int]:
        """Images per step of one epoch; a single one left over joins the batch before, as norms need two."""
        full, rest = divmod(len(self.split), self.batch_size)
        if rest == 1 and full:
            return [self.batch_size] * (full - 1) + [self.batch_size + 1]
        return [self.batch_size] * full + [rest] * (rest > 0)

    def epoch(self, number: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yields (images [batch, channels, height, width] float32, labels [batch]) of an epoch, from 0."""
        generator = torch.Generator().manual_seed(seed_for(self.seed, "fit/epoch", number))
        order = torch.randperm(len(self.split), generator=generator).to(self.split.labels.device)
        start = 0
        for sizes in self._chunks():
            rows = order[start : start + sum(sizes)]
            start += len(rows)
            images = self.augment(self.split.images.index_select(0, rows), generator)
            prepared = self.normalisation(images, self.execution.memory_format)
            labels = self.split.labels.index_select(0, rows)
            yield from zip(torch.split(prepared, sizes), torch.split(labels, sizes), strict=True)

    def _chunks(self) -> Iterator[list[int]]:
        image_bytes = 4 * self.split.images[0].numel()
        steps = max(1, _CHUNK_BYTES // (image_bytes * self.batch_size))
        sizes = self.sizes
        for start in range(0, len(sizes), steps):
            yield sizes[start : start + steps]
