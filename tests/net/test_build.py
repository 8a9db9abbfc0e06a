import copy
import pickle
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nasturtium.errors import ShapeError, SpaceError
from nasturtium.net.build import ACTIVATIONS, build, layer_nodes
from nasturtium.seeds import rng_for
from nasturtium.space import blocks as b
from nasturtium.space import layers as ir
from nasturtium.space.space import Space
from nasturtium.space.wiring import Value, Wiring
from nasturtium.space.zoo.chain import chain
from nasturtium.space.zoo.mobilenet import mobilenet
from nasturtium.space.zoo.nasbench201 import from_string, nasbench201
from nasturtium.space.zoo.nasbench_macro import nasbench_macro
from nasturtium.space.zoo.resnet import resnet
from nasturtium.testing.spaces import spaces


def wired(write, shape=(2, 5, 5)):
    net = Wiring()
    write(net, Value(-1, shape))
    return build(ir.Network(shape, tuple(net.layers)), seed=0).eval()


@pytest.mark.parametrize("make", [chain, mobilenet, nasbench201, nasbench_macro, resnet])
def test_zoo_networks_run_forward_and_backward(make):
    space = make().bind((1, 8, 8), 3)
    model = build(space.network(space.sample(rng_for(0, "build"))), seed=0)
    assert model.training
    output = model(torch.randn(2, 1, 8, 8))
    assert output.shape == (2, 3)
    output.sum().backward()


@settings(max_examples=20, deadline=None)
@given(spaces(), st.integers(0, 2**32 - 1))
def test_drawn_networks_have_the_shapes_that_were_inferred(space, seed):
    network = space.network(space.sample(rng_for(seed, "build")))
    model = build(network).eval()
    shapes = {}

    def note(name):
        return lambda _, __, output: shapes.update({name: tuple(output.shape[1:])})

    for layer in network.layers:
        if layer.name in dict(model.named_modules()):
            model.get_submodule(layer.name).register_forward_hook(note(layer.name))
    model(torch.zeros(2, *network.input_shape))
    assert shapes == {layer.name: layer.shape for layer in network.layers if layer.name in shapes}
    assert len(shapes) == sum(type(layer.op) not in (ir.Add, ir.Multiply) for layer in network.layers)


def test_keys_of_the_state_are_names_of_layers():
    space = mobilenet()
    network = space.network(space.sample(rng_for(0, "build")))
    names = {layer.name for layer in network.layers}
    assert {key.rpartition(".")[0] for key in build(network).state_dict()} <= names


def test_weights_depend_on_the_seed_alone_and_leave_the_global_generator():
    network = chain().network(chain().unrank(0))
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = build(network, seed=3).state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    again, other = build(network, seed=3).state_dict(), build(network, seed=4).state_dict()
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not all(torch.equal(first[key], other[key]) for key in first)


def test_without_a_seed_the_global_generator_decides():
    network = chain().network(chain().unrank(0))
    with torch.random.fork_rng():
        torch.manual_seed(5)
        first = build(network).state_dict()
        torch.manual_seed(5)
        again = build(network).state_dict()
    assert all(torch.equal(first[key], again[key]) for key in first)


LOADED = """
import pickle, sys
sys.modules["nasturtium"] = None
import torch
model = pickle.load(sys.stdin.buffer)
print(float(model(torch.ones(1, 3, 8, 8)).detach().sum()))
"""


def test_a_model_runs_where_nasturtium_cannot_be_imported():
    space = nasbench201().bind((3, 8, 8), 4)
    model = build(space.network(space.sample(rng_for(0, "build"))), seed=0).eval()
    loaded = subprocess.run(
        [sys.executable, "-c", LOADED], input=pickle.dumps(model), check=True, capture_output=True
    )
    with torch.no_grad():
        expected = float(model(torch.ones(1, 3, 8, 8)).sum())
    assert float(loaded.stdout) == pytest.approx(expected, abs=1e-5)


def test_a_copy_is_independent():
    network = chain().bind((1, 8, 8), 3).network(chain().unrank(0))
    model = build(network, seed=0).eval()
    twin = copy.deepcopy(model)
    x = torch.randn(1, 1, 8, 8)
    expected = model(x)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
    assert torch.equal(model(x), expected)


X = torch.arange(50.0).reshape(1, 2, 5, 5) / 7


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_activations_are_torchs(kind):
    model = wired(lambda net, x: net.act(x, kind))
    assert torch.equal(model(X - 3), ACTIVATIONS[kind]()(X - 3))
    assert kind in ir.ACTIVATIONS


@pytest.mark.parametrize("kernel", [2, 3])
def test_an_average_leaves_padding_out(kernel):
    model = wired(lambda net, x: net.pool(x, "avg", kernel))
    assert torch.allclose(model(torch.ones(1, 2, 5, 5)), torch.tensor(1.0))


def test_sums_products_zeros_and_concatenation():
    assert torch.equal(wired(lambda net, x: net.add(x, x, x))(X), X + X + X)
    assert torch.equal(wired(lambda net, x: net.zero(x))(X), torch.zeros_like(X))
    assert torch.equal(wired(lambda net, x: net.concat(x, x))(X), torch.cat([X, X], 1))
    gated = wired(lambda net, x: net.multiply(x, net.global_pool(x)))
    assert torch.allclose(gated(X), X * X.mean((2, 3), keepdim=True))


def test_channels_are_taken_in_steps():
    assert torch.equal(wired(lambda net, x: net.take(x, 1, 2))(X), X[:, 1::2])
    model = pickle.loads(pickle.dumps(wired(lambda net, x: net.take(x, 0, 2), (6, 5, 5))))
    assert torch.equal(model(torch.cat([X, X, X], 1)), torch.cat([X, X, X], 1)[:, ::2])


def test_every_layer_has_the_nodes_that_it_became():
    space = nasbench201()
    network = space.network(space.sample(rng_for(1, "build")))
    model = build(network, seed=0)
    nodes = layer_nodes(network, model)
    assert [node for one in nodes for node in one] == list(model.graph.nodes)[1:-1]
    for layer, own in zip(network.layers, nodes, strict=True):
        assert own[0].op != "call_module" or [node.target for node in own] == [layer.name]


def test_dropout_is_there_only_while_training():
    model = wired(lambda net, x: net.dropout(x, 0.5))
    assert torch.equal(model(X), X)
    assert not torch.equal(model.train()(X), X)


def test_a_cell_of_skips_is_the_sum_of_its_routes():
    """With every edge a skip, nodes are x, 2x and 4x."""
    net = Wiring()
    space = nasbench201()
    skips = "|skip_connect~0|+|skip_connect~0|skip_connect~1|+|skip_connect~0|skip_connect~1|skip_connect~2|"
    cell = dict(space.blocks(from_string(space, skips)))["stage1.block1"]
    cell.wire(net, Value(-1, (2, 5, 5)))
    model = build(ir.Network((2, 5, 5), tuple(net.layers))).eval()
    assert torch.allclose(model(X), 4 * X)


class Wrong(b.CustomBlock):
    def build(self, shape):
        return nn.Identity() if torch.empty(0).device.type == "meta" else "no module"


def test_a_users_block_must_build_a_module():
    space = Space(Wrong(), input_shape=(1, 4, 4), outputs=2)
    with pytest.raises(ShapeError, match=r"build returned str; it must return a torch\.nn\.Module"):
        build(space.network(space.unrank(0)))


def test_a_block_named_like_a_part_of_every_module_is_refused() -> None:
    space = Space(train=b.conv(4), end=b.classifier(), input_shape=(1, 8, 8), outputs=2)
    with pytest.raises(SpaceError, match="'train'"):
        build(space.network(space.unrank(0)))
