"""The DARTS space against the numbers of Liu, Simonyan and Yang 2019 (arXiv:1806.09055)."""

import math

import pytest

from nasturtium.cost.counts import Counted
from nasturtium.errors import SpaceError, UnknownName
from nasturtium.net.build import build
from nasturtium.seeds import rng_for
from nasturtium.space.zoo.darts import darts, from_genotype, to_genotype
from nasturtium.space.zoo.genotypes import genotype
from nasturtium.testing.space import SpaceConformance


class TestDarts(SpaceConformance):
    samples = 20

    def make(self):
        return darts()


def test_there_are_about_1e9_cells_and_1e18_genotypes():
    """prod C(n + 1, 2) 7^2 over nodes 1 to 4 (section 3.1 and appendix A.1 of the paper)."""
    cell = math.prod(math.comb(node + 1, 2) * 7**2 for node in range(1, 5))
    assert darts().count == darts("published").count == cell**2
    assert (round(cell / 1e9, 2), round(cell**2 / 1e18, 2)) == (1.04, 1.08)


def test_nodes_in_another_order_are_the_same_network():
    space = darts()
    one = space.architecture(normal__node1__first_op="sep_conv_3x3")
    other = space.architecture(normal__node2__first_op="sep_conv_3x3")
    assert one != other
    assert space.canonical(one) == space.canonical(other)


def test_counted_params_are_those_of_the_module():
    space = darts()
    counted = Counted(space)
    for i in range(4):
        architecture = space.sample(rng_for(0, "darts", i))
        model = build(space.network(architecture), seed=0)
        assert counted.counts(architecture).params == sum(p.numel() for p in model.parameters())


def test_samples_of_both_sizes_fit_together():
    for size, samples in (("small", 30), ("published", 3)):
        space = darts(size)
        for i in range(samples):
            space.network(space.sample(rng_for(1, "darts", i)))


def test_a_genotype_of_an_architecture_leads_back_to_it():
    space = darts()
    for i in range(20):
        architecture = space.sample(rng_for(2, "darts", i))
        found = to_genotype(space, architecture)
        assert from_genotype(space, found) == from_genotype(space, genotype(found.text)) == architecture
        alone = found.space()
        assert Counted(alone).counts(alone.unrank(0)) == Counted(space).counts(architecture)


@pytest.mark.parametrize("name", ["DARTS_V1", "DARTS_V2", "P-DARTS", "PC-DARTS", "PC-DARTS-ImageNet"])
def test_published_cells_are_found_in_the_space(name):
    space, alone = darts("published"), genotype(name).space()
    member = from_genotype(space, genotype(name))
    assert Counted(space).counts(member) == Counted(alone).counts(alone.unrank(0))
    again = to_genotype(space, member).space()
    assert again.canonical(again.unrank(0)) == alone.canonical(alone.unrank(0))


def test_cells_of_other_spaces_are_refused():
    text = genotype("DARTS_V2").text
    for given, message in {
        genotype("NASNet-A").text: "has 5 nodes",
        text.replace("[2, 3, 4, 5]", "[3, 4, 5]", 1): r"gives \(3, 4, 5\)",
        text.replace("('sep_conv_3x3', 1)", "('sep_conv_3x3', 0)", 1): "node 1 of the normal cell .* twice",
    }.items():
        with pytest.raises(SpaceError, match=message):
            from_genotype(darts(), genotype(given))
    with pytest.raises(UnknownName, match="sep_conv_7x7"):
        from_genotype(darts(), genotype(text.replace("dil_conv_3x3", "sep_conv_7x7")))
