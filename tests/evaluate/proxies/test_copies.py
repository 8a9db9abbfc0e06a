"""Every proxy works on every space of the zoo, and leaves networks and torch as they were."""

import math

import pytest
import torch
from torch import nn

from nasturtium.net.build import build
from nasturtium.run.names import PROXIES, SPACES, resolve, space_named
from nasturtium.seeds import rng_for

SHAPE = (3, 16, 16)


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def batch(size=4):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(size, *SHAPE, generator=generator), torch.arange(size)


# Of the layers of attentive and of resnet; and one that reads words.
OTHERS = ("bignas", "ofa_resnet", "hat", "hat_decoder")


@pytest.mark.parametrize("space", [name for name in SPACES if name not in OTHERS])
def test_every_proxy_gives_a_number_for_every_space(space):
    bound = space_named(space).bind(SHAPE, 10)
    model = build(bound.network(bound.sample(rng_for(0, "test/copies"))), seed=0)
    rectified = any(isinstance(m, nn.ReLU | nn.ReLU6 | nn.Hardswish | nn.SiLU) for m in model.modules())
    for name in PROXIES:
        if name == "zen" and space not in ("mobilenet", "resnet", "nasbench201"):
            continue  # slow, and of the same layers
        found = resolve("proxy", name)(model, *batch())
        assert type(found) is float
        assert math.isfinite(found) or (name == "naswot" and not rectified), name


@pytest.mark.parametrize("name", PROXIES)
def test_a_proxy_leaves_everything_as_it_was(name):
    space = space_named("mobilenet").bind(SHAPE, 10)
    model = build(space.network(space.sample(rng_for(1, "test/copies"))), seed=0)
    first = next(model.parameters()).requires_grad_(False)
    first.grad = torch.ones_like(first)
    model.eval()
    images, labels = batch()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    random, pixels = torch.get_rng_state(), images.clone()
    proxy = resolve("proxy", name)
    with torch.no_grad():
        once = proxy(model, images, labels)
        assert not torch.is_grad_enabled()
    assert proxy(model, images, labels) == pytest.approx(once, rel=1e-5), "it depends on what was before"
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert not any(module.training for module in model.modules())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert [p.grad is None for p in model.parameters()] == [p is not first for p in model.parameters()]
    assert not first.requires_grad
    assert torch.equal(random, torch.get_rng_state())
    assert torch.equal(pixels, images)
    assert images.grad is None


@pytest.mark.parametrize("name", PROXIES)
def test_dropout_is_off(name):
    def network(dropout):
        layers = nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.ReLU(), dropout, nn.Linear(8, 3))
        for i, parameter in enumerate(layers.parameters()):
            parameter.data = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(i))
        return layers

    images, labels = batch(3)
    images = images[:, :, :2, :2]
    proxy = resolve("proxy", name)
    assert proxy(network(nn.Dropout(0.5)), images, labels) == proxy(network(nn.Identity()), images, labels)
