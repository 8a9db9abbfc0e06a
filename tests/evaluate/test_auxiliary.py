import pytest
import torch

from nasturtium.evaluate.auxiliary import auxiliary_head, auxiliary_place
from nasturtium.space import blocks as b
from nasturtium.space.space import Space
from nasturtium.space.zoo.genotypes import genotype
from nasturtium.space.zoo.mobilenet import mobilenet


def place(space):
    network = space.network(space.unrank(0))
    return network.layers[auxiliary_place(network)]


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def test_the_head_is_that_of_the_released_networks():
    """quark0/darts, cnn/model.py: AuxiliaryHeadCIFAR, average pooling of 5 by 5 at a stride of 3 on 8x8."""
    head = auxiliary_head((576, 8, 8), 10, seed=0)
    assert (head[1].kernel_size, head[1].stride) == ((5, 5), (3, 3))
    assert parameters(head) == 576 * 128 + 2 * 128 + 128 * 768 * 4 + 2 * 768 + 768 * 10 + 10
    assert auxiliary_head((768, 7, 7), 10, seed=0)[1].stride == (2, 2)  # AuxiliaryHeadImageNet


@pytest.mark.parametrize("side", [1, 2, 3, 4, 5, 6, 7, 8, 14, 16])
def test_it_reads_pictures_of_any_size(side):
    head = auxiliary_head((4, side, side + 1), 3, seed=0)
    assert head(torch.randn(2, 4, side, side + 1)).shape == (2, 3)


def test_it_depends_on_its_seed_and_leaves_the_global_generator():
    before = torch.get_rng_state()
    first, again, other = (auxiliary_head((4, 8, 8), 3, seed=seed)[2].weight for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", ["DARTS_V2", "NASNet-A", "PNASNet-5"])
def test_it_stands_on_the_second_reduction(name):
    """Cell 2L/3 counted from 0 in DARTS; in NASNet and PNASNet too the first cell of the last size."""
    given = genotype(name)
    reduction = [i for i, one in enumerate(given.layout, 1) if one][-1]
    found = place(given.space())
    assert found.name == f"cells.cell{reduction}.concat"
    assert found.shape[1:] == (8, 8)


def test_in_other_networks_it_stands_at_the_start_of_the_last_size():
    found = place(mobilenet())
    network = mobilenet().network(mobilenet().unrank(0))
    assert found.shape[1:] == [one.shape for one in network.layers if len(one.shape) == 3][-2][1:]


def test_where_nothing_is_halved_it_stands_two_thirds_up():
    space = Space(*(b.conv(8) for _ in range(6)), b.classifier(), input_shape=(3, 8, 8), outputs=10)
    assert place(space).name == "conv5.act"
