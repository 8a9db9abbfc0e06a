"""Optimisers and learning rates, against torch's own schedulers."""

import pytest
import torch
from torch import nn

from nasturtium.errors import ConfigError
from nasturtium.evaluate.optimizer import learning_rate, optimizer_for
from nasturtium.evaluate.recipe import Recipe


def test_the_learning_rate_is_torchs_warmup_and_cosine():
    recipe, steps = Recipe(lr=0.4, warmup=0.2), 50
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.4)
    warm = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1 / 11, total_iters=10)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=40)
    both = torch.optim.lr_scheduler.SequentialLR(optimizer, [warm, cosine], milestones=[10])
    reference = []
    for _ in range(steps):
        reference.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        both.step()
    assert [learning_rate(step, steps, recipe) for step in range(steps)] == pytest.approx(reference)


@pytest.mark.parametrize("steps", [1, 2, 3, 7])
def test_the_shortest_trainings_have_a_positive_learning_rate(steps):
    rates = [learning_rate(step, steps, Recipe(lr=1.0)) for step in range(steps)]
    assert all(0 < rate <= 1 for rate in rates)
    assert max(rates) == 1


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_norms_and_biases_have_no_weight_decay(name, convnet):
    model = convnet()
    optimizer = optimizer_for(model, Recipe(optimizer=name, weight_decay=0.1))
    decay = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    assert len(decay) == len(list(model.parameters()))
    for module in model.modules():
        for key, parameter in module.named_parameters(recurse=False):
            weight = key == "weight" and isinstance(module, nn.Conv2d | nn.Linear)
            assert decay[id(parameter)] == (0.1 if weight else 0.0)


def test_the_learning_rate_never_falls_below_its_floor():
    recipe, plain = Recipe(lr=0.2, warmup=0.1, floor=0.25), Recipe(lr=0.2, warmup=0.1)
    falling = [learning_rate(step, 100, plain) for step in range(10, 100)]
    assert [learning_rate(step, 100, recipe) for step in range(10, 100)] == [max(0.05, r) for r in falling]
    assert learning_rate(0, 100, recipe) == learning_rate(0, 100, plain)  # the warm-up is as it is
    constant = Recipe(lr=0.2, warmup=0.1, floor=1.0)
    assert {learning_rate(step, 100, constant) for step in range(10, 100)} == {0.2}
    with pytest.raises(ConfigError, match="floor is 2"):
        Recipe(floor=2)
