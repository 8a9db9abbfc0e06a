"""Files appear whole or not at all, and what was there stays when something goes wrong."""

import errno
from pathlib import Path

import pytest

from nasturtium.errors import ExportError
from nasturtium.export.replaced import replaced


def test_files_appear_at_the_end_with_their_suffixes(tmp_path: Path) -> None:
    wanted = tmp_path / "new" / "net.py", tmp_path / "new" / "net.safetensors"
    with replaced(*wanted) as made:
        assert [path.suffix for path in made] == [".py", ".safetensors"]
        for path in made:
            path.write_text("text")
            assert not any(path.exists() for path in wanted)
    assert [path.name for path in sorted((tmp_path / "new").iterdir())] == ["net.py", "net.safetensors"]


def test_an_error_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replaced(path) as (made,):
        made.write_text(str(1 / 0))
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["net.onnx"]


def test_a_full_disk_is_said_and_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_text("old")

    def fill(made: Path) -> None:
        made.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with (
        pytest.raises(ExportError, match=r"net\.onnx cannot be written: No space left"),
        replaced(path) as (made,),
    ):
        fill(made)
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["net.onnx"]


def test_a_place_that_cannot_hold_files_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match="cannot be written"), replaced(tmp_path / "file" / "net.onnx"):
        pytest.fail("the block must not run")
