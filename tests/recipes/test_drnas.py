"""DrNAS in two stages: fewer channels first."""

import torch

import nasturtium as nt
from nasturtium.cost.counts import Counted
from nasturtium.recipes.drnas import DirichletSearch
from nasturtium.run.search import search
from nasturtium.run.sharing import Problem
from nasturtium.run.steps import Steps
from nasturtium.space.zoo.darts_search import darts_search_of


def test_channels_that_come_in_the_second_stage_rest_in_the_first():
    task = nt.tasks.image_classification("digits", max_train=64)
    space = darts_search_of(8, (False, True), "tiny", ops=("skip_connect", "dil_conv_3x3"), partial=2)
    space = space.bind(task.input_shape, task.outputs)
    recipe = DirichletSearch(stages=2, epochs=2)
    alone = nt.Recipe(batch_size=32, threads=1, weight_decay=0.0)
    problem = Problem(space, task, alone, 0, Counted(space))
    supernet = recipe.supernet(problem)
    training = recipe.training(problem, supernet)
    (name,) = [one for one, _ in supernet.named_parameters() if "cell1/node4/from0/dil_conv_3x3/depth" in one]
    weight = dict(supernet.named_parameters())[name]
    seen = [weight.detach().clone()]
    steps = Steps(training, watcher=lambda *_: seen.append(weight.detach().clone()))
    search(recipe.sampler(problem, training.steps), training, steps)
    assert len(seen) == 1 + training.steps == 5
    changed = [(seen[i] != seen[i + 2]).flatten(1).any(1).tolist() for i in (0, 2)]
    assert changed == [[True, True, False, False], [True] * 4]  # the first stage runs two of the four
    assert torch.isfinite(seen[-1]).all()
