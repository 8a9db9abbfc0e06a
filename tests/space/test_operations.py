import pytest

from nasturtium.run.names import space_named
from nasturtium.space.operations import operations_of
from nasturtium.testing.toys import conditional_space, flat_space


def named(space, rows):
    """The options for which a row says yes, by decision."""
    return {
        decision.path: {label for label, yes in zip(decision.labels, row, strict=True) if yes}
        for decision, row in zip(space.decisions, rows, strict=True)
        if any(row)
    }


def test_the_edges_of_nasbench201_have_three_operations_without_weights():
    space = space_named("nasbench201")
    kinds = operations_of(space)
    assert kinds.decisions == tuple(range(6))
    assert set(map(frozenset, named(space, kinds.weightless).values())) == {
        frozenset({"none", "skip_connect", "avg_pool_3x3"})
    }
    assert set(map(frozenset, named(space, kinds.skips).values())) == {frozenset({"skip_connect"})}
    assert set(map(frozenset, named(space, kinds.nothing).values())) == {frozenset({"none"})}


def test_a_norm_behind_a_pooling_is_no_weight_of_its_own_but_a_strided_skip_has_some():
    space = space_named("darts_search")
    kinds = named(space, operations_of(space).weightless)
    assert kinds["normal.node1.from0"] == {"none", "max_pool_3x3", "avg_pool_3x3", "skip_connect"}
    # Edges from the inputs of a reduction cell halve the sides: there a skip is a factorised convolution.
    assert kinds["reduction.node1.from0"] == {"none", "max_pool_3x3", "avg_pool_3x3"}
    assert "skip_connect" in named(space, operations_of(space).skips)["reduction.node1.from0"]


def test_a_block_that_may_be_left_out_is_an_operation_and_numbers_are_none():
    space = conditional_space()
    kinds = operations_of(space)
    assert named(space, kinds.weightless) == {
        path: {"identity"} for path in ("stage1.block1", "stage1.block2", "stage1.block3", "choice")
    }
    assert named(space, kinds.skips) == named(space, kinds.weightless)
    assert operations_of(flat_space()).decisions == ()


@pytest.mark.parametrize("name", ["mobilenet", "spos", "enas_macro"])
def test_where_every_option_has_weights_there_are_no_such_decisions(name):
    space = space_named(name).bind((3, 32, 32), 10)
    assert operations_of(space).decisions == ()
