from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasturtium.errors import ShapeError
from nasturtium.run.names import SPACES, space_named
from nasturtium.seeds import rng_for
from nasturtium.space import blocks as b
from nasturtium.space import layers as ir
from nasturtium.space.choice import choice
from nasturtium.space.sharing import WITH_WEIGHTS, shared_layers
from nasturtium.space.space import Space
from nasturtium.testing.spaces import spaces

# Those of NASNet's kind take seconds each; tests/net/test_supernet.py builds them.
SLOW = ("amoebanet", "nasnet", "pnas")
NETWORKS = [n for n in SPACES if n not in SLOW and getattr(space_named(n), "input_shape", None)]


def size_of(op):
    """What has to be there for a layer; of a user's block itself."""
    if isinstance(op, ir.Conv2d):
        return (op.outputs, op.inputs // op.groups, *ir.both(op.kernel), op.bias)
    if isinstance(op, ir.Linear):
        return (op.outputs, op.inputs, op.bias)
    return (op.features,)


def assert_found(space, architectures):
    """Every layer of these networks has a bank of its kind that is large enough."""
    found = shared_layers(space)
    have = {
        place: tuple(map(max, zip(*map(size_of, ops), strict=True)))
        for place, ops in found.items()
        if place[1] is not ir.Custom
    }
    for architecture in architectures:
        for layer in space.network(architecture).layers:
            place = layer.key, type(layer.op)
            if isinstance(layer.op, ir.Custom):
                assert layer.op in found[place]
            elif isinstance(layer.op, WITH_WEIGHTS):
                assert place in have, layer
                pairs = zip(have[place], size_of(layer.op), strict=True)
                assert all(there >= needed for there, needed in pairs), (layer, have[place])


@settings(max_examples=40, deadline=None)
@given(spaces(10**6), st.integers(0, 2**32 - 1))
def test_drawn_spaces_have_all_the_weights_that_their_networks_need(space, seed):
    assert_found(space, [space.sample(rng_for(seed, "test/sharing", i)) for i in range(10)])


@pytest.mark.parametrize("name", NETWORKS)
def test_spaces_of_the_zoo_have_all_the_weights_that_random_networks_need(name):
    """Also where a block has too many combinations to write them all."""
    space = space_named(name)
    draws = [space.sample(rng_for(1, "test/sharing", i)) for i in range(12)]
    draws += [space.unrank(int(rng_for(2, "test/sharing", i).random() * space.count)) for i in range(12)]
    assert_found(space, draws)


def test_all_sizes_of_a_layer_are_found_and_none_that_cannot_be():
    space = Space(b.conv(choice(4, 8)), b.conv(6, kernel=choice(1, 3)), input_shape=(3, 6, 6), outputs=2)
    found = shared_layers(space)
    convs = found["conv2.conv", ir.Conv2d]
    assert {(op.inputs, op.kernel) for op in convs} == {(4, 1), (4, 3), (8, 1), (8, 3)}


def test_a_block_that_fits_some_inputs_only_is_found_for_those():
    space = Space(
        choice(b.max_pool(2, stride=2), b.identity()), b.conv(4, kernel=4), input_shape=(3, 4, 4), outputs=2
    )
    assert {op.kernel for op in shared_layers(space)["conv.conv", ir.Conv2d]} == {4}


@dataclass(frozen=True)
class Odd(b.Block):
    deep: bool

    def wire(self, net, x):
        y = net.conv(x, 5, name="layer")
        return net.norm(y, name="layer") if self.deep else y


def test_layers_of_two_kinds_and_one_name_are_kept_apart():
    space = Space(Odd(choice(True, False)), input_shape=(3, 4, 4), outputs=2)
    assert sorted(kind.__name__ for _, kind in shared_layers(space)) == ["BatchNorm", "Conv2d"]


def test_options_of_a_choice_of_blocks_have_keys_of_their_own():
    space = Space(choice(b.conv(4), b.conv(4, kernel=1)), input_shape=(3, 4, 4), outputs=2)
    assert len({key for key, kind in shared_layers(space) if kind is ir.Conv2d}) == 2


def test_the_same_space_gives_the_same_order():
    assert list(shared_layers(space_named("chain"))) == list(shared_layers(space_named("chain")))


def test_spaces_that_cannot_be_built_are_said():
    with pytest.raises(ShapeError, match=r"space\.bind"):
        shared_layers(Space(b.conv(4)))
    strided = [b.conv(4, kernel=4, stride=2) for _ in range(4)]
    with pytest.raises(ShapeError, match="no architecture can be built"):
        shared_layers(Space(*strided, input_shape=(3, 6, 6), outputs=2))
