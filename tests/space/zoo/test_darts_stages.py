"""Stages of a search: other depths, dropout and channels, but the same decisions."""

from nasturtium.net.supernet import Supernet
from nasturtium.space.sharing import shared_layers
from nasturtium.space.zoo.cells import thirds
from nasturtium.space.zoo.darts_search import darts_search_of
from nasturtium.space.zoo.darts_stages import narrowed, resized
from nasturtium.strategy.p_darts import STAGES

OPS = ("skip_connect", "sep_conv_3x3")


def tower_of(space):
    return space.tree.blocks[0]


def test_supernets_of_17_cells_are_of_5_11_and_17():
    """Chen et al. 2019, section 4.1.2."""
    space = darts_search_of(16, thirds(17), "deep")
    stages = [resized(space, stage.cells / 17, stage.skip_dropout) for stage in STAGES]
    assert [tower_of(one).layout for one in stages] == [thirds(5), thirds(11), thirds(17)]
    assert [tower_of(one).normal.skip_dropout for one in stages] == [0.1, 0.4, 0.7]
    assert all([d.path for d in one.decisions] == [d.path for d in space.decisions] for one in stages)


def test_a_sixth_of_36_channels_comes_before_a_quarter():
    """Chen et al. 2021 (DrNAS): the first stage of its search of the space of DARTS."""
    wide = darts_search_of(36, (False, True), "wide", partial=4)
    narrow = narrowed(wide)
    assert (tower_of(narrow).normal.partial, tower_of(narrow).reduction.partial) == (6, 6)
    assert [d.path for d in narrow.decisions] == [d.path for d in wide.decisions]
    for filters, parts, fewer in ((16, 4, 8), (8, 8, 8), (8, 1, 1)):
        space = darts_search_of(filters, (False, True), "other", partial=parts, ops=OPS)
        assert tower_of(narrowed(space)).normal.partial == fewer


def test_a_narrower_space_needs_a_part_of_the_same_weights():
    wide = darts_search_of(8, (False, True), "wide", partial=2, ops=OPS)
    narrow = narrowed(wide)
    assert shared_layers(wide).keys() == shared_layers(narrow).keys()
    pairs = zip(Supernet(wide).parameters(), Supernet(narrow).parameters(), strict=True)
    sizes = [(large.shape, small.shape) for large, small in pairs]
    assert all(one <= other for large, small in sizes for one, other in zip(small, large, strict=True))
    assert any(large != small for large, small in sizes)
