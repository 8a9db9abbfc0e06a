"""An ONNX file says what it is for, takes any batch, and appears only when it is right."""

import json
import sys
from pathlib import Path

import numpy as np
import onnx as onnx_package
import onnxruntime
import pytest
import torch

from nasturtium.errors import ConfigError, ExportError
from nasturtium.export import onnx


def test_any_batch_and_the_metadata(mobile, task, tmp_path: Path) -> None:
    _, model = mobile
    difference = onnx.write(model, tmp_path / "net.onnx", task)
    assert difference <= 1e-4
    session = onnxruntime.InferenceSession(str(tmp_path / "net.onnx"), providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape == ["batch", 3, 16, 16]
    assert session.get_outputs()[0].shape == ["batch", 10]
    x = torch.randn(7, 3, 16, 16)
    with torch.inference_mode():
        np.testing.assert_allclose(session.run(None, {"input": x.numpy()})[0], model(x), atol=1e-4)
    said = {key: json.loads(value) for key, value in session.get_modelmeta().custom_metadata_map.items()}
    assert said["mean"] == task.describe()["mean"]
    assert said["classes"] == task.describe()["classes"]
    onnx_package.checker.check_model(str(tmp_path / "net.onnx"), full_check=True)


def test_a_file_that_differs_never_appears(mobile, task, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(onnx, "TOLERANCE", -1.0)
    with pytest.raises(ExportError, match=r"net\.onnx differs from the model by"):
        onnx.write(mobile[1], tmp_path / "net.onnx", task)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_says_how_to_install_it(mobile, task, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ConfigError, match=r"pip install 'nasturtium\[export\]'"):
        onnx.write(mobile[1], tmp_path / "net.onnx", task)


def test_a_place_that_cannot_hold_files_is_said(mobile, task, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match="cannot be written"):
        onnx.write(mobile[1], tmp_path / "file" / "net.onnx", task)
