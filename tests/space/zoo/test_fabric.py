"""Fabrics against the paper (Saxena and Verbeek 2016, arXiv:1606.02492)."""

import pytest
import torch
from torch.nn import functional

from nasturtium.architecture import Architecture
from nasturtium.cost.counts import Counted
from nasturtium.net.build import build
from nasturtium.seeds import rng_for
from nasturtium.space.layers import BatchNorm, Conv2d
from nasturtium.space.zoo.fabric import Interleave, fabric, fabric_sparse
from nasturtium.testing.space import SpaceConformance


class TestDense(SpaceConformance):
    samples = 20

    def make(self):
        return fabric()


class TestSparse(SpaceConformance):
    samples = 20

    def make(self):
        return fabric_sparse()


def full(space):
    return Architecture(space.fingerprint, (1,) * len(space.decisions))


def without(space, *paths):
    paths_of = [decision.path for decision in space.decisions]
    assert set(paths) <= set(paths_of)
    return Architecture(space.fingerprint, tuple(int(path not in paths) for path in paths_of))


@pytest.mark.parametrize(("make", "layers", "scales"), [(fabric, 8, 6), (fabric_sparse, 16, 6)])
def test_every_edge_of_the_trellis_is_a_decision(make, layers, scales):
    """Three into each node but at the borders, between layers and down within the last (figure 1)."""
    space = make("published")
    assert len(space.decisions) == (3 * scales - 2) * (layers - 1) + scales - 1
    assert space.count == 2 ** len(space.decisions)


@pytest.mark.parametrize(
    ("layers", "channels", "fan", "printed"),
    [(8, 64, 64, 5.3e6), (8, 128, 128, 21.2e6), (16, 32, 3, 249e3)],
)
def test_the_printed_parameters_are_three_edges_into_every_node(layers, channels, fan, printed):
    """27 L S C^2 dense and 81 L S C sparse, at 6 scales; table 2's figures as recalled, not re-read."""
    assert 27 * layers * 6 * channels * fan == pytest.approx(printed, rel=0.005)


@pytest.mark.parametrize(
    ("make", "layers", "channels", "fan"), [(fabric, 8, 128, 128), (fabric_sparse, 16, 64, 3)]
)
def test_parameters_are_those_of_the_edges_that_exist(make, layers, channels, fan):
    space, scales = make("published"), 6
    edges = (3 * scales - 2) * (layers - 1) + 2 * (scales - 1)
    assert edges <= 3 * layers * scales
    stem, norms, head = 27 * channels, 2 * channels * layers * scales, 11 * channels - channels + 10
    wanted = 9 * channels * fan * edges + stem + norms + head
    assert Counted(space).counts(full(space)).params == wanted


def test_all_nodes_are_normalised_after_their_sum():
    space = fabric()
    layers = space.network(full(space)).layers
    assert sum(isinstance(layer.op, BatchNorm) for layer in layers) == 4 * 4
    assert sum(isinstance(layer.op, Conv2d) for layer in layers) == 1 + 3 + 33


def test_interleaving_and_convolving_is_a_transposed_convolution():
    """Zeros between the cells, not their copies: the adjoint of the convolution of stride 2."""
    generator = torch.Generator().manual_seed(0)
    x, kernel = (torch.randn(*shape, generator=generator) for shape in ((2, 3, 5, 4), (7, 3, 3, 3)))
    up = Interleave().build((3, 5, 4))(x)
    assert up.shape == (2, 3, 10, 8)
    torch.testing.assert_close(up[:, :, ::2, ::2], x)
    assert up.count_nonzero() == x.count_nonzero()
    wanted = functional.conv_transpose2d(
        x, kernel.flip(2, 3).transpose(0, 1), stride=2, padding=1, output_padding=1
    )
    torch.testing.assert_close(functional.conv2d(up, kernel, padding=1), wanted, rtol=1e-4, atol=1e-5)


def test_a_channel_of_the_sparse_fabric_reads_its_two_neighbours_in_the_ring():
    space = fabric_sparse().bind((1, 8, 8), 10)
    kept = ("layer2.scale1.from1", "layer3.scale2.from1", "layer4.scale3.from2", "layer4.scale4.beside3")
    gone = [decision.path for decision in space.decisions if decision.path not in kept]
    model = build(space.network(without(space, *gone)), seed=0).double().eval()
    node = dict(model.named_modules())["fabric.layer2.scale1.norm"]
    caught = []
    node.register_forward_hook(lambda _, inputs, output: caught.append(inputs[0]))
    first = dict(model.named_modules())["fabric.layer1.scale1.norm"]
    values = torch.rand(1, 8, 8, 8, dtype=torch.float64, requires_grad=True)
    first.register_forward_hook(lambda *_: values)
    model(torch.zeros(1, 1, 8, 8, dtype=torch.float64))
    for channel in range(8):
        (slope,) = torch.autograd.grad(caught[0][0, channel].sum(), values, retain_graph=True)
        reads = slope.abs().sum(dim=(0, 2, 3)).nonzero().flatten().tolist()
        assert set(reads) == {channel, (channel - 1) % 8, (channel + 1) % 8}


def test_a_chain_network_is_a_path_of_the_fabric():
    space = fabric().bind((1, 8, 8), 10)
    kept = ("layer2.scale2.from1", "layer3.scale3.from2", "layer4.scale4.from3")
    gone = [decision.path for decision in space.decisions if decision.path not in kept]
    chain = without(space, *gone)
    convs = [layer for layer in space.network(chain).layers if isinstance(layer.op, Conv2d)]
    assert [conv.op.stride for conv in convs] == [1, 2, 2, 2]


def test_edges_that_lead_nowhere_change_nothing():
    space = fabric().bind((1, 8, 8), 10)
    # Without these two nobody reads layer 3 at the finest scale.
    cut = ("layer4.scale1.from1", "layer4.scale2.from1")
    less = without(space, *cut)
    least = without(space, *cut, "layer3.scale1.from1", "layer3.scale1.from2")
    assert space.canonical(less) == space.canonical(least)
    assert space.network(less).layers == space.network(least).layers
    assert space.canonical(less) != space.canonical(full(space))


def test_a_fabric_without_any_way_through_gives_zeros():
    space = fabric().bind((1, 8, 8), 10)
    none = Architecture(space.fingerprint, (0,) * len(space.decisions))
    model = build(space.network(none), seed=0).eval()
    outputs = model(torch.rand(2, 1, 8, 8))
    assert torch.equal(outputs[0], outputs[1])


@pytest.mark.parametrize("sides", [(32, 32), (28, 28), (7, 5)])
def test_sides_that_are_odd_fit_on_the_way_up(sides):
    space = fabric().bind((1, *sides), 10)
    model = build(space.network(space.sample(rng_for(0, "odd"))), seed=0).eval()
    assert model(torch.rand(2, 1, *sides)).shape == (2, 10)
