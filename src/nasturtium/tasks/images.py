"""Image classification: a data set as tensors in memory, cut into train, valid and test splits."""

import logging
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nasturtium.errors import ConfigError, DataError
from nasturtium.seeds import rng_for
from nasturtium.tasks.source import Images, load

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Images with their labels.

    Attributes:
        images: [n, channels, height, width], uint8 or float32, not normalised.
        labels: Class indices, [n], int64.
    """

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class Normalisation:
    """Turns stored images into a network's input: (image / scale - mean) / std per channel.

    Attributes:
        mean: Mean per channel of the training images after the division by `scale`.
        std: Standard deviation per channel, likewise; 1 for a channel that never varies.
        scale: 255 for uint8 images, 1 for float ones.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    scale: float = 255.0

    def __call__(
        self, images: Tensor, memory_format: torch.memory_format = torch.contiguous_format
    ) -> Tensor:
        """Returns a float32 copy of `images`, [n, channels, height, width], in `memory_format`."""
        std = torch.tensor(self.std, device=images.device).view(1, -1, 1, 1)
        mean = torch.tensor(self.mean, device=images.device).view(1, -1, 1, 1)
        x = images.to(torch.float32, copy=True).mul_(1 / (self.scale * std)).sub_(mean / std)
        # Last: on 3 interleaved channels the arithmetic is slow (1,024 CIFAR images: 11 ms, and 7 this way).
        return x.contiguous(memory_format=memory_format)


@dataclass(frozen=True, eq=False)
class ImageClassification:
    """A data set for image classification, decoded and split. It satisfies `supervised.Supervised`.

    Attributes:
        name: Source that finds it again, for example ``digits`` or ``folder:photos``.
        train: What networks are trained on during a search.
        valid: What a search compares networks by; cut from the training data, stratified and seeded.
        test: Held out; touched once, at the end, for the picks.
        class_names: One per output of the network.
        normalisation: Statistics of the training split.
        shift: Pixels by which training images may be moved at random in each direction.
        flip: Whether training images may be mirrored left to right.
        origin: Where the data came from and what was done to it.
        seed: Seed of the cut into train and valid.
    """

    name: str
    train: Split
    valid: Split
    test: Split
    class_names: tuple[str, ...]
    normalisation: Normalisation
    shift: int
    flip: bool
    origin: Images
    seed: int

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one image, [channels, height, width]."""
        return tuple(self.train.images.shape[1:])

    @property
    def outputs(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def mean(self) -> tuple[float, ...]:
        """Mean per channel, see `Normalisation`."""
        return self.normalisation.mean

    @property
    def std(self) -> tuple[float, ...]:
        """Standard deviation per channel, see `Normalisation`."""
        return self.normalisation.std

    @cached_property
    def full(self) -> Split:
        """Train and valid together, for the final training of the picks."""
        parts = (self.train, self.valid)
        return Split(torch.cat([p.images for p in parts]), torch.cat([p.labels for p in parts]))

    def metrics(self, error: float, loss: float) -> dict[str, float]:
        """Returns what a trial says of a network: both, as they are."""
        return {"error": error, "loss": loss}

    def describe(self) -> dict[str, Any]:
        """Returns what a report and a model card say of the data."""
        return {
            "name": self.name,
            "kind": "image classification",
            "input_shape": list(self.input_shape),
            "classes": list(self.class_names),
            "images": {"train": len(self.train), "valid": len(self.valid), "test": len(self.test)},
            "split_seed": self.seed,
            "test_split": self.origin.test_origin,
            "preparation": self.origin.preparation,
            "licence": self.origin.licence,
            "digest": self.origin.digest,
            "mean": list(self.mean),
            "std": list(self.std),
            "scale": self.normalisation.scale,
        }


def image_classification(
    source: str,
    *,
    seed: int = 0,
    valid_fraction: float = 0.2,
    test_fraction: float = 0.2,
    image_size: int | None = None,
    max_train: int | None = None,
    shift: int | None = None,
    flip: bool | None = None,
    cache: bool = True,
) -> ImageClassification:
    """Returns an image classification task, with its images decoded and in memory.

    Args:
        source: ``digits`` (scikit-learn's), ``cifar10``, ``folder:PATH`` (one folder per class, or ``train``
            and ``test`` folders of those), ``hf:NAME`` (Hugging Face hub) or ``npz:PATH`` (arrays ``images``
            and ``labels``, optionally ``test_images``, ``test_labels`` and ``class_names``).
        seed: Seeds the cut into train and valid. The test split never depends on it.
        valid_fraction: Share of the training data, per class, that is kept for validation.
        test_fraction: Share of all data that is held out, where the source has no test split of its own.
        image_size: Height and width in pixels for folders and the hub; None keeps images that all have one
            small size, and otherwise takes the smallest side seen, 64 at most (`decode.common_size`).
        max_train: Keeps at most so many training images (train and valid together), balanced as the whole is.
        shift: Largest random shift in pixels; None is an eighth of the height from 16 pixels on, and 0 below:
            a digit fills its 8 x 8 pixels, and a shift by 1 raised the error of 4 epochs from 0.02 to 0.10.
        flip: Whether mirrored images keep their class; None means yes for colour photos and no for the rest.
        cache: Whether to keep decoded images in the user's cache folder (`cache.folder`).

    Raises:
        UnknownName: There is no such source.
        ConfigError: A fraction or size makes no sense.
        DataError: The data cannot be read or used; the message names the file.
    """
    _check(valid_fraction, test_fraction, image_size, max_train, shift)
    images = load(source, image_size=image_size, cache=cache)
    if images.test_images is None:
        images = _hold_out(images, test_fraction)
    chosen = np.arange(len(images.labels))
    if max_train is not None and max_train < len(chosen):
        chosen = stratified(images.labels, max_train / len(chosen), rng_for(0, "tasks/subset"))[1]
    _require(
        images.labels[chosen], images, 2, "2 or more training images, one to train on and one to validate"
    )
    kept, held = stratified(images.labels[chosen], valid_fraction, rng_for(seed, "tasks/valid"))
    train = _split(images.images, images.labels, chosen[kept])
    assert images.test_images is not None
    assert images.test_labels is not None
    return ImageClassification(
        name=source,
        train=train,
        valid=_split(images.images, images.labels, chosen[held]),
        test=_split(images.test_images, images.test_labels, np.arange(len(images.test_labels))),
        class_names=images.class_names,
        normalisation=_statistics(train.images),
        shift=_usual_shift(images) if shift is None else shift,
        flip=images.mirrors if flip is None else flip,
        origin=images.without_arrays(),
        seed=seed,
    )


def stratified(
    labels: NDArray[np.int64], fraction: float, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cuts indices in two, with the classes in the same proportions on both sides.

    Args:
        labels: Class per item, [n].
        fraction: Share that the second part takes; rounded so that both parts have every class of 2 or more
            items.
        rng: Decides which items.

    Returns:
        The sorted indices of the first and of the second part.
    """
    first, second = [], []
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        count = round(fraction * len(members))
        count = min(max(count, 1), len(members) - 1) if len(members) > 1 else 0
        second.append(members[:count])
        first.append(members[count:])
    return np.sort(np.concatenate(first)), np.sort(np.concatenate(second))


def _check(
    valid_fraction: float,
    test_fraction: float,
    image_size: int | None,
    max_train: int | None,
    shift: int | None,
) -> None:
    for name, fraction in (("valid_fraction", valid_fraction), ("test_fraction", test_fraction)):
        if not 0 < fraction < 1:
            raise ConfigError(f"{name} is {fraction}; it must lie between 0 and 1, for example 0.2")
    for name, number, least in (
        ("image_size", image_size, 4),
        ("max_train", max_train, 4),
        ("shift", shift, 0),
    ):
        if number is not None and number < least:
            raise ConfigError(f"{name} is {number}; it must be {least} or more")


def _usual_shift(images: Images) -> int:
    height = images.images.shape[2]
    return height // 8 if height >= 16 else 0


def _hold_out(images: Images, fraction: float) -> Images:
    _require(images.labels, images, 3, "3 or more images (train, valid, test), or a test split of its own")
    # Always seed 0: the test split belongs to the data set, whatever the seed of the run.
    kept, held = stratified(images.labels, fraction, rng_for(0, "tasks/test"))
    return images.with_test(kept, held, f"{fraction:.0%} of every class, held out")


def _require(labels: NDArray[np.int64], images: Images, least: int, wanted: str) -> None:
    counts = np.bincount(labels, minlength=len(images.class_names))
    if counts.min() < least:
        name = images.class_names[int(counts.argmin())]
        raise DataError(
            f"{images.source}: class {name!r} has {counts.min()} images; every class needs {wanted}. Add "
            "images, remove the class, or raise max_train if it is set"
        )


def _split(images: NDArray[Any], labels: NDArray[np.int64], rows: NDArray[np.int64]) -> Split:
    return Split(torch.from_numpy(images[rows]), torch.from_numpy(labels[rows].astype(np.int64)))


def _statistics(images: Tensor) -> Normalisation:
    scale = 255.0 if images.dtype == torch.uint8 else 1.0
    moments = [_moments(images[:, channel]) for channel in range(images.shape[1])]
    mean = tuple(m / scale for m, _ in moments)
    return Normalisation(mean, tuple(s / scale if s > 0 else 1.0 for _, s in moments), scale)


def _moments(channel: Tensor) -> tuple[float, float]:
    if channel.dtype != torch.uint8:
        return float(channel.double().mean()), float(channel.double().std(correction=0))
    # A histogram holds all there is to know of 8-bit values, without a float copy of the data set.
    weight = torch.bincount(channel.flatten(), minlength=256).double() / channel.numel()
    value = torch.arange(256, dtype=torch.float64)
    mean = (weight * value).sum()
    return float(mean), float((weight * (value - mean) ** 2).sum().sqrt())
