"""P-DARTS trains three supernets, the last of which has the depth of the space."""

import pytest

import nasturtium as nt
from nasturtium.cost.counts import Counted
from nasturtium.recipes.p_darts import ProgressiveDARTS
from nasturtium.run.sharing import Problem
from nasturtium.space.zoo.cells import thirds
from nasturtium.space.zoo.darts_search import darts_search_of
from nasturtium.strategy.p_darts import STAGES


def tower_of(space):
    return space.tree.blocks[0]


@pytest.fixture(scope="module")
def made():
    """The supernet, and the training of three stages of 10 epochs of 2 steps."""
    task = nt.tasks.image_classification("digits", max_train=64)
    space = darts_search_of(4, thirds(4), "tiny", ops=("none", "skip_connect", "conv_1x1"))
    space = space.bind(task.input_shape, task.outputs)
    recipe, alone = ProgressiveDARTS(), nt.Recipe(epochs=9, batch_size=32, threads=1)
    problem = Problem(space, task, alone, 0, Counted(space))
    supernet = recipe.supernet(problem)
    return supernet, recipe.training(problem, supernet)


def test_the_last_supernet_is_inherited_from(made):
    supernet, training = made
    spaces = [one.supernet.space for one in training.trainings]
    assert [len(tower_of(one).layout) for one in spaces] == [3, 3, 4]
    assert training.trainings[-1].supernet.shared is supernet.shared
    trained = {id(one) for group in training.trainings[-1].optimizer.param_groups for one in group["params"]}
    assert trained == {id(one) for one in supernet.parameters()}
    assert len({one.seed for one in training.trainings}) == 3
    # Ten times the epochs of a network alone, of which each of 3 supernets, of 3 options, has a ninth.
    assert training.steps == 3 * 10 * 2


def test_dropout_behind_skips_falls_by_epoch_and_begins_anew_in_each_stage(made):
    _, training = made
    assert [first for first, _ in training.spaces] == list(range(0, 60, 2))
    rates = [tower_of(space).normal.skip_dropout for _, space in training.spaces]
    for number, stage in enumerate(STAGES):
        ten = rates[10 * number : 10 * number + 10]
        assert ten[4] == stage.skip_dropout, "where the mixture begins to be learned, after 4 of 10 epochs"
        assert ten[:4] == sorted(ten[:4], reverse=True)
        assert ten[4:] == sorted(ten[4:], reverse=True)
    assert [len(tower_of(space).layout) for _, space in training.spaces] == [3] * 20 + [4] * 10
