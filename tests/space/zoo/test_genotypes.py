"""Published cells give networks of the published sizes; auxiliary heads are not counted."""

import pytest

from nasturtium.cost.counts import Counted
from nasturtium.errors import UnknownName
from nasturtium.net.build import build
from nasturtium.space.space import Space
from nasturtium.space.zoo.cells import stages, thirds
from nasturtium.space.zoo.darts import darts
from nasturtium.space.zoo.genotypes import GENOTYPES, genotype
from nasturtium.space.zoo.pnas import pnas


def counted(space: Space):
    return Counted(space).counts(space.unrank(0))


# Millions of parameters as the papers state them (Zoph et al. 2018; Real et al. 2019; Liu et al. 2018, 2019).
CIFAR = {"NASNet-A": 3.3, "AmoebaNet-A": 3.2, "AmoebaNet-B": 2.8, "PNASNet-5": 3.2, "DARTS_V2": 3.3}


@pytest.mark.parametrize("name", CIFAR)
def test_networks_for_cifar_have_the_published_sizes(name):
    assert round(counted(genotype(name).space()).params / 1e6, 1) == CIFAR[name]


def test_networks_for_imagenet_have_the_published_sizes():
    """PNASNet-5 (3, 54): 5.1 M, 588 M; NASNet-A (4 @ 1056): 5.3 M, 564 M (Liu et al. 2018, table 5)."""
    mobile = counted(genotype("PNASNet-5").space(filters=54, imagenet=True))
    assert (round(mobile.params / 1e6, 1), round(mobile.macs / 1e6)) == (5.1, 588)
    mobile = counted(genotype("NASNet-A").space(filters=44, layout=stages(4), imagenet=True))
    assert (round(mobile.params / 1e6, 1), round(mobile.macs / 1e6)) == (5.3, 564)


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


def test_an_unknown_genotype_is_named_with_those_that_are():
    with pytest.raises(UnknownName, match="unknown genotype 'NASNet-B'; known: AmoebaNet-A"):
        genotype("NASNet-B")
