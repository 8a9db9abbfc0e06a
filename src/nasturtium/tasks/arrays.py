"""``npz:PATH``: images that are arrays already."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasturtium.errors import DataError
from nasturtium.tasks.source import Images, digest_of


def read_npz(path: str) -> Images:
    """Returns the arrays of an .npz file.

    Keys: ``images`` [n, height, width], [n, height, width, 1 or 3] or [n, channels, height, width], uint8 or
        float;
    ``labels`` [n], integers from 0; optionally ``test_images``, ``test_labels`` and ``class_names``. Four
    dimensions count as channels first unless only the last of them is 1 or 3.

    Raises:
        DataError: The file, a key, a shape or a value cannot be used.
    """
    source = f"npz:{path}"
    arrays = _arrays(Path(path).expanduser(), source)
    images = _images(arrays["images"], "images", source)
    labels = _labels(arrays["labels"], "labels", len(images), source)
    names = _names(arrays.get("class_names"), int(labels.max()) + 1, source)
    test = _test(arrays, images, len(names), source)
    return Images(
        source=source,
        images=images,
        labels=labels,
        class_names=names,
        test_images=test[0] if test else None,
        test_labels=test[1] if test else None,
        digest=digest_of(images, labels, *(test or ())),
    )


def _arrays(path: Path, source: str) -> dict[str, NDArray[Any]]:
    try:
        # Opened here, since numpy leaves a file open that it cannot read.
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except FileNotFoundError as problem:
        raise DataError(f"{source}: {path.absolute()} does not exist") from problem
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile) as problem:
        raise DataError(
            f"{source}: no .npz file of plain arrays ({problem}); write it with numpy.savez"
        ) from problem
    if missing := [key for key in ("images", "labels") if key not in arrays]:
        raise DataError(f"{source}: no array {' and '.join(missing)}; it has {', '.join(arrays) or 'none'}")
    return arrays


def _images(array: NDArray[Any], key: str, source: str) -> NDArray[Any]:
    if array.ndim == 3:
        array = array[:, None]
    elif array.ndim == 4 and array.shape[3] in {1, 3} and array.shape[1] not in {1, 3}:
        array = array.transpose(0, 3, 1, 2)
    if array.ndim != 4 or 0 in array.shape:
        raise DataError(
            f"{source}: {key} is {list(array.shape)}; wanted [n, height, width] or "
            "[n, channels, height, width]"
        )
    if array.dtype.kind == "f":
        array = array.astype(np.float32)
        if not np.isfinite(array).all():
            raise DataError(f"{source}: {key} has NaN or infinite values; remove or replace them")
    elif array.dtype != np.uint8:
        if array.dtype.kind not in "iub" or array.min() < 0 or array.max() > 255:
            raise DataError(f"{source}: {key} is {array.dtype}; wanted uint8 (0..255) or float values")
        array = array.astype(np.uint8)
    return np.ascontiguousarray(array)


def _labels(array: NDArray[Any], key: str, count: int, source: str) -> NDArray[np.int64]:
    array = array.reshape(-1) if array.ndim == 2 and array.shape[1] == 1 else array
    if array.shape != (count,):
        raise DataError(
            f"{source}: {key} is {list(array.shape)} for {count} images; wanted [{count}], one per image"
        )
    if array.dtype.kind not in "iu":
        raise DataError(f"{source}: {key} is {array.dtype}; wanted integers from 0, one number per class")
    if array.min() < 0:
        raise DataError(f"{source}: {key} has {array.min()}; wanted classes numbered from 0")
    return array.astype(np.int64)


def _names(given: NDArray[Any] | None, seen: int, source: str) -> tuple[str, ...]:
    if given is None:
        return tuple(str(number) for number in range(seen))
    if len(given) < seen:
        raise DataError(
            f"{source}: labels up to {seen - 1} and {len(given)} class_names; wanted one name per class"
        )
    return tuple(str(name) for name in given)


def _test(
    arrays: dict[str, NDArray[Any]], images: NDArray[Any], classes: int, source: str
) -> tuple[NDArray[Any], NDArray[np.int64]] | None:
    given = [key for key in ("test_images", "test_labels") if key in arrays]
    if not given:
        return None
    if len(given) == 1:
        raise DataError(
            f"{source}: it has {given[0]} alone; wanted both test_images and test_labels, or neither"
        )
    held = _images(arrays["test_images"], "test_images", source)
    labels = _labels(arrays["test_labels"], "test_labels", len(held), source)
    if held.shape[1:] != images.shape[1:] or held.dtype != images.dtype:
        raise DataError(
            f"{source}: test_images are {list(held.shape[1:])} {held.dtype}, images {list(images.shape[1:])} "
            f"{images.dtype}; wanted the same"
        )
    if labels.max() >= classes:
        raise DataError(
            f"{source}: test_labels up to {labels.max()}; the training labels have {classes} classes"
        )
    return held, labels
