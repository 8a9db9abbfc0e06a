"""P-DARTS trains three supernets, the last of which has the depth of the space."""

import nasturtium as nt
from nasturtium.cost.counts import Counted
from nasturtium.recipes.p_darts import ProgressiveDARTS
from nasturtium.run.sharing import Problem
from nasturtium.space.zoo.cells import thirds
from nasturtium.space.zoo.darts_search import darts_search_of, resized
from nasturtium.strategy.p_darts import STAGES


def tower_of(space):
    return space.tree.blocks[0]


def test_supernets_of_17_cells_are_of_5_11_and_17():
    space = darts_search_of(16, thirds(17), "deep")
    stages = [resized(space, stage.cells / 17, stage.skip_dropout) for stage in STAGES]
    assert [tower_of(one).layout for one in stages] == [thirds(5), thirds(11), thirds(17)]
    assert [tower_of(one).normal.skip_dropout for one in stages] == [0.1, 0.4, 0.7]
    assert all([d.path for d in one.decisions] == [d.path for d in space.decisions] for one in stages)


def test_the_last_supernet_is_inherited_from():
    task = nt.tasks.image_classification("digits", max_train=64)
    space = darts_search_of(4, thirds(4), "tiny", ops=("none", "skip_connect", "conv_1x1"))
    space = space.bind(task.input_shape, task.outputs)
    recipe, alone = ProgressiveDARTS(), nt.Recipe(epochs=9, batch_size=32, threads=1)
    problem = Problem(space, task, alone, 0, Counted(space))
    supernet = recipe.supernet(problem)
    training = recipe.training(problem, supernet)
    spaces = [one.supernet.space for one in training.trainings]
    assert [len(tower_of(one).layout) for one in spaces] == [3, 3, 4]
    assert training.trainings[-1].supernet.shared is supernet.shared
    assert len({one.seed for one in training.trainings}) == 3
    # Ten times the epochs of a network alone, of which each of 3 supernets, of 3 options, has a ninth.
    assert training.steps == 3 * 10 * 2
