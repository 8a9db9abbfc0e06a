import pytest

from nasturtium.cost.counts import counts
from nasturtium.report.blockgraph import Edge, Step, read
from nasturtium.run.names import SPACES, space_named
from nasturtium.seeds import rng_for
from nasturtium.space.layers import Attention, BlockSpan, Linear, Network
from nasturtium.space.wiring import Value, Wiring

IMAGE = Value(-1, (16, 8, 8))


def network_of(wiring: Wiring, *spans: BlockSpan) -> Network:
    whole = BlockSpan("block", "block", 0, len(wiring.layers) - 1)
    return Network(IMAGE.shape, tuple(wiring.layers), spans or (whole,))


def conv(wiring: Wiring, x: Value, kernel: int = 3) -> Value:
    return wiring.act(wiring.norm(wiring.conv(x, x.channels, kernel)))


@pytest.mark.parametrize("name", [*SPACES, "nasbench201/published", "mobilenet/published"])
@pytest.mark.parametrize("seed", range(3))
def test_params_of_the_blocks_sum_to_those_of_the_network(name: str, seed: int) -> None:
    space = space_named(name)
    network = space.network(space.sample(rng_for(seed, "tests/blockgraph")))
    blocks = read(network)
    assert sum(block.params * block.times for block in blocks) == counts(network).params
    assert sum(block.times for block in blocks) == len(network.blocks)
    assert blocks[-1].shape == network.layers[-1].shape


def test_convolution_normalisation_and_activation_are_one_step() -> None:
    wiring = Wiring()
    conv(wiring, conv(wiring, IMAGE), kernel=1)
    (block,) = read(network_of(wiring))
    steps = (Step("3\N{MULTIPLICATION SIGN}3", "conv"), Step("1\N{MULTIPLICATION SIGN}1", "pointwise"))
    assert block.edges == (Edge(0, 1, steps),)


def test_residual_is_an_edge_without_steps_into_a_sum() -> None:
    wiring = Wiring()
    wiring.act(wiring.add(conv(wiring, IMAGE), IMAGE))
    (block,) = read(network_of(wiring))
    assert block.signs == ("", "+")
    assert sorted(len(edge.steps) for edge in block.edges) == [0, 1]


def test_squeeze_excite_is_one_step() -> None:
    wiring = Wiring()
    x = conv(wiring, IMAGE)
    gate = wiring.conv(wiring.act(wiring.conv(wiring.global_pool(x), 4)), 16)
    wiring.multiply(x, wiring.act(gate, "sigmoid"))
    (block,) = read(network_of(wiring))
    assert [step.text for edge in block.edges for step in edge.steps].count("squeeze-excite") == 1
    assert block.signs[-1] == "\N{MULTIPLICATION SIGN}"


def test_cell_keeps_its_nodes_and_edges_and_drops_zeros() -> None:
    wiring = Wiring()
    first = wiring.add(conv(wiring, IMAGE), wiring.zero(IMAGE))
    second = wiring.add(conv(wiring, IMAGE), conv(wiring, first))
    wiring.add(IMAGE, first, conv(wiring, second))
    (block,) = read(network_of(wiring))
    assert len(block.signs) == 4
    assert sorted((edge.start, edge.end, len(edge.steps)) for edge in block.edges) == [
        (0, 1, 1),
        (0, 2, 1),
        (0, 3, 0),
        (1, 2, 1),
        (1, 3, 0),
        (2, 3, 1),
    ]


def test_equal_blocks_in_a_row_are_one_with_their_number() -> None:
    wiring = Wiring()
    x, spans = IMAGE, []
    for number in range(100):
        first = len(wiring.layers)
        x = wiring.add(conv(wiring, x), x)
        spans.append(BlockSpan(f"block{number}", "residual", first, len(wiring.layers) - 1))
    (block,) = read(network_of(wiring, *spans))
    assert block.times == 100
    assert block.path == "block0"


def test_jump_over_blocks_is_kept_and_its_ends_stay_alone() -> None:
    wiring = Wiring()
    x, outputs, spans = IMAGE, [], []
    for number in range(4):
        first = len(wiring.layers)
        x = conv(wiring, x)
        outputs.append(x)
        spans.append(BlockSpan(f"block{number}", "conv", first, len(wiring.layers) - 1))
    wiring.add(x, outputs[0])
    spans.append(BlockSpan("sum", "sum", len(wiring.layers) - 1, len(wiring.layers) - 1))
    blocks = read(network_of(wiring, *spans))
    assert [block.times for block in blocks] == [1, 3, 1]
    assert blocks[-1].sources == (0,)


def test_layers_of_no_block_are_shown_all_the_same() -> None:
    wiring = Wiring()
    conv(wiring, IMAGE)
    wiring.linear(wiring.flatten(wiring.global_pool(Value(2, IMAGE.shape))), 10)
    network = Network(IMAGE.shape, tuple(wiring.layers), (BlockSpan("stem", "stem", 0, 2),))
    assert [block.label for block in read(network)] == ["stem", "global mean, linear 10"]
    assert sum(block.params for block in read(Network(IMAGE.shape, network.layers))) == counts(network).params


@pytest.mark.parametrize("name", ["vit", "hat", "hat_decoder"])
def test_every_attention_is_a_step_that_its_linear_layers_are_part_of(name: str) -> None:
    space = space_named(name)
    network = space.network(space.unrank(space.count - 1))
    blocks = read(network)
    steps = [
        s.text for block in blocks for _ in range(block.times) for edge in block.edges for s in edge.steps
    ]
    named = [text for text in steps if text.startswith("attention, ")]
    assert len(named) == sum(isinstance(layer.op, Attention) for layer in network.layers)
    assert sum(text.startswith("linear") for text in steps) == sum(
        isinstance(layer.op, Linear) for layer in network.layers
    ) - 4 * len(named)
