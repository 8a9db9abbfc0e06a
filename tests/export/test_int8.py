"""8 bits for what layers read, a scale per channel for their weights, and hardly an answer that differs."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from nasturtium.cost.runtime import folded
from nasturtium.errors import ConfigError
from nasturtium.export import int8
from nasturtium.export.artifact import export


def test_int8_keeps_the_accuracy_in_a_fraction_of_the_weights(trained, digits, tmp_path: Path) -> None:
    made = export(trained, tmp_path / "net.int8.onnx", digits, measured=False)
    assert made.check.split == "valid"
    assert made.check.file - made.check.model <= 0.01
    weights = {one.name: one for one in onnx.load(made.path).graph.initializer}
    whole = [one for one in weights.values() if one.data_type == onnx.TensorProto.INT8 and len(one.dims) > 1]
    largest = max(int(np.abs(onnx.numpy_helper.to_array(one)).max()) for one in whole)
    assert 2 * 255 * largest < 2**15, "x86 without VNNI adds two products up in 16 bits"
    convs = [one for one in folded(trained).modules() if isinstance(one, nn.Conv2d | nn.Linear)]
    assert sum(int(np.prod(one.dims)) for one in whole) == sum(one.weight.numel() for one in convs)
    floats = [one for one in weights.values() if one.data_type == onnx.TensorProto.FLOAT]
    assert max(int(np.prod(one.dims)) for one in floats) > 1, "a scale per channel"


def test_a_task_without_data_cannot_be_calibrated_on(tiny, task, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="int8 needs training inputs of toy"):
        int8.write(tiny, tmp_path / "net.int8.onnx", task)
    assert list(tmp_path.iterdir()) == []


def test_the_global_generator_is_left_alone(trained, digits, tmp_path: Path) -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    export(trained, tmp_path / "net.int8.onnx", digits, measured=False)
    assert torch.equal(torch.get_rng_state(), before)
