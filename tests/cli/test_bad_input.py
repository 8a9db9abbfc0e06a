"""Bad input: a clear error on stderr, exit status 2, no traceback, and nothing lost."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image


def refused(said: Any, *words: str) -> None:
    assert said.status == 2, said
    text = said.err
    assert "Traceback" not in text
    for word in words:
        assert word in text, text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--space", "mobilnet"], ["mobilnet", "mobilenet", "resnet"]),
        (["--method", "evolutoin"], ["evolutoin", "did you mean 'evolution'"]),
        (["--minimize", "errror"], ["errror", "error"]),
        (["--minimize", "error", "latency_s"], ["latency_s", "latency_ms"]),
        (["--data", "digitz"], ["digitz", "digits"]),
        (["--minimize", "accuracy"], ["accuracy is 1 - error: minimize error"]),
        (["--subject-to", "params < = 3"], ["params < = 3"]),
        (["--subject-to", "parms <= 3"], ["parms", "params"]),
        (["--subject-to", "params <= 10", "params >= 20"], ["params <= 10", "params >= 20"]),
        (["--subject-to", "params <= 10"], ["params <= 10", "smallest"]),
        (["--subject-to", "error <= 5"], ["error is a share", "write 5%"]),
        (["--subject-to", "params <= 2e4 and macs <= 1e6"], ["two arguments"]),
        (["--at", "macs <= 2M", "latency_ms <= 1ms"], ["latency_ms <= 1ms", "in milliseconds already"]),
        (["--data", "folder:one:"], ["folder:one:"]),
        (["--data", "folder"], ["folder:PATH", "text:FILE", "ptb", "shakespeare"]),
        (["--data", "csv:photos.csv"], ["csv:photos.csv", "folder:PATH", "text:FILE"]),
        (["--data", "csv:photos"], ["csv:photos", "folder:PATH", "text:FILE"]),
        (["--budget", "0"], ["'0'", "5m"]),
        (["--budget", "-5m"], ["-5m"]),
        (["--budget", "5 parsecs"], ["5 parsecs", "5m"]),
        (["--budget", "1000000h"], ["1000000h"]),
        (["--set", "popsize=3"], ["popsize", "initial"]),
        (["--set", "population"], ["population", "name=value"]),
        (["--method", "controller", "--set", "prior=x"], ["prior", "'x'", "--warm-from", "units"]),
        (["--epochs", "0"], ["epochs", "1"]),
        (["--device", "none.json"], ["none.json", "nasturtium profile"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_an_absurd_search_is_refused(
    options: list[str], words: list[str], quick: Path, nasturtium: Callable, tmp_path: Path
) -> None:
    refused(nasturtium("search", quick, "--out", tmp_path / "run", *options), *words)


def test_an_unknown_format_is_refused_before_any_training(
    quick: Path, nasturtium: Callable, tmp_path: Path
) -> None:
    refused(nasturtium("search", quick, "--out", tmp_path / "run", "--format", "pdf"), "pdf", "onnx")
    assert not (tmp_path / "run").exists()


def test_an_unknown_key_names_the_file_and_the_nearest(nasturtium: Callable, tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('dta = "digits"\n')
    refused(nasturtium("search", path), "dta", "did you mean 'data'", "settings.toml")


def test_a_folder_of_another_search_is_left_alone(quick: Path, finished: Path, nasturtium: Callable) -> None:
    before = (finished / "journal.sqlite").read_bytes()
    refused(nasturtium("search", quick, "--out", finished, "--seed", "9"), "seed", "9")
    assert (finished / "journal.sqlite").read_bytes() == before


def test_a_folder_without_a_run_is_refused(nasturtium: Callable, tmp_path: Path) -> None:
    for command in ("show", "front", "report", "export", "retrain"):
        refused(nasturtium(command, tmp_path), str(tmp_path))


def test_a_truncated_journal_is_refused_and_untouched(
    finished: Path, quick: Path, nasturtium: Callable, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(finished, broken)
    journal = broken / "journal.sqlite"
    journal.write_bytes(journal.read_bytes()[:5000])
    before = journal.read_bytes()
    refused(nasturtium("search", quick, "--out", broken), "journal")
    assert journal.read_bytes() == before


def test_an_output_path_that_is_a_file_is_refused(quick: Path, nasturtium: Callable, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("mine")
    refused(nasturtium("search", quick, "--out", path), str(path))
    assert path.read_text() == "mine"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the /dev/full of Linux")
def test_a_full_disk_is_said_and_the_run_goes_on_elsewhere(finished: Path, nasturtium: Callable) -> None:
    refused(nasturtium("report", finished, "--out", "/dev/full"), "/dev/full")


def photos(root: Path, **counts: int) -> Path:
    """Writes random images, so many per class."""
    rng = np.random.default_rng(0)
    for name, count in counts.items():
        (root / name).mkdir(parents=True)
        for i in range(count):
            pixels = rng.integers(0, 255, (12, 12, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{i}.png")
    return root


def test_a_zero_byte_image_is_named(quick: Path, nasturtium: Callable, tmp_path: Path) -> None:
    root = photos(tmp_path / "photos", cats=6, dogs=6)
    (root / "cats" / "3.png").write_bytes(b"")
    refused(nasturtium("search", quick, "--data", f"folder:{root}", "--out", tmp_path / "run"), "3.png")


def test_a_corrupt_image_is_named(quick: Path, nasturtium: Callable, tmp_path: Path) -> None:
    root = photos(tmp_path / "photos", cats=6, dogs=6)
    whole = (root / "dogs" / "2.png").read_bytes()
    (root / "dogs" / "2.png").write_bytes(whole[: len(whole) // 2])
    refused(nasturtium("search", quick, "--data", f"folder:{root}", "--out", tmp_path / "run"), "2.png")


def test_an_empty_class_is_named(quick: Path, nasturtium: Callable, tmp_path: Path) -> None:
    root = photos(tmp_path / "photos", cats=6, dogs=6, birds=0)
    refused(nasturtium("search", quick, "--data", f"folder:{root}", "--out", tmp_path / "run"), "birds")


def test_one_class_only_is_refused(quick: Path, nasturtium: Callable, tmp_path: Path) -> None:
    root = photos(tmp_path / "photos", cats=6)
    refused(nasturtium("search", quick, "--data", f"folder:{root}", "--out", tmp_path / "run"), "2 or more")


def test_grey_and_transparent_images_are_mixed_without_harm(
    quick: Path, nasturtium: Callable, tmp_path: Path
) -> None:
    root = photos(tmp_path / "photos", cats=12, dogs=12)
    Image.open(root / "cats" / "0.png").convert("L").save(root / "cats" / "0.png")
    Image.open(root / "cats" / "1.png").convert("RGBA").save(root / "cats" / "1.png")
    Image.open(root / "dogs" / "0.png").convert("P").save(root / "dogs" / "0.png")
    said = nasturtium(
        *("search", quick, "--data", f"folder:{root}", "--out", tmp_path / "run"),
        *("--budget", "1", "--picks", "0", "--no-baseline", "--format", "none"),
    )
    assert said.status == 0, said.err


def test_a_folder_and_a_file_as_data_say_how_they_are_written(nasturtium: Callable, tmp_path: Path) -> None:
    for name in ("table.csv", "mine.py"):
        (tmp_path / name).touch()
    for given, wanted in (
        (tmp_path, f"is a folder: write folder:{tmp_path}"),
        (tmp_path / "table.csv", f"is a file: write npz:{tmp_path / 'table.csv'}"),
        (tmp_path / "mine.py", f"is a file: write {tmp_path / 'mine.py'}:NAME"),
    ):
        refused(nasturtium("search", "--data", given, "--out", tmp_path / "run"), wanted)


def test_a_search_in_which_every_training_diverges_says_why_and_fails(
    quick: Path, nasturtium: Callable, tmp_path: Path
) -> None:
    words = ("search", quick, "--out", tmp_path / "run", "--lr", "1e30", "--budget", "2", "--format", "none")
    said = nasturtium(*words)
    assert said.status == 1, said
    assert "2 failed" in said.err
    assert "Interrupted" not in said.out  # there is nothing to go on with, nor random search to compare with
    assert "Networks tried: 2; none succeeded. The first failed with DivergedError" in said.out
    assert f"nasturtium show {tmp_path / 'run'} --trial 0" in said.out
    assert "objectives' box" not in said.out
    assert "test error" not in said.out
    shown = nasturtium("show", tmp_path / "run", "--trial", "0")
    assert "failed" in shown.out
    again = nasturtium(*words, "--json")
    assert again.status == 1
    found = json.loads(again.out)
    assert (found["trials"], found["failed"]) == (2, 2)
    assert found["failure"].startswith("DivergedError")
    refused(nasturtium("export", tmp_path / "run"), "the front is empty")


def test_blocks_that_do_not_fit_name_the_decisions(quick: Path, nasturtium: Callable, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "import nasturtium as nt\n"
        "from dataclasses import dataclass\n"
        "from nasturtium.space.blocks import Block\n"
        "@dataclass(frozen=True)\n"
        "class Tied(Block):\n"
        "    left: int\n"
        "    right: int\n"
        "    def wire(self, net, x):\n"
        "        return net.add(net.conv(x, self.left), net.conv(x, self.right))\n"
        "tied = Tied(nt.choice(8, 16, name='left'), nt.choice(8, 16, name='right'))\n"
        "space = nt.Space(tied, nt.blocks.classifier())\n"
    )
    said = nasturtium("search", quick, "--space", f"{path}:space", "--out", tmp_path / "run")
    refused(said, "left=", "right=")
