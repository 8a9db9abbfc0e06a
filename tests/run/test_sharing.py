import signal
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

import nasturtium as nt
from nasturtium.cost.counts import counts
from nasturtium.errors import ConfigError, StoreError
from nasturtium.protocols import Candidate
from nasturtium.run.record import Unwatched
from nasturtium.run.run import Run
from nasturtium.run.sharing import FILE, SUBNETS, SUPERNET, Problem, Whole
from nasturtium.store.records import Told
from nasturtium.testing.toys import ToyEvaluator, flat_space, joint_space

CLOCKS = {"train_seconds"}

SPOS = """
import sys
import nasturtium as nt
from nasturtium import blocks as b, choice
from nasturtium.run.record import Unwatched

class Printing(Unwatched):
    def told(self, stage, trials):
        print(stage, flush=True)

space = nt.Space(
    b.conv(choice(2, 4, 6), kernel=choice(3, 5), stride=2), b.conv(choice(4, 8)), b.classifier()
)
task = nt.tasks.image_classification("digits", max_train=200)
nt.search(space, task, method="spos", minimize=("error", "params"), budget=10, out=sys.argv[1], seed=1,
          observer=Printing(), baseline=False,
          parameters={"epochs": 50, "population": 4, "finalists": 2, "recalibration": 64},
          recipe=nt.Recipe(epochs=1, batch_size=32, threads=1), retrain=nt.Retraining(picks=1, times=1))
"""


def start(folder):
    command = [sys.executable, "-c", SPOS, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def finish(folder):
    process = start(folder)
    process.communicate(timeout=300)
    assert process.returncode == 0


def kill_after(folder, told):
    """Kills a search when it was told so often; returns whether it was still at work."""
    process = start(folder)
    for _ in range(told):
        process.stdout.readline()
    process.kill()
    process.communicate()
    return process.returncode == -signal.SIGKILL


class Watching(Unwatched):
    """Notes what it is shown."""

    def __init__(self):
        self.stages, self.steps = [], 0

    def began(self, stage, purse, trials):
        self.stages.append((stage, str(purse.budget)))

    def told(self, stage, trials):
        self.steps += stage == SUPERNET


def search(space, task, folder, **changes):
    settings = {
        "method": "spos",
        "minimize": "error",
        "budget": 6,
        "seed": 2,
        "parameters": {"epochs": 2, "population": 3, "finalists": 2, "recalibration": 64},
        "recipe": nt.Recipe(epochs=1, batch_size=32, threads=1),
        "retrain": nt.Retraining(picks=0),
    }
    return nt.search(space, task, out=folder, **settings | changes)


def course(folder):
    """All that was told in each stage, but for what clocks say."""
    run = Run.load(folder)
    return {
        stage: [
            (trial.candidate, {k: v for k, v in trial.metrics.items() if k not in CLOCKS})
            for event in run.events(stage)
            if isinstance(event, Told)
            for trial in event.trials
        ]
        for stage in run.stages
    }


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_search_killed_in_its_supernet_and_after_ends_like_one_that_was_not(tmp_path):
    finish(tmp_path / "whole")
    # Of 250 steps with a checkpoint after 200: after it, and among the networks that inherit.
    killed = [kill_after(tmp_path / "killed", told) for told in (230, 55)]
    assert all(killed), "it was over before it was killed"
    finish(tmp_path / "killed")
    assert course(tmp_path / "killed") == course(tmp_path / "whole")
    whole, resumed = (load_file(tmp_path / name / FILE) for name in ("whole", "killed"))
    shared = [name for name in whole if name.startswith(("supernet.", "optimizer."))]
    assert shared
    assert all(torch.equal(whole[name], resumed[name]) for name in shared)


def test_random_search_gets_the_time_of_the_supernet_too(tiny_space, digits, tmp_path):
    run = search(tiny_space, digits, tmp_path / "run")
    spent = {
        stage: sum(trial.metrics["train_seconds"] for trial in run.trials(stage)) for stage in run.stages
    }
    cost = spent[SUPERNET] + spent[SUBNETS] + spent["search"]
    baseline = run.trials("baseline")
    assert cost <= spent["baseline"] + 1e-9 or len(baseline) == tiny_space.count  # a tiny space runs out
    assert spent["baseline"] - baseline[-1].metrics["train_seconds"] < cost


def test_of_a_budget_of_time_the_supernet_is_paid_first(tiny_space, digits, tmp_path):
    run = search(tiny_space, digits, tmp_path / "run", baseline=False, budget="0.2s training")
    whole = run.trials(SUPERNET)[0].metrics["train_seconds"]
    # What is left, or a tenth of all; the network that spends the last of it is finished.
    left = max(0.2 - whole, 0.02)
    *before, _ = [trial.metrics["train_seconds"] for trial in run.trials(SUBNETS)]
    assert sum(before) < left
    assert run.complete


def test_more_budget_keeps_the_networks_that_were_trained(tiny_space, digits, tmp_path):
    first = search(tiny_space, digits, tmp_path / "run", baseline=False)
    more = search(tiny_space, digits, tmp_path / "run", baseline=False, budget=12)
    assert len(more.trials(SUBNETS)) > len(first.trials(SUBNETS))
    assert more.trials("search")[: len(first.trials("search"))] == first.trials("search")


def test_a_budget_that_hardly_any_network_meets_is_searched_for(tiny_space, digits, tmp_path):
    space = tiny_space.bind(digits.input_shape, digits.outputs)
    least = min(counts(space.network(one)).params for one in space)
    assert all(
        trial.metrics["params"] > least for trial in search(space, digits, tmp_path / "any").trials(SUBNETS)
    )
    wanted = {"retrain": nt.Retraining(picks=1, times=1, at=f"params <= {least}"), "baseline": False}
    run = search(space, digits, tmp_path / "run", **wanted)
    stage = f"{SUBNETS}/params-{least}"
    assert run.stages == (SUPERNET, SUBNETS, stage, "search", "retrain")
    assert [trial.metrics["params"] for trial in run.trials(stage)] == [least]
    assert run.picks[0].name == f"params-{least}"
    assert run.picks[0].metrics["params"] == least
    assert course(tmp_path / "run") == course(search(space, digits, tmp_path / "run", **wanted).folder)


def test_the_steps_are_shown_as_a_stage(tiny_space, digits, tmp_path):
    watching = Watching()
    run = search(tiny_space, digits, tmp_path / "run", baseline=False, observer=watching)
    steps = run.trials(SUPERNET)[0].metrics["steps"]
    assert watching.stages[:2] == [(SUPERNET, f"{steps:g} steps"), (SUBNETS, "6 trials")]
    assert watching.steps == steps


def test_a_lost_supernet_is_not_trained_again_in_silence(tiny_space, digits, tmp_path):
    search(tiny_space, digits, tmp_path / "run", baseline=False)
    (tmp_path / "run" / FILE).unlink()
    with pytest.raises(StoreError, match="supernet of this search, is gone"):
        search(tiny_space, digits, tmp_path / "run", baseline=False, budget=12)


def test_a_supernet_that_diverges_says_so(tiny_space, digits, tmp_path):
    recipe = nt.Recipe(epochs=1, batch_size=32, threads=1, lr=1e30)
    with pytest.raises(ConfigError, match="spos: its training diverged"):
        search(tiny_space, digits, tmp_path / "run", recipe=recipe)


def test_what_cannot_share_weights_is_refused(digits, tmp_path):
    with pytest.raises(ConfigError, match="needs a task"):
        nt.search(flat_space(), evaluator=ToyEvaluator(flat_space()), method="spos", minimize="error")
    with pytest.raises(ConfigError, match="cannot decide"):
        search(joint_space(), digits, tmp_path / "run")
    with pytest.raises(ConfigError, match="try_first"):
        search(flat_space(), digits, tmp_path / "run", warm_from="nasbench201")


def test_the_whole_space_is_asked_once():
    space = flat_space()
    whole = Whole(space)
    (candidate,) = whole.ask(3)
    assert isinstance(candidate, Candidate)
    assert candidate.point.weights == ((1 / 3,) * 3,) * 4
    assert whole.ask(1) == whole.best(1) == []


def test_adamw_keeps_its_own_rate_where_none_is_given():
    rates = {
        name: Problem(flat_space(), None, nt.Recipe(optimizer=name), 0, None).longer(1, lr=0.07).lr
        for name in ("sgd", "adamw")
    }
    assert rates == {"sgd": 0.07, "adamw": nt.Recipe(optimizer="adamw").peak_lr}
