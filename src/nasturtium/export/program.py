"""A network as a torch.export program (.pt2), which ``torch.export.load`` opens without any of its source."""

import json
import warnings
from pathlib import Path

import torch
from torch import nn

from nasturtium.errors import ExportError
from nasturtium.export.normalisation import description
from nasturtium.export.replaced import replaced
from nasturtium.protocols import Task

TOLERANCE = 1e-5
DESCRIPTION = "description.json"  # read it with torch.export.load(path, extra_files={"description.json": ""})


def write(model: nn.Module, path: Path, task: Task) -> float:
    """Writes a program that maps [batch, *input_shape], normalised, to logits [batch, outputs].

    Args:
        model: On the CPU, in eval mode.
        path: Ends in ``.pt2``.
        task: Gives shapes, class names and normalisation.

    Returns:
        The largest absolute difference to the outputs of `model` on random inputs.

    Raises:
        ExportError: torch cannot trace a module of the user's, the outputs differ, or the file cannot be
            written.
    """
    # A batch of 2, because torch takes a size of 1 for a constant.
    example = torch.zeros(2, *task.input_shape)
    with replaced(path) as (file,), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch's own deprecated parts
        try:
            program = torch.export.export(
                model, (example,), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},)
            )
        except Exception as error:  # torch raises many kinds, none of them documented
            raise ExportError(
                f"torch.export cannot trace the network; export to .py instead: {error}"
            ) from error
        torch.export.save(program, file, extra_files={DESCRIPTION: json.dumps(description(task))})
        read = torch.export.load(file).module()
        difference = max(_difference(model, read, task, batch) for batch in (1, 3))
        if not difference <= TOLERANCE:
            raise ExportError(f"{path.name} differs from the model by {difference:.2g} on random inputs")
    return difference


def _difference(model: nn.Module, read: nn.Module, task: Task, batch: int) -> float:
    x = torch.randn(batch, *task.input_shape, generator=torch.Generator().manual_seed(batch))
    with torch.inference_mode():
        return float((model(x) - read(x)).abs().max())
