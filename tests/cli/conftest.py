"""A finished run, made once by the command line itself, and a way to call it."""

import io
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from nasturtium.cli import main

QUICK = """
data = "digits"
space = "chain"
minimize = ["error", "params"]
budget = 3

[recipe]
epochs = 1
threads = 1

[retrain]
picks = 1
times = 2
"""


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str


def call(*words: str | Path) -> Said:
    """Runs one command in this process."""
    out, err = io.StringIO(), io.StringIO()
    before, sys.argv = sys.argv, ["nasturtium", *map(str, words)]
    try:
        with redirect_stdout(out), redirect_stderr(err):
            main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        return Said(status, out.getvalue(), err.getvalue())
    finally:
        sys.argv = before
    return Said(0, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def nasturtium() -> Callable[..., Said]:
    """Calls the command line."""
    return call


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Settings of a search of a few seconds."""
    path = tmp_path_factory.mktemp("settings") / "quick.toml"
    path.write_text(QUICK)
    return path


@pytest.fixture(scope="session")
def finished(quick: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run."""
    folder = tmp_path_factory.mktemp("runs") / "quick"
    said = call("search", quick, "--out", folder, "--format", "source", "onnx")
    assert said.status == 0, said.err
    return folder
