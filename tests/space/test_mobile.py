import pytest

from nasturtium.errors import UnknownOp
from nasturtium.space import blocks as b
from nasturtium.space.layers import Conv2d
from nasturtium.space.mobile import divisible
from nasturtium.space.wiring import Value, Wiring


def written(block, shape=(16, 7, 7)):
    net = Wiring(outputs=10)
    return net, block.wire(net, Value(-1, shape))


def outputs(net, part):
    return [layer.op.outputs for layer in net.layers if isinstance(layer.op, Conv2d) and part in layer.name]


def test_widths_are_the_nearest_multiple_of_8_but_never_below_nine_tenths():
    assert [divisible(one) for one in (3, 12, 18, 24, 36.1, 66)] == [8, 16, 24, 24, 40, 64]


def test_a_gate_squeezes_the_inside_or_the_input():
    """MobileNetV3: a quarter of 16 x 6 in steps of 8; EfficientNet: a quarter of 16."""
    inside, _ = written(b.mb_conv(16, se=0.25))
    given, _ = written(b.mb_conv(16, se=0.25, act="silu", gate="sigmoid"))
    assert outputs(inside, "se.reduce") == [24]
    assert outputs(given, "se.reduce") == [4]


@pytest.mark.parametrize("sides", [(7, 7), (8, 8), (8, 7)])
@pytest.mark.parametrize("stride", [1, 2])
def test_a_projected_shortcut_fits_every_picture(sides, stride):
    net, end = written(b.mb_conv(24, stride=stride, shortcut="projected"), (16, *sides))
    assert end.shape == (24, *(-(-side // stride) for side in sides))
    assert net.layers[-1].name == "add"
    assert outputs(net, "shortcut") == [24]


def test_the_same_shortcut_is_there_where_shapes_agree():
    assert [written(b.mb_conv(out))[0].layers[-1].name for out in (16, 24)] == ["add", "project.norm"]


def test_an_unknown_gate_or_shortcut_is_refused():
    with pytest.raises(UnknownOp, match="no gate 'tanh'"):
        written(b.mb_conv(16, gate="tanh"))
    with pytest.raises(UnknownOp, match="no shortcut 'none'"):
        written(b.mb_conv(16, shortcut="none"))


def test_the_head_widens_after_the_mean():
    net, end = written(b.mobile_head(32, dropout=0.1))
    assert end.shape == (10,)
    assert outputs(net, "expand") == [96]
    assert [layer.shape for layer in net.layers if layer.name == "features"] == [(32,)]
