import pytest
import torch
from torch.nn import functional

from nasturtium.net.depthwise import depthwise, quick
from nasturtium.space.layers import Conv2d

CASES = [
    # kernel, stride, dilation, sides
    (5, 1, 1, (6, 7)),
    (7, 2, 1, (3, 8)),
    (3, 1, 2, (5, 6)),
    (5, 1, 3, (4, 7)),
    (5, 2, 2, (7, 4)),
]


def drawn(kernel, sides):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, *sides, generator=generator, dtype=torch.float64)
    weight = torch.randn(3, 1, kernel, kernel, generator=generator, dtype=torch.float64)
    return x.contiguous(memory_format=torch.channels_last).requires_grad_(), weight.requires_grad_()


@pytest.mark.parametrize(("kernel", "stride", "dilation", "sides"), CASES)
def test_values_are_torchs_to_the_bit_and_gradients_to_rounding(kernel, stride, dilation, sides):
    op, (x, weight) = Conv2d(3, 3, kernel, stride, 3, dilation=dilation), drawn(kernel, sides)
    assert quick(op, x)
    ours = depthwise(x, weight, op)
    torchs = functional.conv2d(x, weight, None, stride, op.padding, dilation, 3)
    assert torch.equal(ours, torchs)
    slope = torch.randn(ours.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for wanted in ((x, weight), (x,), (weight,)):
        found = torch.autograd.grad(ours, wanted, slope, retain_graph=True)
        known = torch.autograd.grad(torchs, wanted, slope, retain_graph=True)
        assert all(torch.allclose(*pair, rtol=1e-10, atol=1e-12) for pair in zip(found, known, strict=True))


@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (1, 2), (2, 2)])
def test_second_derivatives_are_those_of_differences(stride, dilation):
    op, given = Conv2d(3, 3, 5, stride, 3, dilation=dilation), drawn(5, (3, 4))
    assert torch.autograd.gradgradcheck(lambda x, weight: depthwise(x, weight, op), given)


def test_what_torch_does_as_well_is_left_to_it():
    x, _ = drawn(5, (4, 4))
    assert quick(Conv2d(3, 3, 5, groups=3), x)
    for op in (Conv2d(3, 3, 3, groups=3), Conv2d(3, 3, 5), Conv2d(3, 3, 5, 3, 3, dilation=2)):
        assert not quick(op, x)
    assert not quick(Conv2d(3, 3, 5, groups=3, bias=True), x)
    assert not quick(Conv2d(3, 3, 5, groups=3), x.detach().contiguous())
    with torch.no_grad():
        assert not quick(Conv2d(3, 3, 5, groups=3), x)
