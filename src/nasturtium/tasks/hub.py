"""``hf:NAME``: image data sets of the Hugging Face hub, through its `datasets` library."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasturtium.errors import DataError
from nasturtium.tasks.decode import File, decode
from nasturtium.tasks.source import Images


def read_hub(
    name: str,
    *,
    image_size: int | None = None,
    cache: bool = True,
    source: str | None = None,
    licence: str | None = None,
) -> Images:
    """Returns the ``train`` split of a hub data set, and its ``test`` split where it has one.

    The images are its first column of images; the labels its column of class labels, or else the one called
    ``label`` or ``labels``.

    Args:
        name: ``owner/name``, or ``owner/name:configuration``.
        image_size: See `decode`.
        cache: See `decode`.
        source: What the data is called in errors and reports; None is ``hf:NAME``.
        licence: Overrules what the hub says.

    Raises:
        DataError: The library is not installed, the hub cannot be reached, or the data set is of another
            kind.
    """
    source = source or f"hf:{name}"
    splits = _splits(name, source)
    if "train" not in splits:
        raise DataError(f"{source}: no split called train; it has {', '.join(splits)}")
    train = splits["train"]
    image, label = _columns(train.features, source)
    names = _class_names(train, label)
    parts = [train, splits["test"]] if "test" in splits else [train]
    files = [file for part in parts for file in _files(part, image, source)]
    decoded = decode(files, image_size=image_size, keep=cache)
    labels = np.concatenate([_labels(part, label, names, source) for part in parts])
    count = len(train)
    return Images(
        source=source,
        images=decoded.images[:count],
        labels=labels[:count],
        class_names=names,
        test_images=decoded.images[count:] if len(parts) > 1 else None,
        test_labels=labels[count:] if len(parts) > 1 else None,
        mirrors=decoded.colour,
        licence=licence or train.info.license or None,
        digest=decoded.digest,
        preparation=decoded.preparation,
    )


def _splits(name: str, source: str) -> Any:
    try:
        import datasets
    except ImportError as problem:
        raise DataError(f'{source} needs the datasets library: pip install "nasturtium[data]"') from problem
    path, _, configuration = name.partition(":")
    try:
        return datasets.load_dataset(path, configuration or None)
    except Exception as problem:  # the library raises its own, the network's and Python's errors
        raise DataError(
            f"{source}: the Hugging Face hub gave no such data set ({type(problem).__name__}: {problem}); "
            "check the name and the connection"
        ) from problem


def _columns(features: Any, source: str) -> tuple[str, str]:
    kinds = {name: type(feature).__name__ for name, feature in features.items()}
    images = [name for name, kind in kinds.items() if kind == "Image"]
    labels = [name for name, kind in kinds.items() if kind == "ClassLabel"]
    labels += [name for name in ("label", "labels") if name in kinds and name not in labels]
    if not images or not labels:
        raise DataError(
            f"{source}: wanted a column of images and one of class labels, given "
            f"{', '.join(f'{name} ({kind})' for name, kind in kinds.items())}"
        )
    return images[0], labels[0]


def _class_names(train: Any, label: str) -> tuple[str, ...]:
    feature = train.features[label]
    if type(feature).__name__ == "ClassLabel":
        return tuple(feature.names)
    return tuple(str(value) for value in sorted(set(train[label])))


def _labels(part: Any, label: str, names: tuple[str, ...], source: str) -> NDArray[np.int64]:
    values = list(part[label])
    if type(part.features[label]).__name__ != "ClassLabel":
        index = {name: number for number, name in enumerate(names)}
        values = [index.get(str(value), -1) for value in values]
    labels = np.array(values, dtype=np.int64)
    if len(labels) and not 0 <= labels.min() <= labels.max() < len(names):
        raise DataError(
            f"{source}: labels outside of the {len(names)} classes (hidden test labels are often -1)"
        )
    return labels


def _files(part: Any, image: str, source: str) -> list[File]:
    import datasets

    encoded = part.cast_column(image, datasets.Image(decode=False))[image]
    return [_file(f"{source}, {part.split} row {row}", value) for row, value in enumerate(encoded)]


def _file(name: str, value: dict[str, Any]) -> File:
    from pathlib import Path

    data, path = value["bytes"], value["path"]
    return File(name, (lambda: data) if data is not None else Path(path).read_bytes)
