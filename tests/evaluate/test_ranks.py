"""Two processes that train one supernet by gloo on the CPU do what one process does."""

import json
import subprocess
import sys

import pytest
import torch

from nasturtium.evaluate.ranks import Ranks
from nasturtium.evaluate.weights import read_tensors

# All questions in one program: starting it costs more than answering them.
PROGRAM = """
import json
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

folder, rank, world = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
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


def trainer():
    return Training(Supernet(space, seed=3 + rank), task, Recipe(epochs=2, batch_size=33, threads=1))


made = trainer()
search(UniformPaths(space), made, Steps(made, folder / f"checkpoint{world}"))
mixture = Mixture(space.fingerprint, ((0.5, 0.5), (0.25, 0.75)))
((trial,),) = trainer().evaluate([Candidate(mixture)])
said = {"metrics": dict(trial.metrics), "gradient": trial.gradient.tolist(), "refused": ""}
if world > 1:
    try:
        made = trainer()
        search(UniformPaths(space, seed=rank), made, Steps(made))
    except ConfigError as error:
        said["refused"] = str(error)
print(json.dumps(said))
"""

pytestmark = pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="torch has no gloo")


def run(folder, world):
    """Returns what each rank says."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder), str(rank), str(world)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(world)
    ]
    printed = [process.communicate(timeout=300) for process in processes]
    assert all(process.returncode == 0 for process in processes), printed
    return [json.loads(out) for out, _ in printed]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("ranks")


@pytest.fixture(scope="module")
def alone(folder):
    return run(folder, 1)[0]


@pytest.fixture(scope="module")
def both(folder):
    return run(folder, 2)


def test_two_ranks_train_the_weights_that_one_trains(folder, alone, both):
    # Rank 1 makes its supernet from another seed: it is given the weights of rank 0.
    one, _ = read_tensors(folder / "checkpoint1")
    two, _ = read_tensors(folder / "checkpoint2")
    assert one.keys() == two.keys()
    for name in one:
        torch.testing.assert_close(two[name], one[name], rtol=1e-4, atol=1e-6, msg=name)


def test_two_ranks_are_told_the_gradient_that_one_is_told(alone, both):
    first, second = both
    assert {**first, "refused": ""} == {**second, "refused": ""}
    assert first["metrics"] == pytest.approx(alone["metrics"], rel=1e-4, abs=2e-6)
    assert first["gradient"] == pytest.approx(alone["gradient"], rel=1e-4, abs=2e-6)


def test_ranks_that_are_asked_for_other_paths_notice(both):
    for said in both:
        assert "trains other paths than the rest" in said["refused"]


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
