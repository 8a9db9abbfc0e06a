"""``cifar10``: from parquet files at hand, else from the Hugging Face hub."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasturtium.errors import DataError
from nasturtium.tasks.decode import File, decode
from nasturtium.tasks.source import Images

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
HUB_NAME = "uoft-cs/cifar10"
_LICENCE = "none stated (Krizhevsky 2009, Learning multiple layers of features from tiny images)"


def read_cifar10(*, cache: bool = True) -> Images:
    """Returns CIFAR-10 from $NASTURTIUM_DATA/cifar10/{train,test}.parquet, or without those from the hub.

    Raises:
        DataError: Neither can be read.
    """
    root = Path(os.environ.get("NASTURTIUM_DATA") or "") / "cifar10"
    paths = [root / "train.parquet", root / "test.parquet"]
    if not all(path.is_file() for path in paths):
        return _from_hub(paths, cache)
    tables = [_read(path) for path in paths]
    count = len(tables[0][0])
    decoded = decode([*tables[0][0], *tables[1][0]], image_size=None, keep=cache)
    return Images(
        source="cifar10",
        images=decoded.images[:count],
        labels=tables[0][1],
        class_names=CLASSES,
        test_images=decoded.images[count:],
        test_labels=tables[1][1],
        mirrors=True,
        licence=_LICENCE,
        digest=decoded.digest,
        preparation=decoded.preparation,
    )


def _from_hub(paths: list[Path], cache: bool) -> Images:
    from nasturtium.tasks.hub import read_hub

    try:
        return read_hub(HUB_NAME, cache=cache, source="cifar10", licence=_LICENCE)
    except DataError as problem:
        raise DataError(
            f"cifar10: {paths[0]} and {paths[1].name} are not there (set NASTURTIUM_DATA to the folder that "
            f"holds cifar10/), and the hub did not help: {problem}"
        ) from problem


def _read(path: Path) -> tuple[list[File], NDArray[np.int64]]:
    """Returns the files and labels of a table with columns img {bytes, path} and label."""
    parquet = _pyarrow_parquet()
    try:
        table = parquet.read_table(path, columns=["img", "label"])
        encoded = table["img"].combine_chunks().field("bytes").to_pylist()
        labels = table["label"].to_numpy().astype(np.int64)
    except Exception as problem:  # pyarrow's errors share no class of their own
        raise DataError(
            f"{path} is no table of columns img {{bytes, path}} and label ({problem})"
        ) from problem
    return [_file(f"{path}, row {row}", data) for row, data in enumerate(encoded)], labels


def _file(name: str, data: bytes) -> File:
    return File(name, lambda: data)


def _pyarrow_parquet() -> Any:
    try:
        import pyarrow.parquet
    except ImportError as problem:
        raise DataError('parquet files need pyarrow: pip install "nasturtium[parquet]"') from problem
    return pyarrow.parquet
