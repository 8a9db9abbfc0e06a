"""An inner run goes on from its checkpoint as if nothing had happened, wherever it was killed."""

import random
import signal
import subprocess
import sys

import pytest
import torch

from nasturtium.architecture import Mixture
from nasturtium.errors import StoreError
from nasturtium.evaluate.recipe import Recipe
from nasturtium.evaluate.training import Training
from nasturtium.evaluate.weights import read_tensors
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Candidate
from nasturtium.run.search import search
from nasturtium.run.steps import Steps
from nasturtium.space.zoo.nasbench201 import nasbench201
from nasturtium.strategy.paths import UniformPaths
from nasturtium.tasks.images import image_classification

PROGRAM = """
import sys
from pathlib import Path

import numpy as np
import torch

from nasturtium import blocks as b, choice
from nasturtium.architecture import Mixture
from nasturtium.evaluate.recipe import Recipe
from nasturtium.evaluate.training import Training
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Candidate
from nasturtium.run.search import search
from nasturtium.run.steps import Steps
from nasturtium.space.space import Space
from nasturtium.tasks.images import image_classification

torch.set_num_threads(1)
task = image_classification("digits", max_train=160)
space = Space(
    b.conv(4, kernel=choice(3, 5)), choice(b.conv(4), b.identity(), name="middle"), b.classifier()
).bind(task.input_shape, task.outputs)


class Descent:
    # What every gradient method is: weights that a gradient moves, and numbers of its own that it remembers.
    def __init__(self):
        self.logits = np.zeros((2, 2))

    def ask(self, n):
        rows = np.exp(self.logits)
        rows /= rows.sum(1, keepdims=True)
        return [Candidate(Mixture(space.fingerprint, tuple(map(tuple, rows.tolist()))))]

    def tell(self, trials):
        for trial in trials:
            self.logits -= trial.gradient.reshape(2, 2)

    def best(self, k):
        return []


trainer = Training(Supernet(space, seed=3), task, Recipe(epochs=8, batch_size=32, threads=1))
strategy = Descent()
watcher = lambda done, total, trials: print(done, flush=True)
search(strategy, trainer, Steps(trainer, Path(sys.argv[1]), every=3, watcher=watcher))
np.save(sys.argv[1] + ".npy", strategy.logits)
"""


def start(path):
    return subprocess.Popen([sys.executable, "-c", PROGRAM, str(path)], stdout=subprocess.PIPE, text=True)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_training_killed_at_random_steps_ends_as_one_that_is_not(tmp_path):
    whole = start(tmp_path / "whole")
    whole.communicate(timeout=300)
    assert whole.returncode == 0
    steps = random.Random(0)
    killed = 0
    while killed < 10:
        process = start(tmp_path / "killed")
        first = int(process.stdout.readline())
        for _ in range(steps.randint(0, 4)):
            process.stdout.readline()
        process.kill()
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        assert first < 35, "it ended before it was killed ten times"
    last = start(tmp_path / "killed")
    last.communicate(timeout=300)
    assert last.returncode == 0
    (killed_at, killed_words), (whole_at, whole_words) = map(
        read_tensors, (tmp_path / "killed", tmp_path / "whole")
    )
    assert killed_words == whole_words
    assert {name: value.numpy().tobytes() for name, value in killed_at.items()} == {
        name: value.numpy().tobytes() for name, value in whole_at.items()
    }  # weights, momenta, what was told
    assert (tmp_path / "killed.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()  # logits


@pytest.fixture
def made(few_digits_of_steps):
    task = few_digits_of_steps
    space = nasbench201().bind(task.input_shape, task.outputs)

    def make(seed=0, epochs=1):
        return Training(Supernet(space, seed=seed), task, Recipe(epochs=epochs, batch_size=64, threads=1))

    return space, make


@pytest.fixture(scope="module")
def few_digits_of_steps():
    return image_classification("digits", max_train=128)


def test_it_ends_with_the_recipe_and_says_what_came_of_every_step(made):
    space, make = made
    seen = []
    trainer = make(epochs=2)
    search(UniformPaths(space), trainer, Steps(trainer, watcher=lambda *step: seen.append(step)))
    assert [(done, total) for done, total, _ in seen] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert [trials[0].candidate.number for _, _, trials in seen] == [0, 1, 2, 3]


def test_a_run_that_has_ended_is_not_trained_again(made, tmp_path):
    space, make = made
    trainer = make()
    search(UniformPaths(space), trainer, Steps(trainer, tmp_path / "checkpoint"))
    before = (tmp_path / "checkpoint").read_bytes()
    again = make()
    search(UniformPaths(space), again, Steps(again, tmp_path / "checkpoint"))
    assert again.step == trainer.step
    assert (tmp_path / "checkpoint").read_bytes() == before


def test_a_strategy_is_asked_and_told_the_same_again(made, tmp_path):
    space, make = made

    class Watched(UniformPaths):
        def __init__(self):
            super().__init__(space, seed=4)
            self.seen = []

        def tell(self, trials):
            self.seen += [(t.candidate, dict(t.metrics), t.status) for t in trials]

    first, second = Watched(), Watched()
    trainer = make(epochs=2)
    search(first, trainer, Steps(trainer, tmp_path / "checkpoint", steps=3))
    again = make(epochs=2)
    search(second, again, Steps(again, tmp_path / "checkpoint"))
    assert second.seen[:3] == first.seen
    assert len(second.seen) == 4
    log = read_tensors(tmp_path / "checkpoint")[0]
    assert log["more.asks"].tolist() == [1, 1, 1, 1]


def test_gradients_are_told_again_to_the_last_bit(made, tmp_path):
    space, make = made
    rows = tuple(tuple(1 / len(d.labels) for _ in d.labels) for d in space.decisions)

    class Mixing:
        def __init__(self):
            self.seen = []

        def ask(self, n):
            return [Candidate(Mixture(space.fingerprint, rows))]

        def tell(self, trials):
            self.seen += [trial.gradient for trial in trials]

        def best(self, k):
            return []

    first, second = Mixing(), Mixing()
    for strategy in (first, second):
        trainer = make()
        search(strategy, trainer, Steps(trainer, tmp_path / "checkpoint"))
    assert [g.tobytes() for g in first.seen] == [g.tobytes() for g in second.seen]
    assert len(first.seen) == 2


def test_a_monitor_is_shown_every_step_once_those_of_former_sessions_too(made, tmp_path):
    space, make = made
    seen = []
    for steps in (3, 4):
        seen.append([])
        trainer = make(epochs=2)
        monitor = lambda trials: seen[-1].append(trials[0].candidate.number)  # noqa: E731
        search(UniformPaths(space), trainer, Steps(trainer, tmp_path / "c", steps=steps, monitor=monitor))
    assert seen == [[0, 1, 2], [0, 1, 2, 3]]


def test_a_strategy_that_asks_for_less_than_it_did_is_refused(made, tmp_path):
    space, make = made
    trainer = make()
    search(UniformPaths(space), trainer, Steps(trainer, tmp_path / "checkpoint"))

    class Silent(UniformPaths):
        def ask(self, n):
            return []

    again = make()
    with pytest.raises(StoreError, match="another folder"):
        search(Silent(space), again, Steps(again, tmp_path / "checkpoint"))


def test_it_knows_what_the_supernet_was_when_it_was_written(made, tmp_path):
    space, make = made
    trainer = make(seed=1)
    search(UniformPaths(space), trainer, Steps(trainer, tmp_path / "checkpoint"))
    other = make(seed=2)
    other.load(tmp_path / "checkpoint")
    for name, value in trainer.supernet.state_dict().items():
        assert torch.equal(value, other.supernet.state_dict()[name]), name
