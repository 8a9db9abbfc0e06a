"""Optimisers and learning rates, against torch's own schedulers."""

import pytest
import torch
from torch import nn

from nasturtium.errors import ConfigError
from nasturtium.evaluate.optimizer import clip_gradients, learning_rate, optimizer_for
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


def test_the_cosine_falls_to_the_floor_as_torchs_does():
    # DARTS falls from 0.025 to 0.001 (Liu et al. 2019, section 3.1.1) by torch's CosineAnnealingLR.
    recipe, plain = Recipe(lr=0.2, warmup=0.1, floor=0.25), Recipe(lr=0.2, warmup=0.1)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.2)
    torchs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 90, eta_min=0.05)
    for step in range(10, 100):
        assert learning_rate(step, 100, recipe) == pytest.approx(torchs.get_last_lr()[0], rel=1e-9)
        optimizer.step()
        torchs.step()
    assert learning_rate(0, 100, recipe) == learning_rate(0, 100, plain)  # the warm-up is as it is
    constant = Recipe(lr=0.2, warmup=0.1, floor=1.0)
    assert {learning_rate(step, 100, constant) for step in range(10, 100)} == {0.2}
    with pytest.raises(ConfigError, match="floor is 2"):
        Recipe(floor=2)


def test_momentum_is_nesterovs_or_plain():
    model = nn.Linear(2, 2)
    for nesterov in (True, False):
        (group, *_) = optimizer_for(model, Recipe(nesterov=nesterov)).param_groups
        assert (group["nesterov"], group["momentum"]) == (nesterov, 0.9)


def test_gradients_are_clipped_by_value_and_by_norm():
    model = nn.Linear(2, 1, bias=False)
    for given, wanted in (
        ({}, [3.0, -4.0]),
        ({"clip_value": 1.0}, [1.0, -1.0]),
        ({"clip_norm": 1.0}, [0.6, -0.8]),
    ):
        model.weight.grad = torch.tensor([[3.0, -4.0]])
        clip_gradients(model, Recipe(**given))
        torch.testing.assert_close(model.weight.grad, torch.tensor([wanted]), rtol=1e-4, atol=1e-4)
    with pytest.raises(ConfigError, match="clip_value is -1"):
        Recipe(clip_value=-1)
