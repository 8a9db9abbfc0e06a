"""Channels sorted in the middle of a training leave it as it was: weights, momenta, averages, checkpoints."""

import pytest
import torch

import nasturtium as nt
from nasturtium import blocks as b
from nasturtium.architecture import Architecture
from nasturtium.evaluate.recipe import Recipe
from nasturtium.evaluate.sorting import ChannelSorting
from nasturtium.evaluate.staged import Staged
from nasturtium.evaluate.training import Training
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Candidate
from nasturtium.run.search import search
from nasturtium.run.steps import Steps
from nasturtium.strategy.fixed import Fixed

OPENS = 3  # the step from which on narrower networks are trained


@pytest.fixture(scope="module")
def task():
    return nt.tasks.image_classification("digits", max_train=100)


@pytest.fixture(scope="module")
def space(task):
    block = b.mb_conv(8, kernel=nt.choice(3, 5), expand=nt.choice(2, 3), se=0.5)
    return nt.Space(b.conv(8, stride=2), block, b.classifier()).bind(task.input_shape, task.outputs)


def open_at(step):
    return ((1,), (1,)) if step < OPENS else ((1,), (0, 1))


def staged(space, task, *, sorts=True, optimizer="sgd"):
    recipe = Recipe(
        epochs=3, batch_size=32, threads=1, lr=0.02, augment="none", optimizer=optimizer, average=0.5
    )
    training = Training(Supernet(space, kernels="transformed"), task, recipe)
    return Staged([training], before={0: ChannelSorting(open_at)} if sorts else {})


def points(space, *rows):
    return [Architecture(space.fingerprint, row) for row in rows]


def logits(training, task, point):
    images = task.normalisation(task.valid.images[:16])
    with torch.no_grad():
        return training.current.supernet.eval()(images, point)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_training_of_the_largest_network_does_not_notice(space, task, optimizer):
    (largest,) = points(space, (1, 1))
    apart = [staged(space, task, sorts=sorts, optimizer=optimizer) for sorts in (True, False)]
    for training in apart:
        for _ in range(training.steps):
            list(training.evaluate([Candidate(largest)]))
    one, other = (training.current.supernet.state_dict() for training in apart)
    assert any(not torch.allclose(one[name], other[name], atol=1e-4) for name in one)
    found, wanted = (logits(training, task, largest) for training in apart)
    assert torch.allclose(found, wanted, atol=1e-4 * float(wanted.abs().max()))


def test_it_goes_on_from_a_checkpoint_to_the_same_bits(space, task, tmp_path):
    asked = points(space, (1, 1), (1, 1), (1, 1), (0, 1), (1, 0), (0, 0), (1, 1), (1, 0))
    whole, first, again = (staged(space, task) for _ in range(3))
    search(Fixed(space, asked), whole, Steps(whole, steps=len(asked)))
    path = tmp_path / "weights"
    search(Fixed(space, asked), first, Steps(first, path, steps=OPENS))
    search(Fixed(space, asked), again, Steps(again, path, steps=len(asked)))
    assert again.step == whole.step == len(asked)
    one, other = (training.current.supernet.state_dict() for training in (again, whole))
    assert all(torch.equal(one[name], other[name]) for name in one)
    kept, wanted = (training.current.average.state_dict() for training in (again, whole))
    assert all(torch.equal(kept[name], wanted[name]) for name in kept)


def test_it_does_something_once(space, task):
    training = staged(space, task)
    (largest,) = points(space, (1, 1))
    sorting, moved = ChannelSorting(open_at), []
    for _ in range(OPENS + 1):
        before = {name: value.clone() for name, value in training.current.supernet.state_dict().items()}
        sorting(training.current)
        after = training.current.supernet.state_dict()
        moved.append(any(not torch.equal(after[name], before[name]) for name in before))
        list(training.current.evaluate([Candidate(largest)]))
    assert moved == [False] * OPENS + [True]
