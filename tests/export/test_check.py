"""An exported file is asked the same questions as its model."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

import nasturtium as nt
from nasturtium.architecture import Architecture
from nasturtium.cost.runtime import folded
from nasturtium.errors import ConfigError
from nasturtium.evaluate.fit import evaluate, fit
from nasturtium.evaluate.recipe import Recipe
from nasturtium.export import int8
from nasturtium.export.artifact import export
from nasturtium.export.card import Facts
from nasturtium.export.check import check
from nasturtium.net.build import build
from nasturtium.protocols import Candidate, Trial
from nasturtium.run.retrained import Retrained

RECIPE = Recipe(epochs=3, threads=1)


@pytest.fixture(scope="module")
def digits():
    return nt.tasks.image_classification("digits")


@pytest.fixture(scope="module")
def model(digits):
    """Depthwise and dense convolutions, a gate, hardswish; trained to tell digits apart."""
    from nasturtium import blocks as b

    block = b.mb_conv(16, kernel=3, expand=2, se=0.5)
    space = nt.Space(b.conv(16, stride=2), block, b.classifier()).bind(digits.input_shape, digits.outputs)
    made = build(space.network(space.unrank(0)), seed=0)
    fit(made, digits.train, None, RECIPE, seed=0, normalisation=digits.normalisation)
    return made.eval()


def judged():
    candidate = Candidate(Architecture("space", (0,)))
    return Facts(Retrained((Trial(candidate, {"error": 0.1}),)))


@pytest.mark.parametrize("name", ["net.onnx", "net.int8.onnx", "net.pt2", "net.py"])
def test_errors_of_file_and_model_are_those_that_they_have(model, digits, tmp_path: Path, name: str) -> None:
    made = export(model, tmp_path / name, digits, facts=judged(), measured=False)
    assert (made.check.split, made.check.inputs) == ("test", len(digits.test))
    wanted, _ = evaluate(model, digits.test, digits.normalisation, RECIPE)
    assert made.check.model == pytest.approx(wanted, abs=1e-12)
    if name.endswith("onnx"):
        session = onnxruntime.InferenceSession(str(tmp_path / name), providers=["CPUExecutionProvider"])
        answers = session.run(None, {"input": digits.normalisation(digits.test.images).numpy()})[0].argmax(1)
        assert made.check.file == pytest.approx(np.mean(answers != digits.test.labels.numpy()), abs=0.004)
    if "int8" not in name:
        assert (made.check.alike, made.check.warning) == (1.0, "")
        assert made.check.difference < 1e-4
    card = (tmp_path / f"{name}.md").read_text()
    assert f"This very file: accuracy {1 - made.check.file:.2%}, the model's {1 - wanted:.2%}, on " in card


def test_int8_keeps_the_accuracy_in_a_fraction_of_the_weights(model, digits, tmp_path: Path) -> None:
    made = export(model, tmp_path / "net.int8.onnx", digits, measured=False)
    assert made.check.split == "valid"
    assert made.check.file - made.check.model <= 0.01
    weights = {one.name: one for one in onnx.load(made.path).graph.initializer}
    whole = [one for one in weights.values() if one.data_type == onnx.TensorProto.INT8 and len(one.dims) > 1]
    largest = max(int(np.abs(onnx.numpy_helper.to_array(one)).max()) for one in whole)
    assert 2 * 255 * largest < 2**15, "x86 without VNNI adds two products up in 16 bits"
    convs = [one for one in folded(model).modules() if isinstance(one, nn.Conv2d | nn.Linear)]
    assert sum(int(np.prod(one.dims)) for one in whole) == sum(one.weight.numel() for one in convs)
    floats = [one for one in weights.values() if one.data_type == onnx.TensorProto.FLOAT]
    assert max(int(np.prod(one.dims)) for one in floats) > 1, "a scale per channel"


def test_a_file_that_answers_worse_is_warned_of(model, digits) -> None:
    worse = check(model, lambda: lambda x: model(x).roll(1, 1), digits, "valid")
    assert worse.alike < 0.2
    assert worse.file > worse.model + 0.5
    assert "points of accuracy, more than 1" in worse.warning
    slightly = check(model, lambda: lambda x: model(x) + 1e-7, digits, "valid")
    assert slightly.warning == ""


def test_a_warning_stands_in_the_card(model, digits, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("nasturtium.export.check.LOST", -1.0)
    made = export(model, tmp_path / "net.onnx", digits, measured=False)
    assert f"**Warning: {made.check.warning}.**" in made.files[-1].read_text()


def test_a_task_without_data_is_not_asked_and_cannot_calibrate(tiny, task, tmp_path: Path) -> None:
    assert check(tiny, lambda: tiny, task, "test") is None
    assert export(tiny, tmp_path / "net.onnx", task, measured=False).check is None
    with pytest.raises(ConfigError, match="int8 needs training inputs of toy"):
        int8.write(tiny, tmp_path / "net.int8.onnx", task)


def test_the_global_generator_is_left_alone(model, digits, tmp_path: Path) -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    export(model, tmp_path / "net.int8.onnx", digits, measured=False)
    assert torch.equal(torch.get_rng_state(), before)
