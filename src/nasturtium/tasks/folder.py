"""``folder:PATH``: images in one folder per class."""

from pathlib import Path

import numpy as np

from nasturtium.errors import DataError
from nasturtium.tasks.decode import File, decode
from nasturtium.tasks.source import Images

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"},
)
_LAYOUT = "wanted: one folder per class with images in it, or such folders inside train and test"


def read_folder(path: str, *, image_size: int | None = None, cache: bool = True) -> Images:
    """Returns the images under `path`: class folders, or ``train`` and optionally ``test`` folders of those.

    Classes are the folders' names in alphabetical order. Files with other suffixes than images' and hidden
    ones are passed over; folders inside a class belong to it.

    Raises:
        DataError: The folder, a class or an image cannot be used; the message names it.
    """
    root = Path(path).expanduser()
    if not root.is_dir():
        what = "is a file, not a folder" if root.exists() else "does not exist"
        raise DataError(f"folder:{path}: {root.absolute()} {what}; {_LAYOUT}")
    split = (root / "train").is_dir() and not _files(root / "train", nested=False)
    train = _classes(root / "train" if split else root)
    test = _classes(root / "test") if split and (root / "test").is_dir() else {}
    if strangers := sorted(test.keys() - train.keys()):
        raise DataError(
            f"{root / 'test'}: class {', '.join(strangers)} is not among train's {', '.join(train)}"
        )
    names = tuple(train)
    parts = [
        (names.index(name), file)
        for group in (train, test)
        for name, files in group.items()
        for file in files
    ]
    decoded = decode([File(str(f), f.read_bytes) for _, f in parts], image_size=image_size, keep=cache)
    labels = np.array([label for label, _ in parts], dtype=np.int64)
    count = sum(map(len, train.values()))
    return Images(
        source=f"folder:{path}",
        images=decoded.images[:count],
        labels=labels[:count],
        class_names=names,
        test_images=decoded.images[count:] if test else None,
        test_labels=labels[count:] if test else None,
        mirrors=decoded.colour,
        digest=decoded.digest,
        preparation=decoded.preparation,
    )


def _classes(root: Path) -> dict[str, list[Path]]:
    folders = sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not folders:
        loose = len(_files(root, nested=False))
        raise DataError(f"{root}: no class folders, and {loose} images outside of one; {_LAYOUT}")
    classes = {folder.name: _files(folder, nested=True) for folder in folders}
    if not any(classes.values()):
        raise DataError(
            f"{root}: no images in {', '.join(classes)} (of {', '.join(sorted(SUFFIXES))}); {_LAYOUT}"
        )
    if empty := [str(root / name) for name, files in classes.items() if not files]:
        raise DataError(f"class folder without images: {', '.join(empty)}; add images or remove the folder")
    return classes


def _files(folder: Path, *, nested: bool) -> list[Path]:
    found = folder.rglob("*") if nested else folder.iterdir()
    return sorted(
        p for p in found if p.suffix.lower() in SUFFIXES and not p.name.startswith(".") and p.is_file()
    )
