"""Growth: sizes, the smallest networks, and those one size larger."""

import pytest

from nasturtium.errors import SpaceError
from nasturtium.seeds import rng_for
from nasturtium.space.blocks import classifier, conv, identity, optional, repeat, separable
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.space.zoo.nasbench201 import nasbench201
from nasturtium.space.zoo.pnas import pnas
from nasturtium.strategy.growth import OpGrowth, SizeGrowth
from nasturtium.testing.toys import conditional_space, flat_space


def grown_from_smallest(growth, most):
    """All networks by size, found by growing."""
    level, levels = set(growth.smallest()), []
    while level and len(levels) < most:
        levels.append(level)
        level = {grown for one in level for grown in growth.grow(one)}
    return levels


@pytest.mark.parametrize("space", [flat_space(), conditional_space()])
def test_growing_reaches_every_network_at_its_size(space):
    growth = SizeGrowth(space)
    levels = grown_from_smallest(growth, 20)
    for size, level in enumerate(levels, 1):
        assert level == {one for one in space if growth.size(one) == size}
    assert sum(map(len, levels)) == space.count


def test_a_flat_space_has_one_size():
    space = flat_space()
    assert not SizeGrowth(space).ranks
    assert list(SizeGrowth(space).smallest()) == list(space)


def test_pnas_cells_grow_by_a_block():
    space = pnas()
    growth = SizeGrowth(space)
    first = list(growth.smallest())
    assert len(first) == 256
    grown = list(growth.grow(first[0]))
    assert len(set(grown)) == len(grown) == (3 * 8) ** 2
    assert {growth.size(one) for one in grown} == {2}
    assert all(one in space for one in grown)
    assert not list(growth.grow(space.architecture(blocks=5)))


def test_copies_and_optional_blocks_are_sizes_and_a_choice_of_kinds_is_not():
    space = Space(
        repeat(conv(8, kernel=choice(1, 3)), choice(1, 2, 4)),
        optional(conv(choice(8, 16))),
        choice(conv(8, kernel=choice(3, 5)), separable(choice(8, 16))),
        identity(),
        classifier(),
    )
    growth = SizeGrowth(space)
    named = {space.decisions[index].path: ranks for index, ranks in growth.ranks.items()}
    assert named == {"stage1.times": (0, 1, 2), "choice1": (1, 0)}
    assert len(list(growth.smallest())) == 2 * (2 + 2)


def test_samples_are_smallest():
    for growth in (SizeGrowth(conditional_space()), SizeGrowth(pnas()), OpGrowth(nasbench201())):
        every = set(growth.smallest())
        drawn = {growth.sample(rng_for(0, "growth", i)) for i in range(50)}
        assert drawn <= every
        assert len(drawn) > 1


def test_places_of_a_cell_are_filled_one_by_one():
    """C(6, k) 4^k cells of NAS-Bench-201 have k operations that are not none."""
    growth = OpGrowth(nasbench201())
    levels = grown_from_smallest(growth, 3)
    assert [len(level) for level in levels] == [24, 240, 1280]
    assert all(growth.size(one) == size for size, level in enumerate(levels, 1) for one in level)


@pytest.mark.parametrize("space", [flat_space(), conditional_space()])
def test_a_space_without_places_cannot_grow_by_filling_them(space):
    with pytest.raises(SpaceError, match="cannot grow by filling places"):
        OpGrowth(space)
