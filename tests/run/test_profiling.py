"""Profiles of devices that are formulas, so that what is promised can be checked."""

import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.cost.devices import Formula, chain

from nasturtium.cost.costs import MEASURED, Costs
from nasturtium.cost.profile import Profile, course_of
from nasturtium.cost.profiled import Profiled
from nasturtium.errors import ConfigError, InfeasibleSpace, UnknownName
from nasturtium.run.experiment import prepare
from nasturtium.run.names import task_named
from nasturtium.run.profiling import build_profile
from nasturtium.run.remote import Remote, measure_worker
from nasturtium.run.spec import Spec
from nasturtium.seeds import rng_for
from nasturtium.store.profiles import read_profile, write_profile

SPACE = chain()
OTHERS = [SPACE.sample(rng_for(0, "others", i)) for i in range(50)]


@pytest.fixture(name="profile", scope="module")
def _profile() -> Profile:
    return build_profile(SPACE, seconds=1e9, most=80, measurer=Formula(SPACE, noise=0.01))


def test_a_profile_promises_what_was_never_measured(profile: Profile) -> None:
    costs = Profiled(SPACE, profile)
    promised = np.array([costs(one, ["latency_ms"])["latency_ms"] for one in OTHERS])
    true = np.array([Formula(SPACE).ms(one) for one in OTHERS])
    assert np.abs(promised / true - 1).max() < 0.05
    assert costs.names - {"latency_ms"} == Costs.names - set(MEASURED)


def test_figures_are_of_the_quarter_that_was_held_out(profile: Profile) -> None:
    course = profile.metrics["latency_ms"]
    assert [one.held_out for one in course.samples].count(True) == 20
    assert set(course.quality) == {"table", "learned"}
    used = course.quality[course.model]
    assert used.networks == 20
    assert used.spearman > 0.98
    assert used.within_5 <= used.within_10
    assert 0.005 < used.error < 0.03
    assert course.drift == (1.0, 1.0, 1.0)


def test_no_network_is_measured_twice_and_a_small_space_ends(profile: Profile) -> None:
    met = [one.choices for one in profile.metrics["latency_ms"].samples]
    assert len(set(met)) == len(met) == 80
    brief = build_profile(SPACE, seconds=1e-9, most=80, measurer=Formula(SPACE))
    assert len(brief.metrics["latency_ms"].samples) == 8


def test_a_profile_goes_through_a_file_unchanged(profile: Profile, tmp_path: Path) -> None:
    path = tmp_path / "new" / "device.json"
    write_profile(profile, path)
    again = read_profile(path)
    assert again == profile
    assert again.digest == profile.digest
    assert replace(profile, batch=8).digest != profile.digest
    assert json.loads(path.read_text())["device"]["cpu"] == "f"


def test_what_is_no_profile_is_refused(profile: Profile, tmp_path: Path) -> None:
    path = tmp_path / "device.json"
    for text, wanted in (("{", "not JSON"), ("[]", "no device profile"), ('{"format": 2}', "format 2")):
        path.write_text(text)
        with pytest.raises(ConfigError, match=wanted):
            read_profile(path)
    with pytest.raises(ConfigError, match="nasturtium profile makes one"):
        read_profile(tmp_path / "none.json")
    with pytest.raises(ConfigError, match="not of chain with 10 outputs for inputs of 3x16x16"):
        profile.check(SPACE.bind((3, 16, 16), 10))
    with pytest.raises(UnknownName, match="latency_ms"):
        Profiled(SPACE, profile)(OTHERS[0], ["latency_onnx_ms"])
    with pytest.raises(UnknownName, match="onnxruntime"):
        build_profile(SPACE, ("onnx",))


def set_to(table, *path, value):
    changed = json.loads(json.dumps(table))
    inner = changed
    for one in path[:-1]:
        inner = inner[one]
    inner[path[-1]] = value
    return changed


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        (("courses", 0, "samples", 0, "ms"), float("nan"), "sample 0 of latency_ms took nan ms"),
        (("courses", 0, "samples", 0, "ms"), -1, "took -1 ms"),
        (("courses", 0, "samples", 0, "ms"), "fast", "took 'fast' ms"),
        (("courses", 0, "samples"), [], "latency_ms has no samples"),
        (("courses", 0, "metric"), "bogus", "a course is of metric 'bogus'"),
        (("courses", 0, "model"), "transfer", "model 'transfer'"),
        (("batch",), "x", "it is of batches of 'x'"),
        (("format",), 99, "a profile of format 99; this version reads format 1"),
    ],
)
def test_what_makes_no_sense_in_a_profile_is_named(profile: Profile, path, value, text) -> None:
    with pytest.raises(ConfigError, match=text):
        Profile.read(set_to(profile.to_table(), *path, value=value))


def test_a_profile_of_networks_that_the_space_does_not_have_is_refused(profile: Profile) -> None:
    table = set_to(profile.to_table(), "courses", 0, "samples", 2, "choices", value=[99])
    with pytest.raises(ConfigError, match="sample 2 of latency_ms is no network of"):
        Profile.read(table).check(SPACE)


def test_a_dozen_measurements_are_enough_beside_known_devices(profile: Profile) -> None:
    speeds = (
        {"layers": 0.05, "macs": 0.1},
        {"values": 0.01, "macs": 0.4},
        {"depthwise3 macs": 9.0, "macs": 1.0},
    )
    known = [
        (f"d{i}", build_profile(SPACE, seconds=1e9, most=60, measurer=Formula(SPACE, one)))
        for i, one in enumerate(speeds)
    ]
    device = Formula(SPACE, {"layers": 0.03, "macs": 0.3, "values": 0.004}, noise=0.01, name="new")
    made = build_profile(SPACE, seconds=1e9, most=20, measurer=device, known=[*known, ("f", profile)])
    course = course_of(made, "pytorch")
    assert device.measured == 20
    assert course.model == "transfer"
    assert [one.name for one in course.relatives] == ["d0", "d1", "d2", "f"]
    promised = course.predictor(SPACE)(OTHERS)
    assert np.corrcoef(promised, [device.ms(one) for one in OTHERS])[0, 1] > 0.98
    assert Profile.read(json.loads(json.dumps(made.to_table()))).courses == made.courses


def test_a_search_takes_a_profile_for_its_device(profile: Profile, tmp_path: Path) -> None:
    task = task_named("digits")
    space = SPACE.bind(task.input_shape, task.outputs)
    fitting = replace(profile, input_shape=task.input_shape, outputs=task.outputs)
    write_profile(fitting, tmp_path / "device.json")
    spec = Spec(device=str(tmp_path / "device.json"), subject_to=("latency_ms <= 1",), out=str(tmp_path))
    experiment = prepare(spec, space, task=task)
    assert isinstance(experiment.costs, Profiled)
    assert experiment.header("this").identity["device"] == f"profile {fitting.digest}"
    with pytest.raises(InfeasibleSpace, match="smallest latency_ms that can be reached is 0"):
        prepare(replace(spec, subject_to=("latency_ms <= 0.01",)), space, task=task)
    with pytest.raises(UnknownName, match="latency_onnx_ms"):
        prepare(replace(spec, minimize=("error", "latency_onnx_ms")), space, task=task)


def test_a_worker_answers_line_by_line() -> None:
    hello = {
        "space": "mobilenet",
        "fingerprint": "another",
        "input_shape": (3, 8, 8),
        "outputs": 10,
        "threads": 1,
        "batch": 1,
        "place": "cpu",
    }
    answers = io.StringIO()
    measure_worker(io.StringIO(json.dumps(hello) + "\nnonsense\n"), answers)
    first, second = map(json.loads, answers.getvalue().splitlines())
    assert "install the same version" in first["error"]
    assert "JSONDecodeError" in second["error"]


@pytest.mark.parametrize("far", [False, True])
def test_a_remote_device_measures_through_a_command(tmp_path: Path, far: bool) -> None:
    """Far is what ssh does with a command: its words, joined by spaces, go to a shell elsewhere."""
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/sh\nshift\nexec sh -c "$*"\n')
    ssh.chmod(0o755)
    over = f"{ssh} pi@board " if far else ""
    script = tmp_path / "worker.py"
    script.write_text(
        "import json\n"
        "input()\n"
        'print(json.dumps({"device": dict(cpu="pi", cores=4, threads=1, torch="2", onnxruntime="1", '
        'system="Linux")}), flush=True)\n'
        "asked = json.loads(input())\n"
        "row = dict(blocks_ms=[1.0, 2.0], runs=30, unsteady=0, drift=1.0)\n"
        'print(json.dumps({"latencies": [row for _ in asked["choices"]]}), flush=True)\n'
    )
    with Remote(f"{over}{sys.executable} {script}", SPACE, "chain", batch=8) as remote:
        assert remote.batch == 8
        assert remote.device.cpu == "pi"
        first, _ = remote.measure(OTHERS[:2], "latency_ms")
        assert first.median_ms == 1.5
        with pytest.raises(ConfigError, match="does not answer"):
            remote.measure(OTHERS[:1], "latency_ms")
    with pytest.raises(ConfigError, match="cannot run"):
        Remote("no-such-command-anywhere", SPACE, "chain")
