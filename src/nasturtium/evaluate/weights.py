"""Trained weights as files: safetensors, written whole or not at all."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from nasturtium.errors import StoreError


def save_weights(model: nn.Module, path: Path, *, epochs: int) -> None:
    """Writes the state of `model` to `path`, beside the number of epochs it was trained for.

    Raises:
        StoreError: The folder cannot be written or the disk is full.
    """
    write_tensors(model.state_dict(), path, {"epochs": str(epochs)})


def write_tensors(tensors: Mapping[str, Tensor], path: Path, words: Mapping[str, str]) -> None:
    """Writes tensors and a few words to a safetensors file.

    The file appears whole: it is written under another name, forced to the disk and renamed.

    Raises:
        StoreError: The folder cannot be written or the disk is full.
    """
    state = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    data = save(state, metadata=dict(words))
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as problem:
        with suppress(OSError):
            temporary.unlink()
        raise StoreError(
            f"cannot write the weights to {path}: {problem.strerror}. Free some space or choose a folder "
            "that can be written, then run the same command again: it goes on where it stopped"
        ) from problem


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Returns the tensors and the words of a file that `write_tensors` wrote.

    Raises:
        StoreError: The file is missing or is no safetensors file.
    """
    try:
        with safe_open(path, framework="pt") as file:
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return tensors, dict(file.metadata() or {})
    except (OSError, SafetensorError) as problem:
        raise StoreError(
            f"cannot read the weights in {path}: {problem}; train the network again"
        ) from problem


def load_weights(model: nn.Module, path: Path) -> int:
    """Reads the state of `model` from `path` and returns the number of epochs it was trained for.

    Raises:
        StoreError: The file is missing, is no safetensors file, or holds the weights of another network.
    """
    state, words = read_tensors(path)
    try:
        model.load_state_dict(state)
    except RuntimeError as problem:
        raise StoreError(f"the weights in {path} belong to another network: {problem}") from problem
    return int(words.get("epochs", "0"))
