"""Trained weights as files: safetensors, written whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from nasturtium.errors import StoreError


def save_weights(model: nn.Module, path: Path, *, epochs: int) -> None:
    """Writes the state of `model` to `path`, beside the number of epochs it was trained for.

    The file appears whole: it is written under another name, forced to the disk and renamed.

    Raises:
        StoreError: The folder cannot be written or the disk is full.
    """
    state = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    data = save(state, metadata={"epochs": str(epochs)})
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


def load_weights(model: nn.Module, path: Path) -> int:
    """Reads the state of `model` from `path` and returns the number of epochs it was trained for.

    Raises:
        StoreError: The file is missing, is no safetensors file, or holds the weights of another network.
    """
    try:
        with safe_open(path, framework="pt") as file:
            epochs = int((file.metadata() or {}).get("epochs", "0"))
            state: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as problem:
        raise StoreError(
            f"cannot read the weights in {path}: {problem}; train the network again"
        ) from problem
    try:
        model.load_state_dict(state)
    except RuntimeError as problem:
        raise StoreError(f"the weights in {path} belong to another network: {problem}") from problem
    return epochs
