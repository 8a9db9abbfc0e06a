"""A network as an ONNX file with a dynamic batch, checked against PyTorch before it takes its place."""

import json
from pathlib import Path

import torch
from torch import nn

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
    import onnx

    onnx.helper.set_model_props(made, {key: json.dumps(value) for key, value in description(task).items()})
    onnx.checker.check_model(made, full_check=True)
    with replaced(path) as (file,):
        file.write_bytes(made.SerializeToString())
        difference = max(_difference(model, file, task, batch) for batch in (1, 3))
        if not difference <= TOLERANCE:
            raise ExportError(
                f"{path.name} differs from the model by {difference:.2g} on random inputs, more than "
                f"{TOLERANCE:g}; export to .pt2 or .py instead, and please report the network"
            )
    return difference


def _difference(model: nn.Module, file: Path, task: Task, batch: int) -> float:
    import onnxruntime

    x = torch.randn(batch, *task.input_shape, generator=torch.Generator().manual_seed(batch))
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    (made,) = session.run([OUTPUT], {INPUT: x.numpy()})
    with torch.inference_mode():
        return float((model(x) - torch.from_numpy(made)).abs().max())
