"""Counted costs, against the built module: its parameters, torch's FLOP counter, what its graph writes."""

from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import fx, nn
from torch.utils.flop_counter import FlopCounterMode

from nasturtium.cost.counts import Counted, Counts, counts
from nasturtium.errors import ShapeError, UnknownName
from nasturtium.net.build import build
from nasturtium.seeds import rng_for
from nasturtium.space import blocks as b
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.space.wiring import Wiring
from nasturtium.space.zoo.chain import chain
from nasturtium.space.zoo.mobilenet import mobilenet, mobilenet_v2
from nasturtium.space.zoo.nasbench201 import nasbench201
from nasturtium.space.zoo.nasbench_macro import nasbench_macro
from nasturtium.space.zoo.resnet import resnet, resnet_cifar
from nasturtium.testing.spaces import spaces


class Written(fx.Interpreter):
    """Runs a graph and adds up the bytes of every node's output."""

    written = 0

    def run_node(self, node):
        value = super().run_node(node)
        if node.op in ("call_module", "call_function"):
            self.written += value.numel() * 4
        return value


def of_module(network):
    """The three counts as torch finds them, on tensors without data."""
    with torch.device("meta"):
        model = build(network).eval()
        x = torch.empty(1, *network.input_shape)
    run = Written(model)
    with FlopCounterMode(display=False) as flops, torch.no_grad():
        run.run(x)
    params = sum(parameter.numel() for parameter in model.parameters())
    return Counts(params, flops.get_total_flops() // 2, run.written)


@pytest.mark.parametrize("size", ["small", "published"])
@pytest.mark.parametrize("make", [chain, mobilenet, nasbench201, nasbench_macro, resnet])
def test_counts_of_zoo_architectures_are_those_of_the_module(make, size):
    space = make(size)
    counted = Counted(space)
    for i in range(3 if size == "published" else 6):
        architecture = space.sample(rng_for(0, "counts", i))
        network = space.network(architecture)
        assert counted.counts(architecture) == counts(network) == of_module(network)


@pytest.mark.parametrize("make", [mobilenet_v2, resnet_cifar, lambda: mobilenet_v2(0.5, small_images=True)])
def test_counts_of_published_networks_are_those_of_the_module(make):
    space = make()
    assert Counted(space).counts(space.unrank(0)) == of_module(space.network(space.unrank(0)))


@settings(max_examples=30, deadline=None)
@given(spaces(), st.integers(0, 2**32 - 1))
def test_counts_of_drawn_architectures_are_those_of_the_module(space, seed):
    architecture = space.sample(rng_for(seed, "counts"))
    network = space.network(architecture)
    assert Counted(space).counts(architecture) == counts(network) == of_module(network)


@settings(max_examples=30, deadline=None)
@given(spaces(), st.integers(0, 2**32 - 1))
def test_what_was_counted_before_changes_nothing(space, seed):
    warm = Counted(space)
    for i in range(5):
        architecture = space.sample(rng_for(seed, "counts", i))
        assert warm.counts(architecture) == Counted(space).counts(architecture)


@dataclass(frozen=True)
class Swish(b.CustomBlock):
    out: int = 8

    def build(self, shape):
        return nn.Sequential(nn.Conv2d(shape[0], self.out, 3, padding=1), nn.SiLU(), nn.Flatten())


@dataclass(frozen=True)
class Fire(b.Block):
    squeeze: int
    out: int

    def wire(self, net, x):
        x = net.act(net.conv(x, self.squeeze, name="squeeze"))
        return net.act(net.concat(net.conv(x, self.out), net.conv(x, self.out, 3)))


def test_a_users_own_module_is_counted_as_one_layer():
    space = Space(Swish(choice(4, 8)), input_shape=(3, 5, 5), outputs=8)
    found = Counted(space).counts(space.unrank(1))
    assert found == Counts(params=3 * 8 * 9 + 8, macs=3 * 8 * 9 * 25, activation_bytes=4 * 200)
    assert found.params == sum(p.numel() for p in build(space.network(space.unrank(1))).parameters())


def test_a_users_own_block_is_counted_like_any():
    space = Space(Fire(choice(2, 3), choice(4, 5)), b.classifier(), input_shape=(3, 5, 5), outputs=8)
    for architecture in space:
        assert Counted(space).counts(architecture) == of_module(space.network(architecture))


def test_an_architecture_without_layers_costs_nothing():
    space = Space(b.identity(), input_shape=(3, 5, 5))
    assert Counted(space).counts(space.unrank(0)) == Counts(0, 0, 0)


def test_the_cost_model_gives_the_names_asked_for():
    space = mobilenet()
    counted = Counted(space)
    architecture = space.unrank(0)
    assert counted.names == {"params", "macs", "activation_bytes"}
    found = counted(architecture, ["macs", "params"])
    assert found == {"macs": counted.counts(architecture).macs, "params": counted.counts(architecture).params}
    assert all(isinstance(value, float) for value in found.values())
    with pytest.raises(UnknownName, match="unknown counted cost 'latency_ms'"):
        counted(architecture, ["latency_ms"])


def test_an_unbound_space_cannot_be_counted():
    with pytest.raises(ShapeError, match="does not know its input"):
        Counted(Space(b.conv(8)))


def test_a_misfit_names_its_layer():
    @dataclass(frozen=True)
    class Grouped(b.Block):
        groups: int

        def wire(self, net: Wiring, x):
            return net.conv(x, 8, 3, groups=self.groups, name="grouped")

    space = Space(Grouped(5), input_shape=(8, 5, 5), outputs=8)
    with pytest.raises(ShapeError, match="grouped: 5 groups must divide 8 input"):
        Counted(space).counts(space.unrank(0))
