"""Fisher information and activation codes, by hand."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from nasturtium.evaluate.proxies.activations import fisher, naswot


def identity(activation):
    """A linear layer that changes nothing, before an activation."""
    layer = nn.Linear(3, 3, bias=False)
    layer.weight.data.copy_(torch.eye(3))
    return nn.Sequential(nn.Flatten(), layer, activation)


IMAGES = torch.tensor([[1.0, 1.0, -1.0], [1.0, -1.0, -1.0], [-1.0, 1.0, 1.0]]).reshape(3, 3, 1, 1)
LABELS = torch.tensor([0, 1, 2])
# Units in which two images agree, counted by hand: all 3 with itself, 2 of the first two, 1, none.
AGREE = np.array([[3.0, 2.0, 1.0], [2.0, 3.0, 0.0], [1.0, 0.0, 3.0]])


@pytest.mark.parametrize(
    "activation", [nn.ReLU(), nn.ReLU(inplace=True), nn.ReLU6(), nn.Hardswish(), nn.SiLU()]
)
def test_naswot_is_the_log_determinant_of_the_units_that_agree(activation):
    assert naswot(identity(activation), IMAGES, LABELS) == pytest.approx(math.log(np.linalg.det(AGREE)))


def test_naswot_adds_up_every_activation_and_every_use_of_it():
    twice = nn.Sequential(identity(nn.ReLU()), nn.Linear(3, 3), nn.Tanh(), nn.Unflatten(1, (3, 1, 1)))
    again = nn.Sequential(identity(nn.ReLU()), identity(nn.ReLU()))
    once = naswot(identity(nn.ReLU()), IMAGES, LABELS)
    assert naswot(twice, IMAGES, LABELS) == pytest.approx(once), "tanh does not count"
    codes = (IMAGES.flatten(1) > 0).numpy().astype(float)
    kernel = AGREE + codes @ codes.T + (1 - codes) @ (1 - codes).T  # a rectifier after a rectifier
    assert naswot(again, IMAGES, LABELS) == pytest.approx(np.linalg.slogdet(kernel)[1])


def test_naswot_of_a_network_without_rectifiers_or_of_equal_images_is_minus_infinity():
    assert naswot(identity(nn.Tanh()), IMAGES, LABELS) == -math.inf
    assert naswot(identity(nn.ReLU()), IMAGES[:1].repeat(3, 1, 1, 1), LABELS) == -math.inf


def test_fisher_is_half_the_mean_square_of_activation_times_slope_once_for_each_weight():
    images = torch.randn(3, 2, 3, 3, generator=torch.Generator().manual_seed(0))
    conv, linear = nn.Conv2d(2, 2, 3), nn.Linear(2, 3)
    network = nn.Sequential(conv, nn.ReLU(inplace=True), nn.Flatten(), linear)
    a = conv(images)
    a.retain_grad()
    logits = linear(functional.relu(a).flatten(1))
    logits.retain_grad()
    functional.cross_entropy(logits, LABELS).backward()
    first = (a * a.grad).sum(dim=(2, 3)).square().mean(dim=0).sum() / 2 * (2 * 3 * 3)
    second = (logits * logits.grad).square().mean(dim=0).sum() / 2 * 2
    assert fisher(network, images, LABELS) == pytest.approx((first + second).item(), rel=1e-5)
