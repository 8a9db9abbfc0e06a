"""``nasturtium bench``: on the table that comes with the package."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

BENCH = ("bench", "--table", "nasbench_macro", "--methods", "random", "evolution", "--workers", "1")


@pytest.fixture(scope="module")
def bench(nasturtium: Callable, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, object]:
    folder = tmp_path_factory.mktemp("bench") / "out"
    return folder, nasturtium(*BENCH, "--seeds", "3", "--budget", "12", "--out", folder)


def test_it_prints_a_table_and_the_path_of_the_page(bench: tuple) -> None:
    folder, said = bench
    assert said.status == 0, said.err
    assert "mean regret in points" in said.out
    assert "evolution" in said.out
    assert str(folder / "report.html") in said.out
    assert (folder / "report.html").stat().st_size > 10_000
    assert "6 of 6 courses" in said.err


def test_the_same_bench_again_runs_nothing(bench: tuple, nasturtium: Callable) -> None:
    folder, _ = bench
    said = nasturtium(*BENCH, "--seeds", "3", "--budget", "12", "--out", folder, "--json")
    assert "6 courses, 6 of them done before" in said.err
    found = json.loads(said.out)
    assert {one["method"] for one in found["tables"][0]["standings"]} == {"random", "evolution"}
    assert found["tables"][0]["tests"][0]["wins"] <= 3


def test_the_page_can_be_drawn_again(bench: tuple, nasturtium: Callable) -> None:
    folder, _ = bench
    (folder / "report.html").unlink()
    said = nasturtium("bench", "--report", folder, "--incumbent")
    assert said.status == 0, said.err
    assert (folder / "report.html").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--table", "nasbench_makro"], ["nasbench_makro", "did you mean 'nasbench_macro'"]),
        (["--methods", "evolutoin"], ["evolutoin", "did you mean 'evolution'"]),
        (["--methods", "evolution(popsize=3)"], ["popsize", "population"]),
        (["--budget", "0"], ["'0'"]),
        (["--budget", "1h"], ["nasbench_macro", "how long"]),
        (["--seeds", "none"], ["none", "100-149"]),
        (["--against", "ranom"], ["unknown method 'ranom'", "did you mean 'random'"]),
        (["--report", "nowhere"], ["nowhere", "courses.jsonl"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_an_absurd_bench_is_refused(
    options: list[str], words: list[str], nasturtium: Callable, tmp_path: Path
) -> None:
    said = nasturtium("bench", "--out", tmp_path / "out", "--methods", "random", *options)
    assert said.status == 2, said
    assert "Traceback" not in said.err
    for word in words:
        assert word in said.err
    assert not (tmp_path / "out").exists()


def test_other_rules_in_the_same_folder_are_refused(bench: tuple, nasturtium: Callable) -> None:
    folder, _ = bench
    said = nasturtium(*BENCH, "--seeds", "3", "--budget", "13", "--out", folder)
    assert said.status == 2
    assert "budget is 12 trials there, 13 trials here" in said.err


def test_methods_are_tested_against_one_that_the_folder_has(
    bench: tuple, nasturtium: Callable, tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    folder.mkdir()
    (folder / "courses.jsonl").write_bytes((bench[0] / "courses.jsonl").read_bytes())
    options = ("--seeds", "2", "--budget", "12", "--workers", "1", "--out", folder)
    said = nasturtium("bench", "--methods", "local", "--against", "random", *options)
    assert said.status == 0, said.err
    assert "2 of 2 courses" in said.err
    assert "against random" in said.out
    assert "evolution" not in said.out


def test_published_rows_stand_beside_ours(nasturtium: Callable, tmp_path: Path) -> None:
    said = nasturtium("bench", "--check", "--seeds", "2", "--workers", "1", "--out", tmp_path / "check")
    assert said.status == 0, said.err
    assert "published" in said.out
    assert "93.70 +- 0.36" in said.out
    assert "best first, published: evolution(population=10, sample=3)" in said.out
    assert (tmp_path / "check" / "report.html").exists()
