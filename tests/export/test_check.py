"""An exported file is asked the same questions as its model."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from nasturtium.architecture import Architecture
from nasturtium.evaluate.fit import evaluate
from nasturtium.evaluate.recipe import Recipe
from nasturtium.export.artifact import export
from nasturtium.export.card import Facts
from nasturtium.export.check import check
from nasturtium.protocols import Candidate, Trial
from nasturtium.run.retrained import Retrained

RECIPE = Recipe(epochs=3, threads=1)


def judged():
    candidate = Candidate(Architecture("space", (0,)))
    return Facts(Retrained((Trial(candidate, {"error": 0.1}),)))


@pytest.mark.parametrize("name", ["net.onnx", "net.int8.onnx", "net.pt2", "net.py"])
def test_the_errors_are_those_of_file_and_model(trained, digits, tmp_path: Path, name: str) -> None:
    made = export(trained, tmp_path / name, digits, facts=judged(), measured=False)
    assert (made.check.split, made.check.inputs) == ("test", len(digits.test))
    wanted, _ = evaluate(trained, digits.test, digits.normalisation, RECIPE)
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


def test_a_file_that_answers_worse_is_warned_of(trained, digits) -> None:
    worse = check(trained, lambda: lambda x: trained(x).roll(1, 1), digits, "valid")
    assert worse.alike < 0.2
    assert worse.file > worse.model + 0.5
    assert "points of accuracy, more than 1" in worse.warning
    slightly = check(trained, lambda: lambda x: trained(x) + 1e-7, digits, "valid")
    assert slightly.warning == ""


def test_a_warning_stands_in_the_card(trained, digits, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("nasturtium.export.check.LOST", -1.0)
    made = export(trained, tmp_path / "net.onnx", digits, measured=False)
    assert f"**Warning: {made.check.warning}.**" in made.files[-1].read_text()


def test_a_task_without_data_is_not_asked(tiny, task, tmp_path: Path) -> None:
    assert check(tiny, lambda: tiny, task, "test") is None
    assert export(tiny, tmp_path / "net.onnx", task, measured=False).check is None
