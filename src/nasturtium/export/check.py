"""Whether an exported file answers as its model does, on the task's own data."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor, nn

from nasturtium.evaluate.subnets import some_of
from nasturtium.protocols import Task
from nasturtium.tasks.images import Split

Answers: TypeAlias = Callable[[Tensor], Tensor]  # logits of prepared inputs

CHECKED = 2048  # inputs, at most
LOST = 0.01  # share of wrong answers that a file may have more than its model, before that is said aloud
_BATCH = 128


@dataclass(frozen=True, slots=True)
class Check:
    """How a file and its model answer the same questions.

    Attributes:
        split: Whose inputs, ``test`` or ``valid``.
        inputs: How many.
        model: Share of the model's answers that are wrong.
        file: The same of the file.
        alike: Share of answers that are the same, right or wrong.
        difference: Largest absolute difference of the logits.
    """

    split: str
    inputs: int
    model: float
    file: float
    alike: float
    difference: float

    def __str__(self) -> str:
        """For example ``accuracy 91.20%, the model's 91.31%, on 2,048 test inputs; 99.51% alike``."""
        where = f"{self.inputs:,} {'validation' if self.split == 'valid' else self.split} inputs"
        return (
            f"accuracy {1 - self.file:.2%}, the model's {1 - self.model:.2%}, on {where}; "
            f"{self.alike:.2%} of the answers are the same"
        )

    @property
    def warning(self) -> str:
        """What to say of a file that is worse than its model by more than a point; empty of any other."""
        if self.file - self.model <= LOST:
            return ""
        return (
            f"it loses {100 * (self.file - self.model):.1f} points of accuracy, more than {100 * LOST:g}; "
            "take the file in float32, or another network"
        )


def check(model: nn.Module, opened: Callable[[], Answers], task: Task, split: str) -> Check | None:
    """Returns how a file compares with its model; None where the task has no data to ask about.

    Args:
        model: In eval mode, on the CPU.
        opened: Opens the file.
        task: Gives inputs and right answers.
        split: ``test`` for a network whose training is over and judged, else ``valid``.
    """
    asked = getattr(task, split, None)
    prepare = getattr(task, "normalisation", None)
    if not isinstance(asked, Split) or prepare is None or not len(asked):
        return None
    asked, answers = some_of(asked, CHECKED, seed=0), opened()
    wrong, theirs, alike, difference = 0, 0, 0, 0.0
    with torch.inference_mode():
        batches = torch.split(asked.images, _BATCH), torch.split(asked.labels, _BATCH)
        for images, labels in zip(*batches, strict=True):
            x = prepare(images, torch.contiguous_format)
            wanted, given = model(x), answers(x)
            difference = max(difference, float((wanted - given).abs().max()))
            wrong += int((wanted.argmax(1) != labels).sum())
            theirs += int((given.argmax(1) != labels).sum())
            alike += int((given.argmax(1) == wanted.argmax(1)).sum())
    count = asked.labels.numel()
    return Check(split, len(asked), wrong / count, theirs / count, alike / count, difference)
