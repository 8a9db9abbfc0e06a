"""Files that appear whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nasturtium.errors import ExportError


@contextmanager
def replaced(*paths: Path) -> Iterator[tuple[Path, ...]]:
    """Gives one temporary path per path; they take the places of `paths` when the ``with`` block ends well.

    What the block finds wrong with its files thus never costs the user the files of an earlier export.

    Raises:
        ExportError: A file cannot be written: no permission, no space, not a folder.
    """
    made = tuple(path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}") for path in paths)
    try:
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
        yield made
        for temporary, path in zip(made, paths, strict=True):
            temporary.replace(path)
    except OSError as error:
        raise ExportError(
            f"{paths[0]} cannot be written: {error.strerror or error}; give another path, or make room there"
        ) from error
    finally:
        for temporary in made:
            _remove(temporary)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:  # its folder does not exist or is not writable: then the file is not there either
        return
