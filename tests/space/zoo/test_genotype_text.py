"""Genotypes as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasturtium.errors import SpaceError, UnknownOp
from nasturtium.space.zoo.cells import PairCell
from nasturtium.space.zoo.genotype_text import cells_text, parse_cells
from nasturtium.space.zoo.operations import OPERATIONS

# As quark0/darts and yuhuixu1993/PC-DARTS print them.
PC_DARTS = """
PC_DARTS_cifar = Genotype(normal=[('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 0),
    ('dil_conv_3x3', 1), ('sep_conv_5x5', 0), ('sep_conv_3x3', 1), ('avg_pool_3x3', 0), ('dil_conv_3x3', 1)],
    normal_concat=range(2, 6), reduce=[('sep_conv_5x5', 1), ('max_pool_3x3', 0), ('sep_conv_5x5', 1),
    ('sep_conv_5x5', 2), ('sep_conv_3x3', 0), ('sep_conv_3x3', 3), ('sep_conv_3x3', 1), ('sep_conv_3x3', 2)],
    reduce_concat=[2, 3, 4, 5])
"""
GOOD = {"normal": "[('skip_connect', 0), ('skip_connect', 1)]", "normal_concat": "range(2, 3)"}
GOOD |= {"reduce": GOOD["normal"], "reduce_concat": "[2]"}


def spelled(**fields):
    return f"Genotype({', '.join(f'{name}={value}' for name, value in (GOOD | fields).items() if value)})"


@st.composite
def cells(draw):
    blocks = []
    for states in range(2, 2 + draw(st.integers(1, 5))):
        ops, places = st.sampled_from(sorted(OPERATIONS)), st.integers(0, states - 1)
        blocks.append((draw(places), draw(ops), draw(places), draw(ops), "add"))
    outputs = draw(st.lists(st.integers(0, 1 + len(blocks)), min_size=1, unique=True))
    return PairCell(tuple(blocks), tuple(outputs))


def test_what_darts_prints_is_read():
    normal, reduction = parse_cells(PC_DARTS)
    assert normal.blocks[0] == (1, "sep_conv_3x3", 0, "skip_connect", "add")
    assert reduction.blocks[3] == (1, "sep_conv_3x3", 2, "sep_conv_3x3", "add")
    assert normal.outputs() == reduction.outputs() == (2, 3, 4, 5)


@given(cells(), cells())
def test_parsing_undoes_writing(normal, reduction):
    assert parse_cells(cells_text(normal, reduction)) == (normal, reduction)


def test_fields_may_be_given_in_order():
    in_order = f"Genotype({', '.join(GOOD[name] for name in GOOD)})"
    assert parse_cells(in_order) == parse_cells(spelled())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Genotype(", "is no genotype"),
        ("print(1)", "is no genotype"),
        ("1 + 1", "is no genotype"),
        ("x = 1; y = 2", "is no genotype"),
        (spelled(reduce=""), "the genotype has no reduce"),
        (spelled(other="1"), "field 'other' is unknown"),
        (spelled(normal="[('skip_connect', 0)]"), "normal of the genotype has 1 entries"),
        (spelled(normal="7"), "normal of the genotype has 0 entries"),
        (spelled(normal="[('skip_connect', 0), 'skip_connect']"), "entry 2 is 'skip_connect'"),
        (spelled(normal="[('skip_connect', 0), ('skip_connect', 2)]"), "block 1 reads states 0 and 2"),
        (spelled(normal_concat="[5]"), r"the output names states \[5\]"),
        (spelled(normal_concat="2"), "normal_concat of the genotype is 2"),
        (spelled(normal="open('x')"), "must be a list, or a range"),
        (spelled(normal_concat="range('a')"), "must be a list, or a range"),
    ],
)
def test_what_is_no_genotype_says_why(text, message):
    with pytest.raises(SpaceError, match=message):
        parse_cells(text)


def test_an_unknown_operation_is_named_with_its_place():
    with pytest.raises(UnknownOp, match="normal of the genotype, entry 2: no op 'sep_conv_9x9'"):
        parse_cells(spelled(normal="[('skip_connect', 0), ('sep_conv_9x9', 1)]"))


def test_a_concatenating_block_has_no_text():
    cell = PairCell(((0, "skip_connect", 1, "skip_connect", "concat"),), "all")
    with pytest.raises(SpaceError, match="normal cell joins by concatenation"):
        cells_text(cell, cell)
