"""Every command, on a real run."""

import json
import re
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from nasturtium.cli import app, printing, spread
from nasturtium.cli.finish import finish, outcome
from nasturtium.cli.printing import console, print_table
from nasturtium.run.names import KINDS, parameters_of, resolve
from nasturtium.run.run import Run

COMMANDS = [one.callback.__name__ for one in app.registered_commands if one.callback and not one.hidden]


def test_there_are_thirteen_commands() -> None:
    wanted = {"bench", "search", "show", "front", "report", "export", "retrain"}
    wanted |= {"spaces", "methods", "proxies", "tasks", "costs", "profile"}
    assert set(COMMANDS) == wanted


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example_and_json(command: str, nasturtium: Callable) -> None:
    said = nasturtium(command, "--help")
    assert said.status == 0
    assert "--json" in said.out


def test_an_option_takes_several_values() -> None:
    words = ["search", "--minimize", "error", "latency_ms", "--out", "a", "--subject-to", "params <= 2"]
    assert spread(words) == [
        *(
            "search",
            "--minimize",
            "error",
            "--minimize",
            "latency_ms",
            "--out",
            "a",
            "--subject-to",
            "params <= 2",
        )
    ]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["search", "--minimize=error", "params"], ["search", "--minimize=error", "--minimize", "params"]),
        (["search", "--at", "a < 1", "b < 2"], ["search", "--at", "a < 1", "--at", "b < 2"]),
        (
            ["front", "RUN", "--pick", "a < 1", "b < 2"],
            ["front", "RUN", "--pick", "a < 1", "--pick", "b < 2"],
        ),
        (["search", "--minimize", "error", "mine.toml"], ["search", "--minimize", "error", "mine.toml"]),
        (["search", "--seed=1", "mine.toml"], ["search", "--seed=1", "mine.toml"]),
    ],
    ids=" ".join,
)
def test_values_are_told_from_the_command_s_own_argument(words: list[str], wanted: list[str]) -> None:
    assert spread(words) == wanted


def test_a_run_may_follow_several_values(finished: Path) -> None:
    run = str(finished)
    assert spread(["export", "--format=onnx", run]) == ["export", "--format=onnx", run]
    words = ["export", "--pick", "knee", run, "--format", "onnx", "int8"]
    assert spread(words) == [*words[:-1], "--format", "int8"]
    long = "layer.op=conv " * 50
    assert spread(["search", "--try-first", long, long])[-2:] == ["--try-first", long]
    assert spread(["search", "--warm-from", run, run])[-2:] == ["--warm-from", run]


def test_a_pick_may_meet_several_bounds(finished: Path, nasturtium: Callable) -> None:
    rows = nasturtium("front", "--pick", "params <= 1e9", "macs <= 1e12", finished, "--json")
    assert len(json.loads(rows.out)) == 1, rows.err


def test_a_search_without_picks_shows_its_front_and_export_says_how_to_name_one(
    quick: Path, nasturtium: Callable, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    said = nasturtium("search", quick, "--out", run, "--picks", "0", "--no-baseline")
    assert said.status == 0, said.err
    front = nasturtium("front", run).out
    assert "architecture" in front
    assert front.splitlines()[1].split()[0] in said.out
    assert "test error" not in front + said.out
    refused = nasturtium("export", run)
    assert refused.status == 2
    name = json.loads(nasturtium("front", run, "--json").out)[0]["name"]
    for word in ("has no picks", f"--pick {name}", '--pick "params <= 1e6"', f"nasturtium retrain {run}"):
        assert word in refused.err
    assert nasturtium("export", run, "--pick", name, "--format", "source").status == 0


def test_failures_are_counted_with_the_commonest_reason_once(
    finished: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run.load(finished)
    fine = run.trials()
    reasons = ("OSError: gone", "DivergedError: nan in epoch 1\nmore", "DivergedError: nan in epoch 2")
    lost = tuple(replace(fine[0], status="failed", error=reason) for reason in reasons)
    monkeypatch.setattr(run, "trials", lambda stage="search": (*fine, *lost) if stage == "search" else ())
    outcome(run, finish(run, ()))
    said = capsys.readouterr().out
    assert said.count("3 of 6 networks failed; the commonest reason: DivergedError: nan in epoch 1\n") == 1
    assert "OSError" not in said


def test_a_colon_in_a_path_stays_one(capsys: pytest.CaptureFixture[str]) -> None:
    console().print("report: folder:one:/report.html")
    print_table(("data",), [("folder:one:",)], title="runs/:one:")
    said = capsys.readouterr().out
    assert "folder:one:/report.html" in said
    assert "runs/:one:" in said
    assert said.count("folder:one:") == 2


def test_every_console_leaves_emoji_alone() -> None:
    for file in Path(printing.__file__).parent.glob("*.py"):
        for call in re.findall(r"\bConsole\([^)]+\)", file.read_text()):
            assert "emoji=False" in call, file


def test_search_leaves_report_models_weights_and_settings(finished: Path) -> None:
    assert (finished / "report.html").stat().st_size > 10_000
    assert list((finished / "models").glob("*/*.onnx"))
    assert list((finished / "models").glob("*/*.py"))
    assert tomllib.loads((finished / "run.toml").read_text())["space"] == "chain"


def test_the_same_search_again_trains_nothing(finished: Path, quick: Path, nasturtium: Callable) -> None:
    before = (finished / "journal.sqlite").read_bytes()
    said = nasturtium("search", quick, "--out", finished, "--format", "none", "--json")
    assert said.status == 0, said.err
    assert json.loads(said.out)["trials"] == 3
    assert len((finished / "journal.sqlite").read_bytes()) == len(before)


def test_search_without_settings_has_a_folder_of_its_own(
    quick: Path, nasturtium: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = nasturtium(
        "search", quick, "--budget", "1", "--picks", "0", "--no-baseline", "--seed", "5", "--json"
    )
    assert said.status == 0, said.err
    assert json.loads(said.out)["folder"] == "runs/digits-chain-auto-5"


@pytest.mark.parametrize(
    "words", [["show"], ["show", "--trial", "1"], ["front"], ["front", "--pick", "params <= 1e9"]]
)
def test_show_and_front_print_for_people_and_for_programs(
    words: list[str], finished: Path, nasturtium: Callable
) -> None:
    command, *options = words
    plain = nasturtium(command, finished, *options)
    assert plain.status == 0, plain.err
    assert plain.out.strip()
    assert json.loads(nasturtium(command, finished, *options, "--json").out)


def test_front_has_a_row_per_network_that_none_beats(finished: Path, nasturtium: Callable) -> None:
    rows = json.loads(nasturtium("front", finished, "--json").out)
    points = [(row["error"], row["params"]) for row in rows]
    assert points == sorted(points)
    assert all(not (a[0] <= b[0] and a[1] <= b[1]) for a in points for b in points if a != b)


def test_export_writes_what_the_pick_says(finished: Path, nasturtium: Callable, tmp_path: Path) -> None:
    said = nasturtium(
        "export", finished, "--pick", "params <= 1e9", "--format", "program", "--out", tmp_path, "--json"
    )
    assert said.status == 0, said.err
    (made,) = json.loads(said.out)
    assert made["path"].endswith(".pt2")
    assert made["difference"] < 1e-4
    assert Path(made["path"]).exists()


def test_report_is_written_where_it_is_asked(finished: Path, nasturtium: Callable, tmp_path: Path) -> None:
    said = nasturtium("report", finished, "--out", tmp_path / "page.html")
    assert said.status == 0, said.err
    assert "<html" in (tmp_path / "page.html").read_text()


def test_retrain_adds_trainings_and_keeps_the_search(finished: Path, nasturtium: Callable) -> None:
    said = nasturtium("retrain", finished, "--times", "3", "--format", "none", "--json")
    assert said.status == 0, said.err
    found = json.loads(said.out)
    assert found["trials"] == 3
    assert found["picks"][0]["trainings"] == 3


@pytest.mark.parametrize("command", ["spaces", "methods", "proxies", "tasks"])
def test_lists_print_for_people_and_for_programs(command: str, nasturtium: Callable) -> None:
    names = [row["name"] for row in json.loads(nasturtium(command, "--json").out)]
    plain = nasturtium(command).out
    assert names
    assert all(name in plain for name in names)


@pytest.mark.parametrize("method", sorted(KINDS["method"]))
def test_methods_explains_one_with_all_its_parameters(method: str, nasturtium: Callable) -> None:
    found = json.loads(nasturtium("methods", method, "--json").out)
    assert found["about"]
    assert Path(found["file"]).exists()
    assert {row["parameter"] for row in found["parameters"]} == set(parameters_of(resolve("method", method)))
    assert all(row["about"] for row in found["parameters"])


def test_a_method_is_explained_for_people(nasturtium: Callable) -> None:
    said = nasturtium("methods", "darts").out
    assert "arXiv:1806.09055" in said
    assert re.search(r"order=1\s+1 takes the weights as they are, 2 looks a step", said)
    assert "did you mean 'darts'" in nasturtium("methods", "dart").err


def test_costs_shows_what_can_be_reached(nasturtium: Callable) -> None:
    words = ("costs", "--space", "chain", "--samples", "20", "--subject-to", "params <= 1e9")
    found = json.loads(nasturtium(*words, "--json").out)
    assert {"params", "macs", "size_bytes"} <= {one["metric"] for one in found["reaches"]}
    assert found["feasible"] == 1.0
    assert "100 % meet params <=" in nasturtium(*words).out


def test_one_space_lists_its_decisions(nasturtium: Callable) -> None:
    found = json.loads(nasturtium("spaces", "nasbench201", "--json").out)
    assert found["architectures"] == 15_625  # Dong and Yang 2020
    assert len(found["decisions"]) == 6
