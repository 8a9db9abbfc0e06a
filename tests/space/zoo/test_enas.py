"""The spaces of ENAS against the paper (Pham et al. 2018, arXiv:1802.03268) and melodyguan/enas."""

import math

import pytest
import torch

from nasturtium.cost.counts import Counted
from nasturtium.errors import UnknownOp
from nasturtium.net.build import build
from nasturtium.seeds import rng_for
from nasturtium.space.encode import graph
from nasturtium.space.wiring import Value, Wiring
from nasturtium.space.zoo.enas import MACRO_OPS, enas_macro, enas_micro, operate
from nasturtium.space.zoo.genotypes import genotype
from nasturtium.testing.space import SpaceConformance


class TestMacro(SpaceConformance):
    samples = 20

    def make(self):
        return enas_macro()


class TestMicro(SpaceConformance):
    samples = 20

    def make(self):
        return enas_micro()


def test_there_are_1_6e29_networks_of_12_layers():
    """6^L 2^(L (L - 1) / 2), section 2.2."""
    assert enas_macro("published").count == 6**12 * 2 ** (12 * 11 // 2)
    assert f"{enas_macro('published').count:.1e}" == "1.6e+29"


def test_there_are_5e12_cells():
    """Of the five blocks the n-th reads one of n + 1 states by one of 5 operations, twice."""
    cell = math.prod((5 * states) ** 2 for states in range(2, 7))
    assert f"{cell:.2e}" == "5.06e+12"
    assert enas_micro().count == enas_micro("published").count == cell**2


def test_the_released_cell_has_the_size_that_the_released_code_gives_it():
    """3,894,372 by src/cifar10/micro_child.py with scripts/cifar10_micro_final.sh, and our 10 biases.

    The paper's table states 4.6 M for its own cell.
    """
    space = genotype("ENAS").space()
    assert Counted(space).counts(space.unrank(0)).params == 3_894_372 + 10


def test_the_released_cell_is_a_member_of_its_space():
    space, options = enas_micro("published"), {}
    names = ("two_back", "previous", "block1", "block2", "block3", "block4")
    for cell in ("normal", "reduction"):
        for number, pair in enumerate(getattr(genotype("ENAS"), cell).pairs(), 1):
            options |= {
                f"{cell}__block{number}__left": names[pair.first],
                f"{cell}__block{number}__left_op": pair.first_op,
                f"{cell}__block{number}__right": names[pair.second],
                f"{cell}__block{number}__right_op": pair.second_op,
            }
    alone = genotype("ENAS").space()
    member = space.architecture(**options)
    assert [one.op for one in space.network(member).layers] == [
        one.op for one in alone.network(alone.unrank(0)).layers
    ]


def test_a_cell_gives_what_none_of_its_blocks_reads_the_two_given_states_among_them():
    space = enas_micro()
    blocks = [space.blocks(space.unrank(0))[0][1].normal]
    assert blocks[0].outputs() == (1, 2, 3, 4, 5, 6)  # all blocks read state 0 alone


@pytest.mark.parametrize("make", [enas_macro, enas_micro])
def test_counted_params_are_those_of_the_module(make):
    space = make()
    for i in range(4):
        architecture = space.sample(rng_for(0, "enas", i))
        model = build(space.network(architecture), seed=0)
        assert Counted(space).counts(architecture).params == sum(p.numel() for p in model.parameters())


def test_a_layer_reads_the_earlier_ones_that_are_asked_for_and_no_others():
    space = enas_macro()
    network = space.network(space.architecture(layer6__stem="yes", layer6__layer2="yes"))
    made = {layer.name: i for i, layer in enumerate(network.layers)}
    joined = network.layers[made["layers.layer6.join.add"]]
    assert [network.layers[one].name for one in joined.inputs] == [
        "layers.layer6.join.conv",
        "layers.layer6.join.from0.conv",
        "layers.layer6.join.from2.conv",
    ]
    assert sum(name.startswith("layers.halve32.") and name.endswith("norm") for name in made) == 3


def test_the_graph_of_a_network_has_its_layers_and_what_they_read():
    space = enas_macro()
    found = graph(space, space.architecture(layer3__op="max_pool_3x3", layer3__stem="yes"))
    assert found.ops[3] == "max_pool_3x3"
    assert found.edges == ((0, 1), (0, 3), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7))


def test_a_sum_of_1x1_convolutions_is_one_over_all_channels():
    """What the tower writes is what the release does: a 1x1 convolution over the concatenation."""
    x, y = (torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(i)) for i in (0, 1))
    weight = torch.randn(5, 6, 1, 1, generator=torch.Generator().manual_seed(2))
    both = torch.conv2d(torch.cat([x, y], 1), weight)
    torch.testing.assert_close(torch.conv2d(x, weight[:, :3]) + torch.conv2d(y, weight[:, 3:]), both)


def test_sides_are_halved_twice_and_channels_doubled():
    space = enas_macro()
    network = space.network(space.unrank(0))
    assert [network.layers[one.last].shape for one in network.blocks if ".layer" in one.path] == [
        *((8, 32, 32), (8, 32, 32), (16, 16, 16), (16, 16, 16), (32, 8, 8), (32, 8, 8))
    ]


def test_operations_keep_the_sides_and_are_named_when_unknown():
    for op in MACRO_OPS:
        assert operate(Wiring(), Value(-1, (4, 6, 6)), 8, op).shape == (8, 6, 6)
    with pytest.raises(UnknownOp, match="ENAS layer: no op 'conv_7x7'"):
        operate(Wiring(), Value(-1, (4, 6, 6)), 8, "conv_7x7")
