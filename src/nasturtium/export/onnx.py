"""A network as an ONNX file with a dynamic batch, checked against PyTorch before it takes its place."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nasturtium.errors import ExportError
from nasturtium.export.normalisation import description
from nasturtium.export.replaced import replaced
from nasturtium.net.onnx import INPUT, OUTPUT, onnx_model, require
from nasturtium.protocols import Task

TOLERANCE = 1e-4  # largest absolute difference of logits; float32 sums in another order differ by about 1e-6


def write(model: nn.Module, path: Path, task: Task) -> float:
    """Writes ``input`` [batch, *input_shape], normalised, to ``logits`` [batch, outputs].

    The file's metadata names the classes and the normalisation, as JSON.

    Args:
        model: On the CPU.
        path: Ends in ``.onnx``.
        task: Gives shapes, class names and normalisation.

    Returns:
        The largest absolute difference to the outputs of `model` on random inputs, in batches of 1 and 3.

    Raises:
        ConfigError: onnx or onnxruntime is not installed.
        ExportError: The outputs differ, or the file cannot be written.
    """
    require("onnxruntime")
    made = onnx_model(model, task.input_shape)
    describe(made, task)
    with replaced(path) as (file,):
        file.write_bytes(made.SerializeToString())
        difference = difference_of(model, file, task)
        if not difference <= TOLERANCE:
            raise ExportError(
                f"{path.name} differs from the model by {difference:.2g} on random inputs, more than "
                f"{TOLERANCE:g}; export to .pt2 or .py instead, and please report the network"
            )
    return difference


def describe(made: Any, task: Task) -> None:
    """Writes into a model's metadata what its inputs and outputs mean, and checks it."""
    import onnx

    onnx.helper.set_model_props(made, {key: json.dumps(value) for key, value in description(task).items()})
    onnx.checker.check_model(made, full_check=True)


def answers_of(file: Path, threads: int = 1) -> Callable[[Tensor], Tensor]:
    """Returns what gives a file's logits for normalised inputs."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    return lambda x: torch.from_numpy(session.run([OUTPUT], {INPUT: x.numpy()})[0])


def difference_of(model: nn.Module, file: Path, task: Task) -> float:
    """Returns the largest absolute difference to the outputs of `model` on random inputs."""
    answers, found = answers_of(file), 0.0
    for batch in (1, 3):
        x = torch.randn(batch, *task.input_shape, generator=torch.Generator().manual_seed(batch))
        with torch.inference_mode():
            difference = float((model(x) - answers(x)).abs().max())
        found = difference if math.isnan(difference) else max(found, difference)
    return found
