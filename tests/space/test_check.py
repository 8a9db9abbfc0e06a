from dataclasses import dataclass

import pytest

from nasturtium.errors import InfeasibleSpace, ShapeError, UnknownOp
from nasturtium.space import blocks as b
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.space.zoo.chain import chain
from nasturtium.space.zoo.mobilenet import mobilenet
from nasturtium.space.zoo.nasbench201 import nasbench201
from nasturtium.space.zoo.nasbench_macro import nasbench_macro
from nasturtium.space.zoo.resnet import resnet


@dataclass(frozen=True)
class Residual(b.Block):
    """Adds a convolution of another width to its input: fits only where the widths agree."""

    out: int

    def wire(self, net, x):
        return net.add(x, net.conv(x, self.out, 3))


def space_of(*blocks):
    return Space(*blocks, b.classifier(), name="mine", input_shape=(3, 8, 8), outputs=4)


@pytest.mark.parametrize("make", [chain, mobilenet, nasbench201, nasbench_macro, resnet])
def test_the_zoo_fits_together(make):
    make().check(samples=4)


def test_the_pair_of_decisions_that_do_not_fit_is_named():
    space = space_of(b.conv(choice(8, 16)), Residual(choice(8, 16)))
    with pytest.raises(ShapeError) as found:
        space.check()
    message = str(found.value)
    assert "mine: 2 of 4 do not fit together: residual.add: values of shapes" in message
    assert (
        "To blame: conv.out=16 with residual.out=8" in message or "conv.out=8 with residual.out=16" in message
    )
    assert "use one choice in both places" in message


def test_one_object_in_both_places_mends_it():
    width = choice(8, 16)
    space_of(b.conv(width), Residual(width)).check()


def test_a_single_decision_that_never_fits_is_named():
    space = space_of(b.conv(8, groups=choice(1, 2)), b.conv(choice(8, 16, 24)))
    with pytest.raises(
        ShapeError, match=r"2 groups must divide 3 input, 8 output.*To blame: conv1\.groups=2;"
    ):
        space.check()


def test_an_unknown_activation_is_named():
    space = space_of(b.conv(8, act=choice("relu", "swish")))
    with pytest.raises(UnknownOp, match=r"no activation 'swish'; there are relu.*To blame: conv\.act=swish;"):
        space.check()


def test_too_many_strides_for_the_image_are_found_deep_inside():
    space = space_of(b.repeat(b.sequence(b.conv(8), b.max_pool(2, stride=2)), choice(1, 2, 3, 4)))
    with pytest.raises(ShapeError, match=r"does not fit 1x1; there are too many strides.*stage1\.times=4;"):
        space.check()


def test_a_space_in_which_nothing_fits_is_infeasible():
    space = space_of(b.conv(8), Residual(choice(4, 16)))
    with pytest.raises(InfeasibleSpace, match=r"mine: none of 2 samples fits; the first: residual\.add"):
        space.check()


def test_a_misfit_of_three_decisions_shows_an_architecture():
    @dataclass(frozen=True)
    class Three(b.Block):
        a: int
        b: int
        c: int

        def wire(self, net, x):
            return net.conv(x, 8, groups=1 if self.a + self.b + self.c < 3 else 7)

    space = space_of(b.conv(6), Three(*(choice(0, 1) for _ in range(3))))
    with pytest.raises(
        ShapeError, match=r"no single pair of decisions; the first misfit is three\.a=1 three\.b=1 three\.c=1"
    ):
        space.check()
