"""The model card says what is known, and that the rest is not."""

from pathlib import Path

import pytest

from nasturtium.architecture import Architecture
from nasturtium.cost.measure import Latency
from nasturtium.errors import ExportError
from nasturtium.export import card
from nasturtium.export.card import Facts
from nasturtium.protocols import Candidate, Trial
from nasturtium.run.retrained import Retrained


def retrained(*errors: float) -> Retrained:
    candidate = Candidate(Architecture("space", (0,)))
    return Retrained(tuple(Trial(candidate, {"error": error}) for error in errors))


def written(tmp_path: Path, task, facts: Facts, latency: Latency | None = None) -> str:
    artifact = tmp_path / "net.onnx"
    artifact.write_bytes(b"x" * 1234)
    card.write(tmp_path / "net.onnx.md", artifact, task, facts, latency=latency, device="a toaster")
    return (tmp_path / "net.onnx.md").read_text()


def test_accuracy_has_its_interval_over_trainings(tmp_path: Path, task) -> None:
    text = written(tmp_path, task, Facts(retrained(0.02, 0.03, 0.04)))
    assert "Test accuracy **97.00%** on the 50 test images, mean of 3 training(s)." in text
    # Student's t with 2 degrees of freedom: 0.03 +- 4.3027 * 0.01 / sqrt(3)
    assert "94.52% to 99.48%" in text
    assert "those of the first training: 98.00%" in text


def test_one_training_has_no_interval(tmp_path: Path, task) -> None:
    assert "No confidence interval" in written(tmp_path, task, Facts(retrained(0.02)))


def test_an_error_that_the_search_chose_by_is_called_too_good(tmp_path: Path, task) -> None:
    text = written(tmp_path, task, Facts(metrics={"error": 0.1, "params": 1234.0}))
    assert "Validation accuracy 90.00%" in text
    assert "too good" in text
    assert "| params | 1,234 |" in text


def test_input_normalisation_data_and_licence_are_there(tmp_path: Path, task) -> None:
    text = written(tmp_path, task, Facts())
    assert "[batch, 3, 16, 16]" in text
    assert "mean [0.4, 0.5, 0.6], std [0.2, 0.25, 0.3]" in text
    assert "- licence: CC0" in text
    assert "1,234 bytes" in text
    assert text.count("Not known: the network was exported without the run that made it.") == 2


def test_promised_and_measured_costs_stand_side_by_side(tmp_path: Path, task) -> None:
    said = {"latency_onnx_ms": 0.98, "latency_ms": 2.0, "size_bytes": 1200.0, "params": 300.0}
    text = written(tmp_path, task, Facts(metrics=said), Latency((1.0, 1.1, 0.9), 30))
    assert "| cost | promised by the search | this file |" in text
    assert "| size of the file | 1,200 bytes | 1,234 bytes |" in text
    assert "| latency, one input | 0.98 ms | 1 ms +- 0.072 ms |" in text
    assert "| latency_ms | 2 |  |" in text  # of another runtime
    assert "measured on: a toaster" in text


def test_how_it_was_made_is_repeatable(tmp_path: Path, task) -> None:
    facts = Facts(
        architecture="stem.kernel = 3",
        specification='data = "digits"',
        seed=7,
        versions={"torch": "2.9"},
        devices=("a laptop",),
    )
    text = written(tmp_path, task, facts)
    for part in ('```toml\ndata = "digits"\n```', "seed 7", "stem.kernel = 3", "torch 2.9", "a laptop"):
        assert part in text


def test_a_place_that_cannot_hold_files_is_said(tmp_path: Path, task) -> None:
    (tmp_path / "net.onnx").write_text("")
    with pytest.raises(ExportError, match="cannot be written"):
        card.write(tmp_path / "net.onnx" / "card.md", tmp_path / "net.onnx", task, Facts())
