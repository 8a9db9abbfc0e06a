"""What became of exported files is noted in the run's folder."""

from dataclasses import replace

import pytest

from nasturtium.errors import StoreError
from nasturtium.run.exported import FILES, Exported, note, noted

ONE = Exported("knee", "onnx", "models/knee.onnx", 1e-6, 1000, promised_bytes=980.0, error=0.1, alike=1.0)


def test_what_was_noted_is_read_and_the_last_of_a_pick_and_format_counts(tmp_path):
    assert noted(tmp_path) == ()
    other, better = replace(ONE, format="int8", warning="it loses"), replace(ONE, bytes=900)
    note(tmp_path, [ONE, other])
    assert noted(tmp_path) == (ONE, other)
    note(tmp_path, [better])
    assert noted(tmp_path) == (better, other)


def test_what_cannot_be_is_said(tmp_path):
    (tmp_path / FILES).write_text('[{"pick": "knee"}]')
    with pytest.raises(StoreError, match=r"exports\.json.*export again"):
        noted(tmp_path)
    with pytest.raises(StoreError):
        note(tmp_path / "nowhere", [ONE])
