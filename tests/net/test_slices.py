import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from nasturtium.errors import SpaceError
from nasturtium.net.build import module
from nasturtium.net.slices import bank, part
from nasturtium.space import layers as ir

LARGE = [ir.Conv2d(6, 8, 5, bias=True), ir.Conv2d(4, 4, (3, 1), groups=2), ir.Conv2d(10, 10, 7, groups=10)]


def test_a_bank_is_as_large_as_the_largest_of_each():
    weight = bank(LARGE).weight
    assert weight.shape == (10, 6, 7, 7)
    assert bank(LARGE).bias.shape == (10,)
    assert bank([ir.Linear(4, 9, bias=False), ir.Linear(7, 3)]).weight.shape == (9, 7)
    assert bank([ir.BatchNorm(4), ir.BatchNorm(9)]).weight.shape == (9,)


SIDES = st.sampled_from([1, 3, 5])
MEMORY = st.sampled_from([torch.contiguous_format, torch.channels_last])


@given(st.integers(1, 8), st.integers(1, 6), st.tuples(SIDES, SIDES), MEMORY)
def test_a_convolution_has_the_first_channels_and_the_centre_of_the_kernel(outputs, inputs, sides, memory):
    height, width = sides
    shared = bank([ir.Conv2d(6, 8, 5)]).to(memory_format=memory)
    got = part(ir.Conv2d(inputs, outputs, (height, width)), shared)["weight"]
    for o, i, y, x in [(0, 0, 0, 0), (outputs - 1, inputs - 1, height - 1, width - 1)]:
        assert got[o, i, y, x] == shared.weight[o, i, y + (5 - height) // 2, x + (5 - width) // 2]
    assert got.shape == (outputs, inputs, height, width)
    assert got.untyped_storage().data_ptr() == shared.weight.untyped_storage().data_ptr()


@pytest.mark.parametrize("op", [*LARGE, ir.Linear(3, 2), ir.BatchNorm(5)])
@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_gradients_of_a_part_lie_where_the_part_is(op, memory):
    others = {ir.Conv2d: LARGE, ir.Linear: [ir.Linear(7, 5)], ir.BatchNorm: [ir.BatchNorm(9)]}[type(op)]
    shared = bank([op, *others]).double().to(memory_format=memory)
    generator = torch.Generator().manual_seed(0)
    for name, view in part(op, shared).items():
        whole = getattr(shared, name)
        if not whole.requires_grad:
            continue
        gradient = torch.randn(view.shape, generator=generator, dtype=torch.float64)
        (found,) = torch.autograd.grad(view, whole, gradient, retain_graph=True)
        wanted = torch.zeros_like(whole)
        with torch.no_grad():
            twin = nn.Module()
            for each, value in shared.named_parameters():
                setattr(twin, each, wanted if each == name else value)
            for each, value in shared.named_buffers():
                setattr(twin, each, value)
            part(op, twin)[name].copy_(gradient)
        assert torch.equal(found, wanted)
        assert int((found != 0).sum()) == view.numel()


@pytest.mark.parametrize("op", [*LARGE, ir.Linear(3, 2), ir.Linear(3, 2, bias=False), ir.BatchNorm(5)])
def test_the_only_layer_of_a_bank_has_the_bank_itself(op):
    shared, own = bank([op]), module(op).state_dict()
    views = part(op, shared)
    names = {name for name in own if name != "num_batches_tracked"}
    assert {name: view.shape for name, view in views.items()} == {name: own[name].shape for name in names}
    assert all(view is getattr(shared, name) for name, view in views.items())


def test_a_depthwise_convolution_may_share_with_a_full_one():
    shared = bank([ir.Conv2d(4, 8, 3), ir.Conv2d(6, 6, 3, groups=6)])
    assert part(ir.Conv2d(6, 6, 3, groups=6), shared)["weight"].shape == (6, 1, 3, 3)


def test_norms_without_scale_or_statistics_have_none():
    assert part(ir.BatchNorm(3), nn.BatchNorm2d(4, affine=False, track_running_stats=False)) == {}


def test_a_part_that_is_not_there_is_said():
    with pytest.raises(
        SpaceError, match=r"needs weights of \[9, 4, 3, 3\] and the supernet has \[8, 4, 3, 3\]"
    ):
        part(ir.Conv2d(4, 9, 3), bank([ir.Conv2d(4, 8, 3)]))
    with pytest.raises(SpaceError, match="were only sampled"):
        part(ir.Linear(4, 9), bank([ir.Linear(4, 8)]))
    with pytest.raises(TypeError, match="no weights to share"):
        part(ir.Add(), nn.Module())
