import numpy as np
import pytest
import torch

import nasturtium as nt
from nasturtium.architecture import Architecture
from nasturtium.evaluate.kernel_norms import edge_norms, kernel_norms
from nasturtium.evaluate.training import Training
from nasturtium.net.supernet import Supernet
from nasturtium.run.search import search
from nasturtium.run.steps import Steps
from nasturtium.space.zoo.fabric import fabric, fabric_sparse
from nasturtium.strategy.pruning import Pruning


@pytest.mark.parametrize("make", [fabric, fabric_sparse])
def test_the_norm_of_an_edge_is_that_of_its_own_kernels(make):
    space = make().bind((1, 8, 8), 10)
    supernet = Supernet(space)
    paths = [decision.path for decision in space.decisions]
    chosen = {"layer2.scale1.from1": 3.0, "layer4.scale2.beside1": 7.0, "layer3.scale2.from3": 5.0}
    with torch.no_grad():
        for name, bank in supernet.shared.items():
            if name.endswith(":conv2d"):
                bank.weight.zero_()
        network = space.network(Architecture(space.fingerprint, (1,) * len(paths)))
        for path, norm in chosen.items():
            views = [
                view for name, view in supernet.state_of(network) if f".{path}." in name and "conv" in name
            ]
            for view in views:
                view.fill_(norm / np.sqrt(sum(one.numel() for one in views)))
    expected = [chosen.get(path, 0.0) for path in paths]
    np.testing.assert_allclose(edge_norms(supernet), expected, rtol=1e-5)


def test_the_norms_travel_to_the_strategy_in_the_last_trial():
    task = nt.tasks.image_classification("digits", max_train=96)
    space = fabric().bind(task.input_shape, task.outputs)
    supernet = Supernet(space)
    recipe = nt.Recipe(epochs=1, batch_size=32, threads=1)
    training = Training(supernet, task, recipe, gradient=kernel_norms)
    strategy, steps = Pruning(space, training.steps, levels=2), Steps(training)
    search(strategy, training, steps)
    assert [trial.gradient is not None for trial in steps.trials] == [False, False, True]
    np.testing.assert_allclose(strategy.strengths, edge_norms(supernet), rtol=1e-6)
    assert sum(strategy.best(2)[1].choices) == len(space.decisions) - len(space.decisions) // 2
