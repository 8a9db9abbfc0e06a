"""Elastic kernels of Once-for-all (Cai et al. 2020, arXiv:1908.09791), section 3.2."""

import pytest
import torch

from nasturtium import blocks as b
from nasturtium.errors import ConfigError
from nasturtium.net.extract import extract
from nasturtium.net.kernels import elastic_sides
from nasturtium.net.supernet import Supernet
from nasturtium.space import layers as ir
from nasturtium.space.choice import choice
from nasturtium.space.space import Space

DEPTHWISE = "block/depthwise/conv:conv2d"


@pytest.fixture(scope="module")
def space():
    block = b.mb_conv(8, kernel=choice(3, 5, 7), expand=choice(2, 3), se=0.25)
    return Space(stem=b.conv(8), block=block, end=b.classifier(), input_shape=(3, 8, 8), outputs=4)


@pytest.fixture(scope="module")
def x(space):
    return torch.randn(4, *space.input_shape, generator=torch.Generator().manual_seed(0))


def learnt(space):
    """With matrices that are not the identity any more."""
    supernet = Supernet(space, kernels="transformed").eval()
    with torch.no_grad():
        for name, matrix in supernet.named_parameters():
            if "transforms" in name:
                generator = torch.Generator().manual_seed(len(matrix))
                matrix += 0.3 * torch.randn(matrix.shape, generator=generator)
    return supernet


def kernel_of(supernet, architecture):
    return dict(supernet.state_of(supernet.space.network(architecture)))["block.depthwise.conv.weight"]


def test_at_the_start_every_network_is_that_of_the_crop(space, x):
    crop, transformed = Supernet(space, seed=3), Supernet(space, seed=3, kernels="transformed")
    assert all(torch.equal(crop(x, one), transformed(x, one)) for one in space)


def test_a_layer_has_706_numbers_more(space):
    crop, transformed = (Supernet(space, kernels=kind) for kind in ("crop", "transformed"))
    counts = [sum(weights.numel() for weights in one.parameters()) for one in (crop, transformed)]
    assert counts[1] - counts[0] == 25 * 25 + 9 * 9 == 706


def test_each_kernel_is_a_matrix_times_the_centre_of_the_next_larger(space):
    supernet = learnt(space)
    shared = supernet.shared[DEPTHWISE]
    five, three = (shared.transforms.matrices[side].detach().numpy() for side in ("5", "3"))
    for one in space:
        pairs = zip(space.decisions, one.choices, strict=True)
        kernel, expand = (decision.options[option] for decision, option in pairs)
        found = kernel_of(supernet, one).detach().numpy()
        assert found.shape == (8 * expand, 1, kernel, kernel)
        for channel, rows in enumerate(found[:, 0]):
            wanted = shared.weight[channel, 0].detach().numpy()
            if kernel < 7:
                wanted = (five @ wanted[1:6, 1:6].reshape(25)).reshape(5, 5)
            if kernel < 5:
                wanted = (three @ wanted[1:4, 1:4].reshape(9)).reshape(3, 3)
            assert rows == pytest.approx(wanted, abs=1e-5)


def test_extracted_networks_equal_their_paths_exactly(space, x):
    supernet = learnt(space)
    with torch.no_grad():
        assert all(torch.equal(extract(supernet, one)(x), supernet(x, one)) for one in space)


def test_matrices_learn_from_the_kernels_that_they_make(space, x):
    supernet = learnt(space)
    moved = {}
    for one in space:
        supernet.zero_grad()
        supernet(x, one).square().sum().backward()
        gradients = {side: supernet.shared[DEPTHWISE].transforms.matrices[side].grad for side in ("5", "3")}
        kernel = space.decisions[0].options[one.choices[0]]
        moved[kernel] = {side for side, one in gradients.items() if one is not None and one.any()}
    assert moved == {7: set(), 5: {"5"}, 3: {"5", "3"}}


def test_only_depthwise_kernels_of_several_sizes_are_transformed():
    def depthwise(kernel):
        return ir.Conv2d(4, 4, kernel, groups=4)

    assert elastic_sides([depthwise(3), depthwise((5, 5))]) == {3, 5}
    for ops in ([depthwise(3)], [ir.Conv2d(4, 4, 3), depthwise(5)], [depthwise(3), depthwise((1, 5))]):
        assert elastic_sides(ops) == set()


def test_an_unknown_way_is_said(space):
    with pytest.raises(ConfigError, match="kernels is 'cut'; it must be one of crop, transformed"):
        Supernet(space, kernels="cut")
