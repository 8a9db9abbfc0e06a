"""A network as an ONNX file that computes in whole numbers of 8 bits."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx, nn

from nasturtium.cost.runtime import folded
from nasturtium.errors import ConfigError, ExportError
from nasturtium.evaluate.subnets import some_of
from nasturtium.export.onnx import describe, difference_of
from nasturtium.export.replaced import replaced
from nasturtium.net.onnx import INPUT, onnx_model, require
from nasturtium.protocols import Task
from nasturtium.tasks.images import Split

CALIBRATED = 256  # training inputs on which the ranges of values are seen
KINDS = ("Conv", "Gemm", "MatMul")  # where nearly all of the work is; what is between them stays in float32
_BATCH = 32
_PREPARED = ("onnx.quant.pre_process", "onnxruntime.quant")  # says that norms are folded and shapes known


def write(model: nn.Module, path: Path, task: Task) -> float:
    """Writes what `export.onnx` does, with 8 bits for the inputs of layers and 7 for weights (per channel).

    Ranges of values are the smallest and largest that training inputs give (static quantisation, as
    onnxruntime does it; Jacob et al. 2018, arXiv:1712.05877, section 2). Nothing is trained.

    Args:
        model: On the CPU, in eval mode.
        path: Ends in ``.int8.onnx``.
        task: Gives shapes, class names, normalisation and training inputs.

    Returns:
        The largest absolute difference to the outputs of `model` on random inputs. It has no bound: what
        matters is the accuracy, see `check`.

    Raises:
        ConfigError: onnx or onnxruntime is not installed, or the task has no training inputs.
        ExportError: An output is not a number, or the file cannot be written.
    """
    require("onnxruntime")
    import onnx
    from onnxruntime.quantization import QuantType, quantize_static

    inputs = _inputs(task)
    made = onnx_model(folded(model) if isinstance(model, fx.GraphModule) else model, task.input_shape)
    made.metadata_props.add(key=_PREPARED[0], value=_PREPARED[1])
    with replaced(path) as (file,):
        quantize_static(
            made,
            file,
            _Reader(inputs),
            op_types_to_quantize=list(KINDS),
            per_channel=True,
            reduce_range=True,  # x86 without VNNI adds two products up in 16 bits: 2 * 255 * 64 fits
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        quantised = onnx.load(file)
        describe(quantised, task)
        onnx.save(quantised, file)
        difference = difference_of(model, file, task)
        if not math.isfinite(difference):
            raise ExportError(f"{path.name} gives no numbers on random inputs; export to .onnx instead")
    return difference


class _Reader:
    """Gives batches one after another, as onnxruntime wants them."""

    def __init__(self, inputs: Tensor) -> None:
        self._left: Iterator[Tensor] = iter(torch.split(inputs, _BATCH))

    def get_next(self) -> dict[str, Any] | None:
        """Returns the next batch; None after the last."""
        batch = next(self._left, None)
        return None if batch is None else {INPUT: batch.numpy()}


def _inputs(task: Task) -> Tensor:
    train, prepare = getattr(task, "train", None), getattr(task, "normalisation", None)
    if not isinstance(train, Split) or prepare is None:
        raise ConfigError(
            f"int8 needs training inputs of {task.name}, for the ranges of values; export to .onnx instead"
        )
    prepared: Tensor = prepare(some_of(train, CALIBRATED, seed=0).images, torch.contiguous_format)
    return prepared
