"""Blocks of the toolkit and of a user: what they write, what they are called, and what is refused."""

from dataclasses import dataclass

import pytest
import torch
from torch import nn

from nasturtium.errors import ShapeError, SpaceError, UnknownOp
from nasturtium.net.build import build
from nasturtium.space import blocks as b
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.space.wiring import Value, Wiring


def ops(block, shape=(8, 6, 6)):
    net = Wiring(outputs=10)
    end = block.wire(net, Value(-1, shape))
    return [type(layer.op).__name__ for layer in net.layers], end.shape


CONV = ["Conv2d", "BatchNorm", "Activation"]
WRITTEN = [
    (b.identity(), [], (8, 6, 6)),
    (b.conv(16, stride=2), CONV, (16, 3, 3)),
    (b.conv(16, norm=False, act="none"), ["Conv2d"], (16, 6, 6)),
    (b.separable(16), CONV * 2, (16, 6, 6)),
    (b.se(), ["GlobalPool", "Conv2d", "Activation", "Conv2d", "Activation", "Multiply"], (8, 6, 6)),
    (b.inverted_residual(8), [*CONV, *CONV, "Conv2d", "BatchNorm", "Add"], (8, 6, 6)),
    (b.inverted_residual(16, expand=1), [*CONV, "Conv2d", "BatchNorm"], (16, 6, 6)),
    (b.basic_block(8), [*CONV, "Conv2d", "BatchNorm", "Add", "Activation"], (8, 6, 6)),
    (
        b.bottleneck(16, stride=2),
        [*CONV, *CONV, *["Conv2d", "BatchNorm"] * 2, "Add", "Activation"],
        (16, 3, 3),
    ),
    (b.max_pool(2, stride=2), ["Pool"], (8, 3, 3)),
    (b.avg_pool(3), ["Pool"], (8, 6, 6)),
    (b.resize(4), ["Resize"], (8, 4, 4)),
    (b.resize(6, "bicubic"), [], (8, 6, 6)),
    (b.classifier(dropout=0.1), ["GlobalPool", "Flatten", "Dropout", "Linear"], (10,)),
    (b.sequence(b.conv(4), b.max_pool()), [*CONV, "Pool"], (4, 6, 6)),
]


@pytest.mark.parametrize(
    ("block", "expected", "shape"), WRITTEN, ids=lambda value: getattr(value, "label", "")
)
def test_blocks_write_their_layers(block, expected, shape):
    assert ops(block) == (expected, shape)


def test_resizing_keeps_the_proportions():
    assert ops(b.resize(9), (3, 6, 8)) == (["Resize"], (3, 9, 12))
    with pytest.raises(UnknownOp, match="no interpolation 'nearest'; there are bilinear and bicubic"):
        ops(b.resize(9, "nearest"))


def test_labels_say_what_a_reader_needs():
    assert b.conv(16, kernel=5, stride=2).label == "conv 5x5 -> 16, stride 2"
    assert b.inverted_residual(24, expand=4, se=0.25).label == "inverted residual 3x3 x4 -> 24, se"
    assert b.max_pool(2, stride=2).label == "max_pool kernel=2 stride=2"


def test_options_are_called_as_shortly_as_they_differ():
    def labels(*options):
        return Space(choice(*options), b.classifier()).decisions[0].labels

    assert labels(b.conv(8), b.se()) == ("conv", "se")
    assert labels(b.conv(8), b.conv(16)) == ("conv_3x3_->_8", "conv_3x3_->_16")
    assert labels(b.conv(8, groups=2), b.conv(8)) == ("conv_3x3_->_8#0", "conv_3x3_->_8#1")
    assert labels(b.conv(choice(8, 16), kernel=3), b.conv(choice(8, 16), kernel=5))[1].startswith(
        "conv_kernel:5"
    )


@dataclass(frozen=True)
class Fire(b.Block):
    """Iandola et al. 2016, SqueezeNet (arXiv:1602.07360), fig. 2."""

    squeeze: int
    out: int

    def wire(self, net, x):
        x = net.act(net.conv(x, self.squeeze, name="squeeze"))
        return net.act(net.concat(net.conv(x, self.out), net.conv(x, self.out, 3)))


@dataclass(frozen=True)
class Around(b.Block):
    """A block around another: a field may hold a block, a repeat or a choice of blocks."""

    inner: b.Block

    def wire(self, net, x):
        with net.scope("inner"):
            return net.add(x, self.inner.wire(net, x))


@dataclass(frozen=True)
class Mixer(b.CustomBlock):
    hidden: int

    def build(self, shape):
        return nn.Sequential(
            nn.Conv2d(shape[0], self.hidden, 1), nn.Tanh(), nn.Conv2d(self.hidden, shape[0], 1)
        )


def test_a_users_block_takes_part_like_any_other():
    fire = Fire(squeeze=choice(2, 4), out=choice(4, 8))
    space = Space(b.repeat(fire, choice(1, 2)), b.classifier(), input_shape=(3, 8, 8), outputs=4)
    space.check()
    assert space.count == 4 + 16
    assert [decision.path for decision in space.decisions][1:3] == [
        "stage1.block1.squeeze",
        "stage1.block1.out",
    ]
    model = build(space.network(space.unrank(19)), seed=0).eval()
    assert model(torch.zeros(1, 3, 8, 8)).shape == (1, 4)
    assert "stage1.block2.conv2.weight" in model.state_dict()


def test_a_block_may_hold_blocks_with_choices():
    inner = b.repeat(choice(b.conv(3, kernel=choice(3, 5)), b.identity()), choice(1, 2))
    space = Space(Around(inner), b.classifier(), input_shape=(3, 8, 8), outputs=4)
    space.check()
    assert space.count == 3 + 9
    assert "around.inner.block1.conv.kernel" in [decision.path for decision in space.decisions]


def test_a_users_module_is_checked_built_and_run():
    space = Space(b.conv(6), Mixer(choice(2, 4)), b.classifier(), input_shape=(3, 8, 8), outputs=4)
    space.check()
    network = space.network(space.unrank(1))
    assert [layer.shape for layer in network.layers if layer.name == "mixer.module"] == [(6, 8, 8)]
    assert build(network)(torch.zeros(2, 3, 8, 8)).shape == (2, 4)
    assert space.canonical(space.unrank(0)) != space.canonical(space.unrank(1))


def test_a_module_that_cannot_run_is_named():
    @dataclass(frozen=True)
    class Flat(b.CustomBlock):
        def build(self, shape):
            return nn.Linear(7, 3)

    space = Space(Flat(), input_shape=(3, 8, 8), outputs=4)
    with pytest.raises(ShapeError, match=r"flat: its module cannot run on an input of \[3, 8, 8\]"):
        space.network(space.unrank(0))


def test_a_module_that_returns_something_else_is_named():
    @dataclass(frozen=True)
    class Pair(b.CustomBlock):
        def build(self, shape):
            return nn.MaxPool2d(2, return_indices=True)

    space = Space(Pair(), input_shape=(3, 8, 8), outputs=4)
    with pytest.raises(ShapeError, match=r"must return one tensor \[batch, ...\], not tuple"):
        space.network(space.unrank(0))


def test_a_block_without_wire_or_build_says_so():
    @dataclass(frozen=True)
    class Nothing(b.Block):
        pass

    @dataclass(frozen=True)
    class Empty(b.CustomBlock):
        pass

    @dataclass(frozen=True)
    class Forgetful(b.Block):
        def wire(self, net, x):
            net.act(x)

    with pytest.raises(SpaceError, match=r"Nothing must define wire\(net, x\)"):
        ops(Nothing())
    for block in (Forgetful(), b.sequence(Forgetful(), b.conv(8))):
        with pytest.raises(SpaceError, match=r"Forgetful\.wire returned None; it must return the output"):
            Space(block, input_shape=(3, 8, 8)).network(Space(block).unrank(0))
    with pytest.raises(ShapeError, match=r"Empty must define build\(shape\)"):
        ops(Empty())


def test_a_classifier_needs_the_number_of_classes():
    assert ops(b.classifier(outputs=3))[1] == (3,)
    with pytest.raises(ShapeError, match=r"say classifier\(outputs=10\), or bind a task"):
        b.classifier().wire(Wiring(), Value(-1, (8, 6, 6)))
