"""One call exports to any format, with a card and the latency of what was written."""

from pathlib import Path

import pytest
import torch
from torch import nn

import nasturtium
from nasturtium.errors import ConfigError, ExportError, UnknownName
from nasturtium.export.artifact import export


@pytest.mark.parametrize("name", ["net.onnx", "net.py", "net.pt2"])
def test_the_suffix_decides_the_format(tiny, task, tmp_path: Path, name: str) -> None:
    made = export(tiny, tmp_path / name, task)
    assert made.path == tmp_path / name
    assert sorted(made.files) == sorted(tmp_path.iterdir())
    assert made.files[-1].name == f"{name}.md"
    assert made.difference <= 1e-4
    assert made.latency is not None
    assert f"{made.latency.median_ms:.4g} ms" in made.files[-1].read_text()


def test_the_format_decides_the_suffix(tiny, task, tmp_path: Path) -> None:
    made = export(tiny, tmp_path / "net-v1.2", task, format="source", measured=False)
    assert made.path.name == "net-v1.2.py"
    assert made.latency is None
    assert "latency" not in made.files[-1].read_text().partition("## Data")[0]


def test_the_model_stays_as_it_was(tiny, task, tmp_path: Path) -> None:
    model = tiny.train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    export(model, tmp_path / "net.py", task, measured=False)
    assert model.training
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    model.eval()


@pytest.mark.parametrize(
    ("name", "format", "error", "words"),
    [
        (
            "net.h5",
            None,
            UnknownName,
            r"unknown export format '\.h5'.*known: \.int8\.onnx, \.onnx, \.pt2",
        ),
        ("net", None, UnknownName, "unknown export format 'net'"),
        ("net", "tflite", UnknownName, "unknown export format 'tflite'.*known: int8, onnx, program, source"),
        ("net.onnx", "source", ConfigError, r"net\.onnx does not fit the format 'source'; call it net\.py"),
        (
            "net.onnx",
            "int8",
            ConfigError,
            r"net\.onnx does not fit the format 'int8'; call it net\.int8\.o",
        ),
    ],
)
def test_a_wrong_format_is_said_before_anything_is_written(
    tiny, task, tmp_path: Path, name: str, format: str | None, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        export(tiny, tmp_path / name, task, format=format)
    assert list(tmp_path.iterdir()) == []


def test_the_package_is_the_function_of_the_public_interface(tiny, task, tmp_path: Path) -> None:
    assert nasturtium.export(tiny, tmp_path / "net.py", task, measured=False).path == tmp_path / "net.py"


def test_a_module_needs_its_task(tiny, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="export needs the task"):
        export(tiny, tmp_path / "net.onnx")


@pytest.mark.parametrize("name", ["net.onnx", "net.py", "net.pt2"])
def test_a_place_that_cannot_hold_files_is_said(tiny, task, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match="cannot be written"):
        export(tiny, tmp_path / "file" / name, task, measured=False)


def test_a_task_may_be_given_by_its_name(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).eval()  # digits are 8x8
    made = export(model, tmp_path / "net.onnx", "digits", measured=False)
    assert made.difference < 1e-4
    assert "digits" in made.files[-1].read_text()
