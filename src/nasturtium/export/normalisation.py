"""How an image becomes a network's input, as an exported file says it."""

from dataclasses import dataclass
from typing import Any

from nasturtium.protocols import Task


@dataclass(frozen=True, slots=True)
class Normalisation:
    """``(image / scale - mean) / std`` per channel; exported networks take the result, as the model does.

    Attributes:
        mean: Per channel, after the division by `scale`.
        std: Per channel, likewise.
        scale: 255 for images of bytes, 1 for images of floats.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    scale: float

    def __str__(self) -> str:
        statistics = f"mean {_row(self.mean)}, std {_row(self.std)}"
        return f"(image / {self.scale:g} - mean) / std per channel, {statistics}"


def normalisation(task: Task) -> Normalisation | None:
    """Returns what `task` does to its images; None for a task that says nothing of it."""
    said: dict[str, Any] = task.describe()
    if not {"mean", "std"} <= said.keys():
        return None
    return Normalisation(tuple(said["mean"]), tuple(said["std"]), float(said.get("scale", 1.0)))


def classes(task: Task) -> tuple[str, ...]:
    """Returns the names of the outputs; their numbers for a task that does not name them."""
    return tuple(map(str, task.describe().get("classes", range(task.outputs))))


def reads_text(task: Task) -> bool:
    """Whether networks of a task read texts and score the next character; else they tell images apart."""
    return task.describe().get("kind") == "language modelling"


def description(task: Task) -> dict[str, Any]:
    """Returns what an exported file says of its task, as values that JSON knows."""
    said: dict[str, Any] = {"task": task.name, "classes": classes(task)}
    given = normalisation(task)
    if given:
        said |= {"normalisation": str(given), "mean": given.mean, "std": given.std, "scale": given.scale}
    return said


def _row(values: tuple[float, ...]) -> str:
    return "[" + ", ".join(f"{value:.6g}" for value in values) + "]"
