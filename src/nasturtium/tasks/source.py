"""Where images come from: one loader per kind of source, all giving `Images`."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasturtium.errors import DataError, unknown

# What a search takes as data, for people; `load` reads those of images, `text.language_modelling` the others.
SOURCES = {
    "digits": "scikit-learn's handwritten digits, 1,797 grey images of 8x8, embedded",
    "cifar10": "CIFAR-10, 60,000 photos of 32x32: from NASTURTIUM_DATA, else from the Hugging Face hub",
    "folder:PATH": "a folder of images per class, or train/ and test/ folders of those",
    "hf:NAME": "an image data set of the Hugging Face hub",
    "npz:PATH": "arrays images and labels, optionally test_images, test_labels and class_names",
    "text:FILE": "a text in UTF-8, for language models over its characters; the file may be gzipped",
    "ptb": "Penn Treebank by characters, from NASTURTIUM_DATA",
    "shakespeare": "tiny-shakespeare by characters, from NASTURTIUM_DATA",
}


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """A data set as it was read, before it is split.

    Attributes:
        source: Name that finds it again.
        images: [n, channels, height, width], uint8 or float32.
        labels: Class indices, [n], int64.
        class_names: One per class.
        test_images: Held-out images of the same shape, or None where the source has no such split.
        test_labels: Their labels, [m].
        mirrors: Whether a mirrored image may be taken for one of the same class.
        licence: Licence of the data, where it is known.
        digest: Digest of the content, hexadecimal.
        preparation: What was done to the images, in words.
        test_origin: Where the test split comes from, in words.
    """

    source: str
    images: NDArray[Any]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    test_images: NDArray[Any] | None = None
    test_labels: NDArray[np.int64] | None = None
    mirrors: bool = False
    licence: str | None = None
    digest: str = ""
    preparation: str = "as stored"
    test_origin: str = "the source's own"

    def with_test(self, kept: NDArray[np.int64], held: NDArray[np.int64], origin: str) -> "Images":
        """Returns the same data with the rows `held` as its test split."""
        return replace(
            self,
            images=self.images[kept],
            labels=self.labels[kept],
            test_images=self.images[held],
            test_labels=self.labels[held],
            test_origin=origin,
        )

    def without_arrays(self) -> "Images":
        """Returns what is known of the data, without the data."""
        none = np.empty(0, np.int64)
        return replace(self, images=none, labels=none, test_images=None, test_labels=None)


def load(source: str, *, image_size: int | None = None, cache: bool = True) -> Images:
    """Returns the data of `source`, checked; see `image_classification` for the sources.

    Raises:
        UnknownName: There is no such source.
        DataError: The data cannot be read or used.
    """
    kind, colon, rest = source.partition(":")
    plain: dict[str, Callable[[], Images]] = {"digits": _digits, "cifar10": lambda: _cifar10(cache)}
    named: dict[str, Callable[[], Images]] = {
        "folder": lambda: _folder(rest, image_size, cache),
        "hf": lambda: _hub(rest, image_size, cache),
        "npz": lambda: _npz(rest),
    }
    loader = named.get(kind) if colon else plain.get(kind)
    if loader is None:
        raise unknown("task", source, SOURCES)
    if colon and not rest:
        raise DataError(f"task {source!r} names no data; write for example {kind}:PATH")
    images = loader()
    _check(images)
    return images


def digest_of(*arrays: NDArray[Any]) -> str:
    """Returns a digest of the content of `arrays`, 32 hexadecimal digits."""
    total = blake2b(digest_size=16)
    for array in arrays:
        total.update(f"{array.dtype.str}{array.shape}".encode())
        total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()


def _digits() -> Images:
    from sklearn.datasets import load_digits

    data = load_digits()
    # The values are 0..16; 255 / 16 spreads them over 8 bits without merging any two.
    images = np.rint(data.images * (255 / 16)).astype(np.uint8)[:, None]
    return Images(
        source="digits",
        images=images,
        labels=data.target.astype(np.int64),
        class_names=tuple(str(name) for name in data.target_names),
        licence="CC BY 4.0 (UCI Optical Recognition of Handwritten Digits, Alpaydin and Kaynak 1998)",
        digest=digest_of(images, data.target),
        preparation="values 0..16 spread over 0..255",
    )


def _cifar10(cache: bool) -> Images:
    from nasturtium.tasks.cifar10 import read_cifar10

    return read_cifar10(cache=cache)


def _folder(path: str, image_size: int | None, cache: bool) -> Images:
    from nasturtium.tasks.folder import read_folder

    return read_folder(path, image_size=image_size, cache=cache)


def _hub(name: str, image_size: int | None, cache: bool) -> Images:
    from nasturtium.tasks.hub import read_hub

    return read_hub(name, image_size=image_size, cache=cache)


def _npz(path: str) -> Images:
    from nasturtium.tasks.arrays import read_npz

    return read_npz(path)


def _check(images: Images) -> None:
    if len(images.class_names) < 2:
        only = f" ({images.class_names[0]!r})" if images.class_names else ""
        raise DataError(
            f"{images.source}: {len(images.class_names)} class{only}; a classifier needs 2 or more. Put the "
            "images of every class in a folder or label of its own"
        )
    counts = np.bincount(images.labels, minlength=len(images.class_names))
    if (counts == 0).any():
        empty = ", ".join(repr(images.class_names[i]) for i in np.flatnonzero(counts == 0)[:5])
        raise DataError(f"{images.source}: no training image of class {empty}; add some or remove the class")
