import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from nasturtium.errors import ShapeError, UnknownOp
from nasturtium.space.layers import BlockSpan
from nasturtium.space.wiring import Value, Wiring

IMAGE = Value(-1, (8, 6, 6))
VECTOR = Value(-1, (8,))

BAD = {
    "stem.conv: 3 groups must divide 8 input, 6 output channels": lambda net: net.conv(IMAGE, 6, groups=3),
    "stem.conv: 0 channels; it must be a whole number": lambda net: net.conv(IMAGE, 0),
    "stem.conv: 2.5 channels; it must be": lambda net: net.conv(IMAGE, 2.5),
    "stem.conv: 'wide' channels; it must be": lambda net: net.conv(IMAGE, "wide"),
    "stem.conv: kernel 3.5 and stride 1 must be whole numbers": lambda net: net.conv(IMAGE, 8, 3.5),
    "stem.conv: kernel 3 and stride 0 must be whole numbers": lambda net: net.conv(IMAGE, 8, 3, stride=0),
    "stem: a convolution reads [channels, height, width], not [8]": lambda net: net.conv(VECTOR, 8),
    "stem.pool: a window of 2x2 does not fit 1x1": lambda net: net.pool(Value(-1, (8, 1, 1)), "max", 2),
    "stem.pool: no pooling 'sum'; there are max and avg": lambda net: net.pool(IMAGE, "sum", 2),
    "stem: global pooling reads": lambda net: net.global_pool(VECTOR),
    "stem.act: no activation 'swish'; there are relu": lambda net: net.act(IMAGE, "swish"),
    "stem.linear: a linear layer reads [features] or [tokens, features]": lambda net: net.linear(IMAGE, 4),
    "stem.add: values of shapes [8, 6, 6], [8] cannot be added": lambda net: net.add(IMAGE, VECTOR),
    "stem.take: no channels from 8 on in steps of 2; there are 8": lambda net: net.take(IMAGE, 8, 2),
    "stem.take: no channels from 0 on in steps of 0; there are 8": lambda net: net.take(IMAGE, 0, 0),
    "stem.concat: values of shapes [8, 6, 6], [8, 3, 3] cannot stand": lambda net: net.concat(
        IMAGE, Value(-1, (8, 3, 3))
    ),
    "stem.scale: a gate of [8, 3, 3] does not fit [8, 6, 6]": lambda net: net.multiply(
        IMAGE, Value(-1, (8, 3, 3))
    ),
}


@pytest.mark.parametrize("message", BAD)
def test_what_does_not_fit_is_named_with_its_layer(message):
    net = Wiring()
    with net.scope("stem"), pytest.raises((ShapeError, UnknownOp)) as refused:
        BAD[message](net)
    assert message in str(refused.value)
    assert not net.layers


@given(st.integers(1, 9), st.integers(1, 7), st.integers(1, 4))
def test_windows_have_torchs_output_sides(side, kernel, stride):
    image = Value(-1, (1, side, side))
    if side + 2 * ((kernel - 1) // 2) < kernel:
        with pytest.raises(ShapeError, match="does not fit"):
            Wiring().conv(image, 1, kernel, stride=stride)
        return
    import torch

    reference = nn.Conv2d(1, 1, kernel, stride, padding=(kernel - 1) // 2)
    with torch.no_grad():
        expected = reference(torch.zeros(1, 1, side, side)).shape[1:]
    assert Wiring().conv(image, 1, kernel, stride=stride).shape == tuple(expected)


@pytest.mark.parametrize("kernel", [3, (1, 7), (7, 1), (3, 1)])
@pytest.mark.parametrize("stride", [1, 2, (1, 2), (2, 1)])
@pytest.mark.parametrize("dilation", [1, 2])
def test_flat_windows_and_those_with_holes_have_torchs_output_sides(kernel, stride, dilation):
    import torch

    net = Wiring()
    made = net.conv(IMAGE, 1, kernel, stride=stride, dilation=dilation)
    op = net.layers[0].op
    reference = nn.Conv2d(8, 1, kernel, stride, padding=op.padding, dilation=dilation)
    with torch.no_grad():
        assert made.shape == tuple(reference(torch.zeros(1, 8, 6, 6)).shape[1:])
    if stride == 1:
        assert made.shape[1:] == IMAGE.shape[1:]


def test_edges_are_added_and_taken_away():
    net = Wiring()
    assert net.pad(IMAGE, rows=(-1, 1), columns=(2, 0)).shape == (8, 6, 8)
    assert net.pad(IMAGE, channels=-3).shape == (5, 6, 6)
    with pytest.raises(ShapeError, match=r"nothing is left of \[8, 6, 6\]"):
        net.pad(IMAGE, rows=(-3, -3))


@pytest.mark.parametrize(("first", "step", "left"), [(0, 2, 4), (1, 2, 4), (0, 3, 3), (7, 1, 1), (2, 4, 2)])
def test_every_so_many_channels_are_taken(first, step, left):
    assert Wiring().take(IMAGE, first, step).shape == (left, 6, 6)


def test_a_part_is_shown_as_a_block_of_its_own():
    net = Wiring()
    with net.scope("tower"), net.part("cell1", "cell"):
        net.act(net.norm(IMAGE))
    with net.part("empty", "nothing"):
        pass
    assert net.blocks == [BlockSpan("tower.cell1", "cell", 0, 1)]


def test_names_are_dotted_scopes_and_differ():
    net = Wiring()
    with net.scope("stage1"):
        with net.scope("block1"):
            x = net.conv(IMAGE, 8)
        x = net.conv(net.conv(x, 8), 8)
    net.conv(x, 8)
    assert [layer.name for layer in net.layers] == [
        "stage1.block1.conv",
        "stage1.conv",
        "stage1.conv2",
        "conv",
    ]


def test_nothing_is_written_for_what_does_nothing():
    net = Wiring()
    assert net.act(IMAGE, "none") == net.dropout(IMAGE, 0) == net.add(IMAGE) == net.concat(IMAGE) == IMAGE
    assert not net.layers


def test_whole_floats_are_taken_as_integers():
    assert Wiring().conv(IMAGE, 16.0).shape == (16, 6, 6)
