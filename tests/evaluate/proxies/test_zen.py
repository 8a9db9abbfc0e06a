"""Zen's score against its definition."""

import math

import pytest
import torch
from torch import nn

from nasturtium.evaluate.proxies import zen as module
from nasturtium.evaluate.proxies.zen import zen

IMAGES, LABELS = torch.zeros(2, 3, 5, 5), torch.zeros(2, dtype=torch.int64)


def test_without_norms_it_is_the_mean_log_of_the_change_of_the_features():
    """Of f(x) = w x for a 1x1 convolution, the change is step |w e| summed over places and channels."""
    conv = nn.Conv2d(3, 4, 1)
    network = nn.Sequential(conv, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    generator = torch.Generator().manual_seed(module.seed_for(7, "zen"))
    logs = []
    for _ in range(3):
        weight = torch.empty_like(conv.weight).normal_(generator=generator)
        torch.empty(2, 4).normal_(generator=generator)  # of the linear layer, which comes after the features
        torch.randn(16, 3, 5, 5, generator=generator)
        change = torch.randn(16, 3, 5, 5, generator=generator)
        moved = nn.functional.conv2d(0.01 * change, weight)
        logs.append(math.log(moved.abs().sum(dim=(1, 2, 3)).mean()))
    assert zen(network, IMAGES, LABELS, seed=7, repeats=3) == pytest.approx(sum(logs) / 3, rel=1e-3)


def test_a_norm_puts_back_what_it_takes_away():
    """A norm divides the change by the spread it saw, and the score adds the logarithm of that spread."""
    plain = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1))
    normed = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1))
    with_norm, without = (zen(n, IMAGES, LABELS, batch=64, repeats=4) for n in (normed, plain))
    assert with_norm == pytest.approx(without, abs=0.05)


def test_the_variance_is_that_of_gaussian_inputs():
    """A norm of the input itself sees N(0, 1): nothing is added, and the change is left as it is."""
    plain = nn.Sequential(nn.Conv2d(3, 4, 1), nn.AdaptiveAvgPool2d(1))
    normed = nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 1), nn.AdaptiveAvgPool2d(1))
    first, second = (zen(n, IMAGES, LABELS, batch=256, repeats=4) for n in (plain, normed))
    assert first == pytest.approx(second, abs=0.02)


def test_weights_of_the_network_and_images_change_nothing():
    networks = [nn.Sequential(nn.Conv2d(3, 4, 1), nn.AdaptiveAvgPool2d(1)) for _ in range(2)]
    first, second = (zen(n, torch.randn_like(IMAGES), LABELS, repeats=1) for n in networks)
    assert first == second
    assert zen(networks[0], IMAGES, LABELS, repeats=1, seed=1) != first


def test_the_features_are_those_before_the_last_pooling():
    """Of a gate with a pooling of its own, the features are still those of the trunk."""

    class Gated(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.pool = nn.Conv2d(3, 4, 1), nn.AdaptiveAvgPool2d(1)

        def forward(self, x):
            gate, x = self.pool(x).mean() * 0, self.conv(x)
            return self.pool(x + gate)

    plain = nn.Sequential(nn.Conv2d(3, 4, 1), nn.AdaptiveAvgPool2d(1))
    assert zen(Gated(), IMAGES, LABELS) == pytest.approx(zen(plain, IMAGES, LABELS), rel=1e-6)


def test_features_that_do_not_move_are_minus_infinity():
    class Deaf(nn.Module):
        def forward(self, x):
            return x * 0

    assert zen(Deaf(), IMAGES, LABELS) == -math.inf
