"""Supernets one after another are one training, which goes on from any of its checkpoints."""

import pytest
import torch

import nasturtium as nt
from nasturtium import blocks as b
from nasturtium.errors import StoreError
from nasturtium.evaluate.recipe import Recipe
from nasturtium.evaluate.staged import Staged
from nasturtium.evaluate.training import Training
from nasturtium.net.supernet import Supernet
from nasturtium.run.search import search
from nasturtium.run.steps import Steps
from nasturtium.strategy.paths import UniformPaths


@pytest.fixture(scope="module")
def task():
    return nt.tasks.image_classification("digits", max_train=100)


def space_of(task, dropout):
    space = nt.Space(b.conv(4, kernel=nt.choice(1, 3), stride=2), b.classifier(dropout=dropout))
    return space.bind(task.input_shape, task.outputs)


def staged(task, count=2):
    """Three steps each; the first on a space of its own."""
    spaces = [space_of(task, 0.5), space_of(task, 0.0)][:count]
    assert len({space.fingerprint for space in spaces}) == count
    recipe = Recipe(epochs=1, batch_size=32, threads=1)
    return Staged([Training(Supernet(one, seed=n), task, recipe, seed=n) for n, one in enumerate(spaces)])


def weights(training):
    return [one.detach().clone() for stage in training.trainings for one in stage.supernet.parameters()]


def test_each_supernet_is_trained_to_its_end_on_points_of_one_space(task):
    training, told = staged(task), []
    before = weights(training)
    asked = UniformPaths(space_of(task, 0.0), seed=1)
    search(asked, training, Steps(training, watcher=lambda done, total, trials: told.append((done, trials))))
    each = training.trainings[0].steps
    assert training.steps == training.step == 2 * each == len(told)
    assert [one.step for one in training.trainings] == [each, each]
    assert [done for done, _ in told] == list(range(1, 2 * each + 1))
    assert {trial.candidate.point.space for _, (trial,) in told} == {asked.space.fingerprint}
    assert all(not torch.equal(old, new) for old, new in zip(before, weights(training), strict=True))


@pytest.mark.parametrize("killed", [2, 5])
def test_it_goes_on_from_a_checkpoint_of_either_stage(task, tmp_path, killed):
    space = space_of(task, 0.0)
    whole = staged(task)
    search(UniformPaths(space, seed=1), whole, Steps(whole))
    first = staged(task)
    path = tmp_path / "weights"
    search(UniformPaths(space, seed=1), first, Steps(first, path, steps=killed))
    again = staged(task)
    steps = Steps(again, path)
    search(UniformPaths(space, seed=1), again, steps)
    assert again.step == len(steps.trials) == again.steps
    ended = zip(again.current.supernet.parameters(), whole.current.supernet.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in ended)
    with pytest.raises(StoreError, match="1 supernets"):
        staged(task, count=1).load(path)


def test_a_supernet_that_runs_another_space_from_a_step_on_trains_the_same_weights(task, tmp_path):
    space, alike = space_of(task, 0.0), space_of(task, 0.0)
    recipe = Recipe(epochs=1, batch_size=32, threads=1)

    def made(*spaces):
        return Staged([Training(Supernet(space, seed=0), task, recipe, seed=0)], spaces)

    plain, first, again = made(), made((0, space), (2, alike)), made((0, space), (2, alike))
    search(UniformPaths(space, seed=1), plain, Steps(plain))
    path = tmp_path / "weights"
    search(UniformPaths(space, seed=1), first, Steps(first, path, steps=1))
    assert first.current.supernet.space is space
    search(UniformPaths(space, seed=1), again, Steps(again, path))
    assert again.current.supernet.space is alike
    ended = zip(again.current.supernet.parameters(), plain.current.supernet.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in ended)
