"""Two processes that train one supernet by gloo on the CPU do what one process does."""

import subprocess
import sys

import pytest
import torch

from nasturtium.evaluate.ranks import Ranks
from nasturtium.evaluate.weights import read_tensors

PROGRAM = """
import sys
from pathlib import Path

import torch
from torch import distributed as dist

from nasturtium import blocks as b, choice
from nasturtium.architecture import Mixture
from nasturtium.errors import ConfigError
from nasturtium.evaluate.recipe import Recipe
from nasturtium.evaluate.training import Training
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Candidate
from nasturtium.run.search import search
from nasturtium.run.steps import Steps
from nasturtium.space.space import Space
from nasturtium.strategy.paths import UniformPaths
from nasturtium.tasks.images import image_classification

folder, rank, world, mode = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
torch.set_num_threads(1)
if world > 1:
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=world)
task = image_classification("digits", max_train=150)
# Without norms, whose statistics are each rank's own, the two halves of a batch are the whole.
space = Space(
    b.conv(4, kernel=choice(3, 5), norm=False),
    choice(b.conv(4, norm=False), b.identity(), name="middle"),
    b.classifier(),
).bind(task.input_shape, task.outputs)
trainer = Training(Supernet(space, seed=3 + rank), task, Recipe(epochs=2, batch_size=33, threads=1))
if mode == "paths":
    search(UniformPaths(space), trainer, Steps(trainer, folder / f"checkpoint{world}"))
elif mode == "others":
    try:
        search(UniformPaths(space, seed=rank), trainer, Steps(trainer))
    except ConfigError as error:
        print(error)
else:
    mixture = Mixture(space.fingerprint, ((0.5, 0.5), (0.25, 0.75)))
    ((trial,),) = trainer.evaluate([Candidate(mixture)])
    print(trial.metrics, trial.gradient.round(6).tolist())
"""

pytestmark = pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="torch has no gloo")


def run(folder, world, mode):
    folder.mkdir(exist_ok=True)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder), str(rank), str(world), mode],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(world)
    ]
    printed = [process.communicate(timeout=300) for process in processes]
    assert all(process.returncode == 0 for process in processes), printed
    return [out for out, _ in printed]


def test_two_ranks_train_the_weights_that_one_trains(tmp_path):
    # Rank 1 makes its supernet from another seed: it is given the weights of rank 0.
    run(tmp_path, 1, "paths")
    run(tmp_path, 2, "paths")
    one, _ = read_tensors(tmp_path / "checkpoint1")
    two, _ = read_tensors(tmp_path / "checkpoint2")
    assert one.keys() == two.keys()
    for name in one:
        torch.testing.assert_close(two[name], one[name], rtol=1e-4, atol=1e-6, msg=name)


def test_two_ranks_are_told_the_gradient_that_one_is_told(tmp_path):
    first, second = run(tmp_path, 2, "mixture")
    assert first == second
    (alone,) = run(tmp_path / "alone", 1, "mixture")
    numbers = [[float(x) for x in _numbers(text)] for text in (first, alone)]
    assert numbers[0] == pytest.approx(numbers[1], rel=1e-4, abs=2e-6)


def test_ranks_that_are_asked_for_other_paths_notice(tmp_path):
    for text in run(tmp_path, 2, "others"):
        assert "trains other paths than the rest" in text


def test_a_process_alone_is_the_first_and_only_rank():
    ranks = Ranks()
    images = torch.arange(5)
    assert ranks.first
    assert ranks.part(images)[0] is images
    assert ranks.share(5, 5) == 1.0
    ranks.average([images])
    ranks.check([])
    ranks.wait()


def test_the_parts_of_all_ranks_are_the_minibatch_and_count_as_it(monkeypatch):
    parts, shares = [], []
    for rank in range(3):
        ranks = Ranks()
        ranks.rank, ranks.world = rank, 3
        (part,) = ranks.part(torch.arange(10))
        parts.append(part)
        shares.append(ranks.share(len(part), 10) * part.float().mean())
    assert sorted(torch.cat(parts).tolist()) == list(range(10))
    assert float(sum(shares) / 3) == pytest.approx(4.5)  # the mean of 0..9


def _numbers(text):
    return (
        "".join(c if c in "0123456789.e-" else " " for c in text.replace("error", ""))
        .replace(" e", " ")
        .split()
    )
