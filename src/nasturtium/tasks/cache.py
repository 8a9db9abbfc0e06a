"""Decoded images kept between runs, in the user's cache folder; all of it can be deleted at any time."""

import logging
import os
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

log = logging.getLogger(__name__)

# Part of every file's name: raise it when decoding changes, so that old files are not taken for new ones.
_VERSION = 1


def folder() -> Path:
    """Returns $NASTURTIUM_CACHE, else $XDG_CACHE_HOME/nasturtium, else ~/.cache/nasturtium."""
    given = os.environ.get("NASTURTIUM_CACHE")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nasturtium"


def load(key: str) -> tuple[NDArray[np.uint8], str] | None:
    """Returns (images, preparation) kept under `key`, or None where there is nothing whole."""
    path = _path(key)
    try:
        with safe_open(path, framework="numpy") as file:
            return file.get_tensor("images"), (file.metadata() or {})["preparation"]
    except FileNotFoundError:
        return None
    except (OSError, SafetensorError, KeyError) as problem:
        log.warning("%s cannot be used and is made anew: %s", path, problem)
        return None


def store(key: str, images: NDArray[np.uint8], preparation: str) -> None:
    """Keeps images under `key`, in a file that appears whole; a failure only makes the next start slower."""
    path = _path(key)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(save({"images": images}, metadata={"preparation": preparation}))
        temporary.replace(path)
    except OSError as problem:
        log.warning("decoded images are not kept: %s", problem)
        with suppress(OSError):
            temporary.unlink()


def _path(key: str) -> Path:
    return folder() / f"images-v{_VERSION}-{key}.safetensors"
