"""PNAS's space against the numbers of Liu et al. 2018 (arXiv:1712.00559), section 3.1."""

import itertools

from nasturtium.cost.counts import Counted
from nasturtium.net.build import build
from nasturtium.seeds import rng_for
from nasturtium.space.zoo.cells import Pair, same_cell
from nasturtium.space.zoo.pnas import OPS, pnas
from nasturtium.testing.space import SpaceConformance


class TestPnas(SpaceConformance):
    samples = 20

    def make(self):
        return pnas()


class TestTwoBlocks(SpaceConformance):
    samples = 20

    def make(self):
        return pnas(blocks=2)


def test_there_are_so_many_cells_of_each_size():
    """Block b chooses among b + 1 states and 8 operations, twice: 256, then 576, 1,024 ... times as many."""
    factors = [(states * 8) ** 2 for states in range(2, 7)]
    assert pnas().count == pnas("published").count == sum(itertools.accumulate(factors, lambda a, b: a * b))
    assert pnas(blocks=1).count == 256
    assert pnas(blocks=2).count == 256 + 147_456


def test_136_cells_of_one_block_differ():
    space = pnas(blocks=1)
    assert len({space.canonical(architecture) for architecture in space}) == 136


def sides(states):
    """The blocks over so many states that differ but for their sides."""
    return itertools.combinations_with_replacement(itertools.product(range(states), OPS), 2)


def test_40800_cells_of_two_blocks_differ_in_their_blocks_and_31620_as_networks():
    """Blocks in order: 136 x 300. Of those whose second block does not read the first, 136^2, each with
    two different blocks comes twice."""
    cells = [(Pair(*a, *b), Pair(*c, *d)) for a, b in sides(2) for c, d in sides(3)]
    assert len(cells) == 136 * 300 == 40_800
    forms = {same_cell(cell, (2, 3)) for cell in cells}
    assert len(forms) == 136 * (300 - 136) + 136 * 137 // 2 == 31_620


def test_decisions_of_a_block_exist_only_where_there_are_enough_blocks():
    space = pnas()
    for blocks in range(1, 6):
        assert sum(space.active(space.architecture(blocks=blocks))) == 1 + 4 * blocks


def test_counted_costs_are_those_of_the_module():
    space = pnas()
    counted = Counted(space)
    for i in range(4):
        architecture = space.sample(rng_for(0, "pnas", i))
        model = build(space.network(architecture), seed=0)
        assert counted.counts(architecture).params == sum(p.numel() for p in model.parameters())


def test_samples_of_both_sizes_fit_together():
    for size, samples in (("small", 30), ("published", 3)):
        space = pnas(size)
        for i in range(samples):
            space.network(space.sample(rng_for(1, "pnas", i)))
