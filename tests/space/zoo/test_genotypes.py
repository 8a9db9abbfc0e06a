"""Published cells give networks of the published sizes; auxiliary heads are not counted."""

from math import prod

import pytest

from nasturtium.cost.counts import Counted
from nasturtium.errors import SpaceError, UnknownName
from nasturtium.net.build import build
from nasturtium.space.layers import Activation, BatchNorm, GlobalPool, Pool
from nasturtium.space.space import Space
from nasturtium.space.zoo.cells import stages, thirds
from nasturtium.space.zoo.darts import darts
from nasturtium.space.zoo.genotypes import GENOTYPES, genotype, genotype_space
from nasturtium.space.zoo.pnas import pnas


def counted(space: Space):
    return Counted(space).counts(space.unrank(0))


# Millions of parameters as the papers state them (Zoph et al. 2018; Real et al. 2019; Liu et al. 2018, 2019;
# Chen et al. 2019; Xu et al. 2020).
CIFAR = {
    "NASNet-A": 3.3,
    "AmoebaNet-A": 3.2,
    "AmoebaNet-B": 2.8,
    "PNASNet-5": 3.2,
    "DARTS_V2": 3.3,
    "P-DARTS": 3.4,
    "PC-DARTS": 3.6,
}
# The same on ImageNet, with 48 filters and 14 cells, and millions of operations (Chen et al. 2019, Xu et al.
# 2020), which are met as `profiled` counts. For DARTS_V2 the paper has 574; its authors gave no code for that
# number, and who counts as `profiled` has 544.59 (github.com/quark0/darts, issue 46).
IMAGENET = {
    "DARTS_V2": (4.7, 544.59),
    "P-DARTS": (4.9, 557),
    "PC-DARTS": (5.3, 586),
    "PC-DARTS-ImageNet": (5.3, 597),
}


@pytest.mark.parametrize("name", CIFAR)
def test_networks_for_cifar_have_the_published_sizes(name):
    assert round(counted(genotype(name).space()).params / 1e6, 1) == CIFAR[name]


def test_networks_for_imagenet_have_the_published_sizes():
    """PNASNet-5 (3, 54): 5.1 M, 588 M; NASNet-A (4 @ 1056): 5.3 M, 564 M (Liu et al. 2018, table 5)."""
    mobile = counted(genotype("PNASNet-5").space(filters=54, imagenet=True))
    assert (round(mobile.params / 1e6, 1), round(mobile.macs / 1e6)) == (5.1, 588)
    mobile = counted(genotype("NASNet-A").space(filters=44, layout=stages(4), imagenet=True))
    assert (round(mobile.params / 1e6, 1), round(mobile.macs / 1e6)) == (5.3, 564)


def profiled(space: Space) -> float:
    """Operations as sovrasov/flops-counter.pytorch counts them.

    Beside MACs two for each output of a normalisation, one for each of an activation, one for each input of
    a pooling.
    """
    network = space.network(space.unrank(0))
    total = counted(space).macs
    for layer in network.layers:
        match layer.op:
            case BatchNorm():
                total += 2 * prod(layer.shape)
            case Activation():
                total += prod(layer.shape)
            case Pool() | GlobalPool():
                total += prod(network.layers[layer.inputs[0]].shape)
    return total / 1e6


@pytest.mark.parametrize("name", IMAGENET)
def test_cells_of_darts_and_its_successors_have_the_published_sizes_on_imagenet(name):
    space = genotype_space(f"{name}/imagenet")
    params, operations = IMAGENET[name]
    assert round(counted(space).params / 1e6, 1) == params
    assert profiled(space) == pytest.approx(operations, abs=0.5)


def test_macs_of_darts_on_imagenet_alone():
    """530 M: convolutions and the linear layer. The published 574 M is met by no way of counting we know."""
    found = counted(genotype_space("DARTS_V2/imagenet"))
    assert (found.params, round(found.macs / 1e6)) == (4_718_752, 530)


@pytest.mark.parametrize(
    ("name", "filters", "layout", "params", "gmacs"),
    [("NASNet-A", 168, stages(6), 88_753_150, 23.8), ("PNASNet-5", 216, thirds(12), 86_057_668, 25.0)],
)
def test_large_networks_have_the_sizes_of_their_releases_to_the_last_parameter(
    name, filters, layout, params, gmacs
):
    """Parameters as in timm's table of models (331x331, 1,000 classes); billions of MACs as in the papers."""
    space = genotype(name).space(filters=filters, layout=layout, imagenet=True, stem=96)
    found = counted(space.bind((3, 331, 331), 1000))
    assert found.params == params
    assert found.macs / 1e9 == pytest.approx(gmacs, rel=0.005)


def test_the_second_order_genotype_has_the_size_that_its_authors_code_prints():
    """``param size = 3.349342MB``, without the auxiliary head (quark0/darts, cnn/train.py)."""
    assert counted(genotype("DARTS_V2").space()).params == 3_349_342


def ops(space, architecture):
    return [layer.op for layer in space.network(architecture).layers]


def pnasnet_5(space):
    """The member of the PNAS space that is PNASNet-5."""
    names = ("two_back", "previous", "block1", "block2", "block3", "block4")
    options = {"blocks": 5}
    for number, pair in enumerate(genotype("PNASNet-5").normal.pairs(), 1):
        options |= {
            f"block{number}__left": names[pair.first],
            f"block{number}__left_op": pair.first_op,
            f"block{number}__right": names[pair.second],
            f"block{number}__right_op": pair.second_op,
        }
    return space.architecture(**options)


def test_pnasnet_5_is_a_member_of_its_space():
    space, alone = pnas("published"), genotype("PNASNet-5").space()
    assert ops(space, pnasnet_5(space)) == ops(alone, alone.unrank(0))


@pytest.mark.parametrize("name", ["DARTS_V1", "DARTS_V2"])
def test_derived_genotypes_are_members_of_the_darts_space(name):
    space, options = darts("published"), {}
    names = ("two_back", "previous", "node1", "node2", "node3")
    for cell in ("normal", "reduction"):
        for number, pair in enumerate(getattr(genotype(name), cell).pairs(), 1):
            (left, left_op), (right, right_op) = sorted([pair[:2], pair[2:4]])
            if number > 1:
                options[f"{cell}__node{number}__states"] = f"{names[left]}+{names[right]}"
            options[f"{cell}__node{number}__first_op"] = left_op
            options[f"{cell}__node{number}__second_op"] = right_op
    member, alone = space.architecture(**options), genotype(name).space()
    assert Counted(space).counts(member) == counted(alone)
    assert sorted(map(str, ops(space, member))) == sorted(map(str, ops(alone, alone.unrank(0))))


@pytest.mark.parametrize("name", GENOTYPES)
def test_the_counted_network_is_the_built_one(name):
    given = genotype(name)
    space = given.space(filters=8, layout=(False, True, False, True))
    model = build(space.network(space.unrank(0)), seed=0)
    assert counted(space).params == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("name", [name for name, one in GENOTYPES.items() if one.style != "nasnet"])
def test_a_genotypes_text_is_the_same_genotype(name):
    given, again = genotype(name), genotype(genotype(name).text)
    for one, other in ((given.normal, again.normal), (given.reduction, again.reduction)):
        assert (one.pairs(), one.outputs()) == (other.pairs(), other.outputs())


def test_a_text_is_put_into_the_networks_of_darts():
    text = genotype("DARTS_V2").text
    for size in ("", "/small", "/published", "/imagenet"):
        assert counted(genotype_space(text + size)) == counted(genotype_space("DARTS_V2" + size))
    assert counted(genotype_space(text)).params == 3_349_342


def test_a_size_that_there_is_not_is_refused():
    with pytest.raises(UnknownName, match="unknown genotype 'DARTS_V2/large'"):
        genotype_space("DARTS_V2/large")
    with pytest.raises(SpaceError, match="no genotype"):
        genotype_space("Cell(normal=[])")


def test_an_unknown_genotype_is_named_with_those_that_are():
    with pytest.raises(UnknownName, match="unknown genotype 'NASNet-B'; known: AmoebaNet-A"):
        genotype("NASNet-B")
