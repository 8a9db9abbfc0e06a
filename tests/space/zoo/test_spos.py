"""The SPOS space against megvii-model/SinglePathOneShot (Guo et al. 2020, arXiv:1904.00420)."""

import pytest
import torch

from nasturtium.cost.counts import Counted
from nasturtium.errors import SpaceError
from nasturtium.net.build import build
from nasturtium.seeds import rng_for
from nasturtium.space.layers import Take
from nasturtium.space.zoo.spos import from_numbers, spos
from nasturtium.testing.space import SpaceConformance

# The release's README: 323 M FLOPs, 3.5 M parameters, 25.6 % top-1 error.
RELEASED = (2, 1, 0, 1, 2, 0, 2, 0, 2, 0, 2, 3, 0, 0, 0, 0, 3, 2, 3, 3)


class TestSpos(SpaceConformance):
    samples = 20
    enumerable = 0

    def make(self):
        return spos()


def test_there_are_4_to_the_20_architectures():
    assert spos("published").count == 4**20
    assert spos().count == 4**8


def test_the_released_network_has_the_released_size():
    """3,558,464 parameters, printed as 3.5 M, and our classifier's 1,000 biases."""
    space = spos("published")
    found = Counted(space).counts(from_numbers(space, RELEASED))
    assert round(found.macs / 1e6) == 323
    assert found.params == 3_558_464 + 1000


def test_half_of_the_channels_pass_a_block_by():
    space = spos()
    network = space.network(space.unrank(0))
    taken = [(layer.op.first, layer.op.step) for layer in network.layers if isinstance(layer.op, Take)]
    assert taken == [(0, 2), (1, 2)] * 5  # five of the eight blocks have a stride of 1


def test_the_even_channels_of_an_inner_block_are_passed_on_unchanged():
    space = spos().bind((1, 8, 8), 3)
    model = build(space.network(space.unrank(0)), seed=0).eval()
    seen = {}
    model.stage1.block1.past.pointwise.act.register_forward_hook(lambda *a: seen.update(past=a[2]))
    model.stage1.block1.through.pointwise.act2.register_forward_hook(lambda *a: seen.update(through=a[2]))
    model.stage2.block1.past.depthwise.conv.register_forward_hook(lambda *a: seen.update(given=a[1][0]))
    model(torch.randn(2, 1, 8, 8))
    before = torch.cat([seen["past"], seen["through"]], 1)
    assert torch.equal(seen["given"][:, : before.shape[1] // 2], before[:, ::2])


def test_counted_params_are_those_of_the_module():
    space = spos()
    for i in range(4):
        architecture = space.sample(rng_for(0, "spos", i))
        model = build(space.network(architecture), seed=0)
        assert Counted(space).counts(architecture).params == sum(p.numel() for p in model.parameters())


def test_numbers_of_another_network_are_refused():
    with pytest.raises(SpaceError, match="give 8 of 0 to 3"):
        from_numbers(spos(), RELEASED)
    with pytest.raises(SpaceError, match="give 8 of 0 to 3"):
        from_numbers(spos(), (4,) * 8)
