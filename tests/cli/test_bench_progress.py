import io
from dataclasses import replace

import pytest
from rich.console import Console

from nasturtium.cli.bench_progress import _Lines, _View
from nasturtium.run.bench.course import Row

SOUND = Row("nasbench_macro", "random", 0, metric="error", optimum=0.06, picked=(0.065,), wall_seconds=1.0)
BROKEN = Row("nasbench_macro", "mine.py:Mine", 3, error="RuntimeError: no idea")


def test_the_live_view_shows_how_far_it_is_and_how_it_stands() -> None:
    view = _View()
    view.began(10, 4)
    view.finished(SOUND)
    view.finished(BROKEN)
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(view)
    text = console.export_text()
    assert "6 of 10 courses" in text
    assert "regret 0.500" in text
    assert "1 failed, the last: RuntimeError: no idea" in text


def test_plain_lines_say_the_beginning_the_first_failure_and_the_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = _Lines()
    lines.began(3, 0)
    lines.finished(BROKEN)
    lines.finished(replace(BROKEN, seed=4))
    lines.finished(SOUND)
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "bench: 3 courses"
    assert said[1] == "bench: mine.py:Mine on nasbench_macro, seed 3, failed: RuntimeError: no idea"
    assert said[2].startswith("bench: 3 of 3 courses")
