"""ZiCo, against its sum by hand."""

import copy
import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from nasturtium.evaluate.proxies.zico import zico


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture
def network():
    layers = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Tanh(), nn.Flatten(), nn.Linear(12, 3))
    layers = layers.double()
    with torch.no_grad():
        for i, parameter in enumerate(layers.parameters()):
            parameter.copy_(drawn(*parameter.shape, seed=10 + i))
    return layers


def test_it_is_the_sum_over_layers_of_the_log_of_mean_over_deviation(network):
    images, labels = drawn(8, 2, 4, 4, seed=1), torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
    slopes = []
    for half in (slice(0, 4), slice(4, 8)):
        twin = copy.deepcopy(network).train()
        functional.cross_entropy(twin(images[half]), labels[half]).backward()
        slopes.append([twin[0].weight.grad.flatten().tolist(), twin[4].weight.grad.flatten().tolist()])
    by_hand = 0.0
    for first, second in zip(*slopes, strict=True):
        ratios = []
        for a, b in zip(first, second, strict=True):
            mean = (a + b) / 2
            deviation = math.sqrt(((a - mean) ** 2 + (b - mean) ** 2) / 2)
            ratios.append((abs(a) + abs(b)) / 2 / deviation)
        by_hand += math.log(sum(ratios))
    assert zico(network, images, labels) == pytest.approx(by_hand, rel=1e-9)


def test_layers_whose_gradient_never_changes_count_for_nothing(network):
    twice = drawn(4, 2, 4, 4, seed=1).repeat(2, 1, 1, 1)
    assert zico(network, twice, torch.tensor([0, 1, 2, 0] * 2)) == pytest.approx(0.0, abs=1e-9)


def test_the_network_is_left_as_it_was(network):
    before = copy.deepcopy(network.state_dict())
    zico(network, drawn(8, 2, 4, 4, seed=1), torch.tensor([0, 1, 2, 0, 1, 2, 0, 1]))
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
