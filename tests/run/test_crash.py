"""A search that is killed at random points ends as one that is not.

SIGKILL: nothing can be done about it in time.
"""

import random
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from nasturtium.run.run import Run
from nasturtium.store.records import Ended, Told

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")

CLOCKS = {"train_seconds"}

WATCHED = """
import sys, time
import nasturtium as nt
from nasturtium.run.record import Unwatched

class Printing(Unwatched):
    def asked(self, stage, candidates):
        print(stage, flush=True)
"""

# Slow enough to be hit, and light enough to be started 25 times: no torch.
LIGHT = f"""{WATCHED}
from nasturtium.testing.toys import ToyCosts, ToyEvaluator, flat_space, toy_metrics

space = flat_space()
def metrics(architecture):
    time.sleep(0.004)
    return toy_metrics(space, architecture) | {{"train_seconds": time.time()}}
evaluator = ToyEvaluator(space, failing=0.1, metrics=metrics)
nt.search(space, evaluator=evaluator, costs=ToyCosts(space), method="nsga2", minimize=("error", "params"),
          subject_to="params <= 1900", budget=66, out=sys.argv[1], seed=3, observer=Printing())
"""

# A process that a script starts in the background is told to ignore interrupts, and tells its children.
HEEDING = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"

REAL = f"""{WATCHED}
import torch
from nasturtium import blocks as b, choice

torch.set_num_threads(1)
space = nt.Space(
    b.conv(choice(2, 4, 6), kernel=choice(3, 5), stride=2), b.conv(choice(4, 8)), b.classifier()
)
task = nt.tasks.image_classification("digits", max_train=200)
nt.search(space, task, minimize=("error", "params"), budget=8, out=sys.argv[1], seed=1, observer=Printing(),
          recipe=nt.Recipe(epochs=1, threads=1), retrain=nt.Retraining(picks=2, times=2))
"""


def start(program, folder):
    return subprocess.Popen([sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, text=True)


def finish(program, folder):
    process = start(program, folder)
    process.communicate(timeout=300)
    assert process.returncode == 0


def kill_after(program, folder, candidates, seconds):
    """Kills a search, so long after it asked so often; returns whether it was still at work."""
    process = start(program, folder)
    for _ in range(candidates):
        process.stdout.readline()
    time.sleep(seconds)
    process.kill()
    process.communicate()
    return process.returncode == -signal.SIGKILL


def course(folder):
    """All that happened in each stage, in order, but for what clocks say."""
    run = Run.load(folder)
    return {
        stage: [
            replace(event, seconds=0.0, trials=tuple(map(without_clocks, event.trials)))
            if isinstance(event, Told)
            else replace(event, seconds=0.0)
            for event in run.events(stage)
        ]
        for stage in run.stages
    }


def without_clocks(trial):
    return replace(trial, metrics={k: v for k, v in trial.metrics.items() if k not in CLOCKS})


def test_a_search_killed_at_random_points_ends_as_one_that_is_not(tmp_path):
    finish(LIGHT, tmp_path / "whole")
    delays = random.Random(0)
    points = [(delays.randint(1, 5), delays.uniform(0.0, 0.01)) for _ in range(22)]
    killed = sum(kill_after(LIGHT, tmp_path / "killed", *point) for point in points)
    assert killed >= 20, "the search is too fast to be killed so often"
    between = Run.load(tmp_path / "killed")
    assert not between.complete
    finish(LIGHT, tmp_path / "killed")
    whole, resumed = course(tmp_path / "whole"), course(tmp_path / "killed")
    assert set(whole) == {"search", "baseline"}
    assert resumed == whole
    assert len(Run.load(tmp_path / "killed").sessions) > 10


def test_a_search_that_trains_killed_at_random_points_ends_as_one_that_is_not(tmp_path):
    finish(REAL, tmp_path / "whole")
    whole = Run.load(tmp_path / "whole")
    delays = random.Random(1)
    points = [(delays.randint(2, 6), delays.uniform(0.0, 0.05)) for _ in range(2)]
    killed = sum(kill_after(REAL, tmp_path / "killed", *point) for point in points)
    assert killed == len(points)
    finish(REAL, tmp_path / "killed")
    assert set(whole.stages) == {"search", "baseline", "retrain"}
    assert course(tmp_path / "killed") == course(tmp_path / "whole")
    resumed = Run.load(tmp_path / "killed")
    assert resumed.complete
    for stage in whole.stages:
        for mine, its in zip(resumed.trials(stage), whole.trials(stage), strict=True):
            assert (resumed.folder / mine.weights).read_bytes() == (whole.folder / its.weights).read_bytes()


def test_an_interrupt_ends_a_search_with_what_it_has(tmp_path):
    process = start(HEEDING + LIGHT, tmp_path / "out")
    for _ in range(10):
        process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 0, "the search did not return"
    run = Run.load(tmp_path / "out")
    assert not run.complete
    assert len(run.trials()) >= 9
    assert not any(isinstance(event, Ended) for event in run.events("baseline"))
    finish(LIGHT, tmp_path / "out")
    assert Run.load(tmp_path / "out").complete
