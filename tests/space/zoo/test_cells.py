"""Cells and towers of cells: equal networks have one canonical form, and only those."""

from itertools import permutations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nasturtium.errors import SpaceError
from nasturtium.net.build import build
from nasturtium.space.layers import Network
from nasturtium.space.space import Space
from nasturtium.space.wiring import Value, Wiring
from nasturtium.space.zoo.cells import Pair, PairCell, Tower, check_cell, same_cell, stages, thirds

OPS = ("a", "b")


@st.composite
def cells(draw, most=4):
    blocks = draw(st.integers(1, most))
    return tuple(
        Pair(
            draw(st.integers(0, number + 1)),
            draw(st.sampled_from(OPS)),
            draw(st.integers(0, number + 1)),
            draw(st.sampled_from(OPS)),
            draw(st.sampled_from(("add", "concat"))),
        )
        for number in range(blocks)
    )


def outputs(pairs):
    return tuple(range(2, len(pairs) + 2))


def reordered(pairs, order):
    """The cell with block i at place order[i], None where one would then read a later one."""
    place = {0: 0, 1: 1} | {i + 2: new + 2 for i, new in enumerate(order)}
    moved = [None] * len(pairs)
    for i, pair in enumerate(pairs):
        moved[order[i]] = pair._replace(first=place[pair.first], second=place[pair.second])
    if any(max(pair.first, pair.second) >= i + 2 for i, pair in enumerate(moved)):
        return None
    return tuple(moved)


def by_brute_force(pairs):
    """The least of all ways to write the cell."""
    forms = []
    for order in permutations(range(len(pairs))):
        moved = reordered(pairs, order)
        if moved is not None:
            rows = [(sorted([(p.first, p.first_op), (p.second, p.second_op)]), p.join) for p in moved]
            forms.append(str(rows))
    return min(forms)


@given(cells(), st.randoms())
def test_swapped_sides_and_reordered_blocks_are_the_same_cell(pairs, rng):
    form = same_cell(pairs, outputs(pairs))
    order = list(range(len(pairs)))
    rng.shuffle(order)
    moved = reordered(pairs, order)
    if moved is not None:
        assert same_cell(moved, outputs(moved)) == form
    swapped = tuple(Pair(p.second, p.second_op, p.first, p.first_op, p.join) for p in pairs)
    assert same_cell(swapped, outputs(swapped)) == form


@settings(max_examples=300)
@given(cells(3), cells(3))
def test_the_canonical_form_is_equal_exactly_where_brute_force_finds_the_cells_equal(left, right):
    same = len(left) == len(right) and by_brute_force(left) == by_brute_force(right)
    assert (same_cell(left, outputs(left)) == same_cell(right, outputs(right))) == same


def test_two_equal_blocks_are_not_one_that_is_read_twice():
    twice = (Pair(0, "a", 1, "a"), Pair(0, "a", 1, "a"), Pair(2, "b", 2, "b"))
    apart = (*twice[:2], Pair(2, "b", 3, "b"))
    assert same_cell(twice, (2, 3, 4)) != same_cell(apart, (2, 3, 4))


def test_the_output_is_unused_blocks_or_all_or_named_states():
    blocks = ((0, "a", 1, "a", "add"), (2, "a", 1, "a", "add"), (0, "a", 0, "a", "add"))
    assert PairCell(blocks).outputs() == (3, 4)
    assert PairCell(blocks, output="all").outputs() == (2, 3, 4)
    assert PairCell(blocks, output=(0, 4)).outputs() == (0, 4)


@pytest.mark.parametrize(
    ("blocks", "output", "message"),
    [
        (((0, "a", 2, "a", "add"),), "all", "block 1 reads states 0 and 2; before it there are 0 to 1"),
        (((0, "a", 1, "a", "add"),), (3,), r"the output names states \[3\]"),
        (((0, "a", 1, "a", "add"),), (2, 2), r"the output names states \[2\]"),
    ],
)
def test_a_cell_that_cannot_be_is_refused(blocks, output, message):
    with pytest.raises(SpaceError, match=message):
        check_cell(PairCell(blocks, output=output))


def test_layouts():
    assert stages(2) == (False, False, True, False, False, True, False, False)
    assert [i for i, reduces in enumerate(thirds(20)) if reduces] == [6, 13]
    assert [i for i, reduces in enumerate(thirds(9)) if reduces] == [3, 6]


SKIP = "skip_connect"
CELL = PairCell(((0, SKIP, 1, "sep_conv_3x3", "add"), (1, "max_pool_3x3", 2, SKIP, "concat")))


def tower(**changes):
    fields = {"normal": CELL, "reduction": None, "filters": 8, "layout": (False, True, False), "stem": 12}
    return Tower(**(fields | changes))


@pytest.mark.parametrize("style", ["nasnet", "darts"])
@pytest.mark.parametrize("side", [16, 15])
def test_a_tower_doubles_filters_where_it_halves_sides(style, side):
    space = Space(tower(style=style), input_shape=(3, side, side), outputs=10)
    network = space.network(space.unrank(0))
    half = -(-side // 2)
    assert network.layers[-1].shape == (32, half, half)
    model = build(network, seed=0)
    assert tuple(model(torch.zeros(2, 3, side, side)).shape) == (2, 32, half, half)


def test_a_tower_for_large_images_begins_with_reductions_of_fewer_filters():
    space = Space(tower(stem_cells=2), input_shape=(3, 64, 64), outputs=10)
    network = space.network(space.unrank(0))
    shapes = [network.layers[span.last].shape for span in network.blocks]
    assert shapes == [(12, 32, 32), (4, 16, 16), (8, 8, 8), (16, 8, 8), (32, 4, 4), (32, 4, 4)]


def test_every_cell_is_shown_as_a_block_of_its_own():
    space = Space(cells=tower(), input_shape=(3, 16, 16), outputs=10)
    network = space.network(space.unrank(0))
    assert [span.path for span in network.blocks] == [
        "cells.stem",
        "cells.cell1",
        "cells.cell2",
        "cells.cell3",
    ]


def test_a_given_state_in_the_output_is_made_to_fit():
    cell = PairCell(((1, SKIP, 1, SKIP, "add"),), output=(0, 2))
    space = Space(tower(normal=cell), input_shape=(3, 16, 16), outputs=10)
    assert space.network(space.unrank(0)).layers[-1].shape == (32, 8, 8)


def test_a_cell_alone_reads_its_input_twice():
    net = Wiring()
    assert CELL.write(net, Value(-1, (8, 6, 6))).shape == (16, 6, 6)
    model = build(Network((8, 6, 6), tuple(net.layers)), seed=0)
    assert tuple(model(torch.zeros(2, 8, 6, 6)).shape) == (2, 16, 6, 6)


def test_the_graph_has_a_node_for_each_operation():
    graph = CELL.graph()
    assert graph.ops == (
        "input",
        "two_back",
        "previous",
        SKIP,
        "sep_conv_3x3",
        "max_pool_3x3",
        SKIP,
        "output",
    )
    assert graph.edges == (
        *((0, 1), (0, 2), (1, 3), (2, 4), (2, 5)),
        *((3, 6), (4, 6), (5, 7), (6, 7)),
    )
    assert tower(reduction=CELL).graph().names[1:3] == ("normal.two_back", "normal.previous")
