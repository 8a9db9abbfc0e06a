"""Augmentation of many images at once, on the tensors as they are stored."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Augment:
    """Which random changes leave an image's class as it is.

    Attributes:
        shift: Each image moves by -shift..shift pixels in both directions, zeros move in; the padded random
            crop of He et al. 2016 (arXiv:1512.03385).
        flip: Each image is mirrored left to right with probability 1/2.
        cutout: Side in pixels of a square set to 0 at a random place, clipped by the border; 0 is off
            (DeVries and Taylor 2017, arXiv:1708.04552).
    """

    shift: int = 0
    flip: bool = False
    cutout: int = 0

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Returns changed copies of `images`, [n, channels, height, width], any dtype.

        The numbers are drawn on the CPU, so that every device sees the same changes.
        """
        if self.shift:
            images = shifted(images, self.shift, generator)
        if self.flip:
            images = mirrored(images, generator)
        if self.cutout:
            images = cut_out(images, self.cutout, generator)
        return images


def shifted(images: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """Returns each image moved by up to `most` pixels in both directions, with zeros moving in."""
    n, _, height, width = images.shape
    corner = torch.randint(0, 2 * most + 1, (2, n), generator=generator).to(images.device)
    windows = functional.pad(images, (most, most, most, most)).unfold(2, height, 1).unfold(3, width, 1)
    # windows: [n, channels, corner y, corner x, height, width], a view: only the taken windows are copied.
    return windows[torch.arange(n, device=images.device), :, corner[0], corner[1]]


def mirrored(images: Tensor, generator: torch.Generator) -> Tensor:
    """Returns each image mirrored left to right with probability 1/2."""
    coin = torch.rand(len(images), generator=generator).to(images.device) < 0.5
    return torch.where(coin.view(-1, 1, 1, 1), images.flip(3), images)


def cut_out(images: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """Returns each image with a `side` x `side` square, centred anywhere, set to 0."""
    n, _, height, width = images.shape
    centre = torch.rand(2, n, generator=generator).to(images.device)
    top = (centre[0] * height).long().view(-1, 1) - side // 2
    left = (centre[1] * width).long().view(-1, 1) - side // 2
    rows = torch.arange(height, device=images.device)
    columns = torch.arange(width, device=images.device)
    in_rows = (rows >= top) & (rows < top + side)  # [n, height]
    in_columns = (columns >= left) & (columns < left + side)  # [n, width]
    hole = (in_rows[:, :, None] & in_columns[:, None, :])[:, None]
    return images.masked_fill(hole, 0)
