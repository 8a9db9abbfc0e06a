"""Operations of cells have the shapes, sizes and windows that their names say."""

import pytest
import torch

from nasturtium.cost.counts import counts
from nasturtium.errors import UnknownOp
from nasturtium.net.build import build
from nasturtium.space.layers import Network
from nasturtium.space.wiring import Value, Wiring
from nasturtium.space.zoo.operations import OPERATIONS, factorised_reduction, operate


def written(op, channels=8, filters=8, stride=1, side=9, style="nasnet"):
    net = Wiring()
    operate(net, Value(-1, (channels, side, side)), op, filters, stride=stride, style=style)
    return Network((channels, side, side), tuple(net.layers))


@pytest.mark.parametrize("op", [op for op in OPERATIONS if op != "max_pool_2x2"])
@pytest.mark.parametrize(("channels", "side"), [(8, 9), (8, 8), (12, 7)])
def test_every_operation_gives_the_filters_asked_for_and_halves_odd_sides_too(op, channels, side):
    for stride in (1, 2):
        net = Wiring()
        y = operate(net, Value(-1, (channels, side, side)), op, 8, stride=stride, style="nasnet")
        assert y.shape == (8, -(-side // stride), -(-side // stride))


@pytest.mark.parametrize("op", OPERATIONS)
def test_counted_params_are_those_of_the_module(op):
    network = written(op, channels=12, filters=8, stride=2, side=8)
    model = build(network, seed=0)
    assert counts(network).params == sum(p.numel() for p in model.parameters())
    assert tuple(model(torch.zeros(2, 12, 8, 8)).shape) == (2, 8, 4, 4)


def test_a_separable_convolution_is_applied_twice():
    """k^2 C + C^2 weights and 2 C of the norm, twice (Zoph et al. 2018, section 4)."""
    assert counts(written("sep_conv_5x5")).params == 2 * (25 * 8 + 64 + 16)
    assert counts(written("dil_conv_5x5")).params == 25 * 8 + 64 + 16


def test_a_skip_is_free_and_halves_by_style():
    assert not written("skip_connect").layers
    assert counts(written("skip_connect", stride=2)).params == 64 + 16
    factorised = written("skip_connect", stride=2, style="darts")
    assert counts(factorised).params == 64 + 16
    assert [type(layer.op).__name__ for layer in factorised.layers].count("Conv2d") == 2


def test_a_factorised_reduction_reads_every_second_cell_of_two_grids():
    net = Wiring()
    factorised_reduction(net, Value(-1, (1, 4, 4)), 2)
    model = build(Network((1, 4, 4), tuple(net.layers)), seed=0).eval()
    for weight in (p for name, p in model.named_parameters() if "conv" in name):
        weight.data.fill_(1)
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    with torch.no_grad():
        y = model(x) * (1 + 1e-5) ** 0.5
    assert torch.allclose(y[0, 0], torch.tensor([[0.0, 2], [8, 10]]))
    assert torch.allclose(y[0, 1], torch.tensor([[5.0, 7], [13, 15]]))


def test_an_unknown_operation_is_named_with_those_that_are():
    with pytest.raises(UnknownOp, match="no op 'conv_9x9'; this space has skip_connect, avg_pool_3x3"):
        written("conv_9x9")
