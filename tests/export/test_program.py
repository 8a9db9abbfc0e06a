"""A torch.export program opens without its source, takes any batch, and says what it is for."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from nasturtium.errors import ExportError
from nasturtium.export import program


def test_any_batch_and_the_description(tiny, task, tmp_path: Path) -> None:
    assert program.write(tiny, tmp_path / "net.pt2", task) <= 1e-5
    said = {program.DESCRIPTION: ""}
    made = torch.export.load(tmp_path / "net.pt2", extra_files=said).module()
    x = torch.randn(7, 3, 16, 16)
    torch.testing.assert_close(made(x), tiny(x))
    assert json.loads(said[program.DESCRIPTION])["std"] == task.describe()["std"]


def test_a_module_that_torch_cannot_trace_is_said(task, tmp_path: Path) -> None:
    class Fickle(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x if x.sum() > 0 else -x

    with pytest.raises(ExportError, match=r"torch\.export cannot trace the network"):
        program.write(Fickle().eval(), tmp_path / "net.pt2", task)
    assert list(tmp_path.iterdir()) == []
