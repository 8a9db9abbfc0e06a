"""Saliencies against sums by hand, finite differences and hand-made networks."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from nasturtium.evaluate.proxies.saliency import grad_norm, grasp, snip, synflow


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture
def batch():
    return drawn(6, 2, 4, 4, seed=1), torch.tensor([0, 1, 2, 0, 1, 2])


@pytest.fixture
def network():
    """Smooth, so that a finite difference of its gradient has a meaning; in float64."""
    layers = nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1),
        nn.BatchNorm2d(3),
        nn.Tanh(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(12, 3),
    ).double()
    with torch.no_grad():
        for i, parameter in enumerate(layers.parameters()):
            parameter.copy_(drawn(*parameter.shape, seed=10 + i))
    return layers


def weights_and_gradients(network, images, labels):
    network = copy.deepcopy(network)
    functional.cross_entropy(network(images), labels).backward()
    weights = [network[0].weight, network[5].weight]
    return [w.detach() for w in weights], [w.grad for w in weights]


def test_snip_is_the_sum_of_weight_times_gradient(network, batch):
    weights, slopes = weights_and_gradients(network, *batch)
    by_hand = sum(float((w * g).abs().sum()) for w, g in zip(weights, slopes, strict=True))
    assert snip(network, *batch) == pytest.approx(by_hand, rel=1e-12)


def test_snip_is_the_slope_of_the_loss_against_a_mask(network, batch):
    """Lee et al. 2019, eq. 3: the mask of one weight at a time, by central differences."""
    total, step = 0.0, 1e-5
    for layer in (0, 5):
        weight = network[layer].weight
        flat = weight.data.view(-1)
        for i in range(0, len(flat)):
            losses = []
            for factor in (1 + step, 1 - step):
                masked = copy.deepcopy(network)
                masked[layer].weight.data.view(-1)[i] *= factor
                losses.append(float(functional.cross_entropy(masked(batch[0]), batch[1]).detach()))
            total += abs(losses[0] - losses[1]) / (2 * step)
    assert snip(network, *batch) == pytest.approx(total, rel=1e-6)


def test_grad_norm_adds_up_one_length_a_layer(network, batch):
    _, slopes = weights_and_gradients(network, *batch)
    assert grad_norm(network, *batch) == pytest.approx(sum(float(g.norm()) for g in slopes), rel=1e-12)


def test_grasp_is_the_product_of_hessian_and_gradient_by_finite_differences(network, batch):
    """-w'(Hg), H g = (g(w + t g) - g(w - t g)) / 2t, along the gradient of the weights alone."""
    weights, slopes = weights_and_gradients(network, *batch)
    length, step = sum(float((g**2).sum()) for g in slopes) ** 0.5, 1e-5
    sides = []
    for sign in (1, -1):
        moved = copy.deepcopy(network)
        for layer, slope in zip((0, 5), slopes, strict=True):
            moved[layer].weight.data += sign * step * slope / length
        sides.append(weights_and_gradients(moved, *batch)[1])
    curved = [(up - down) * length / (2 * step) for up, down in zip(*sides, strict=True)]
    by_hand = -sum(float((w * h).sum()) for w, h in zip(weights, curved, strict=True))
    assert grasp(network, *batch) == pytest.approx(by_hand, rel=1e-6)
    assert abs(by_hand) > 1e-3


def test_synflow_of_a_linear_network_is_the_sum_over_all_paths():
    """R = 1'|W2||W1|1, and each of the two layers has a flow of R (Tanaka et al. 2020, theorem 1)."""
    first, second = torch.tensor([[1.0, -2.0], [3.0, 4.0]]), torch.tensor([[5.0, -6.0]])
    network = nn.Sequential(nn.Flatten(), nn.Linear(2, 2, bias=False), nn.Linear(2, 1, bias=False))
    network[1].weight.data, network[2].weight.data = first, second
    flow = 5 * (1 + 2) + 6 * (3 + 4)
    images = torch.full((3, 2, 1, 1), 17.0)
    assert synflow(network, images, torch.zeros(3, dtype=torch.int64)) == 2 * flow


def test_synflow_of_a_convolution_counts_every_place():
    """A 1x1 convolution of weight -2 on 3x3 ones, flattened and summed: 18 in each of two layers."""
    network = nn.Sequential(
        nn.Conv2d(1, 1, 1, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(9, 1, bias=False)
    )
    network[0].weight.data.fill_(-2.0)
    network[3].weight.data.fill_(-1.0)
    assert synflow(network, torch.zeros(2, 1, 3, 3), torch.zeros(2, dtype=torch.int64)) == 36


def test_synflow_looks_at_no_image_and_at_no_norm(network, batch):
    without = nn.Sequential(network[0], nn.Identity(), *network[2:])
    assert synflow(network, *batch) == synflow(without, torch.zeros_like(batch[0]), batch[1])


def test_synflow_of_sixty_layers_is_finite_where_float32_has_no_number():
    layers = [nn.Linear(64, 64, bias=False) for _ in range(60)]
    for layer in layers:
        layer.weight.data.fill_(0.5)
    found = synflow(nn.Sequential(nn.Flatten(), *layers), torch.zeros(2, 64, 1, 1), torch.zeros(2).long())
    assert found == pytest.approx(60 * 64 * 32.0**60)
    assert found > torch.finfo(torch.float32).max


def test_weights_that_the_loss_does_not_reach_add_nothing(batch):
    class Apart(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused = nn.Linear(32, 3).double(), nn.Linear(5, 5).double()

        def forward(self, x):
            return self.used(x.flatten(1))

    network = Apart()
    alone = nn.Sequential(nn.Flatten(), copy.deepcopy(network.used))
    for proxy in (snip, grad_norm, grasp, synflow):
        assert proxy(network, *batch) == pytest.approx(proxy(alone, *batch), rel=1e-12)
