"""Fronts, ranks, crowding and hypervolume against brute force."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nasturtium.front.dominance import crowding, dominates, hypervolume, non_dominated, order, ranks

coarse = st.sampled_from([0.0, 1.0, 2.0, 3.0, 0.5, -1.0, 1e-300, 1e300, math.nan, math.inf, -math.inf])
finite = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0, 1.25])


def points(elements, least=0):
    shapes = st.tuples(st.integers(least, 12), st.integers(1, 4))
    return shapes.flatmap(lambda shape: arrays(np.float64, shape, elements=elements))


def brute_ranks(rows):
    result = [-1] * len(rows)
    left = {i for i, row in enumerate(rows) if np.isfinite(row).all()}
    for rank in itertools.count():
        if not left:
            return [max(rank, 1) if r < 0 else r for r in result]
        front = {i for i in left if not any(dominates(rows[j], rows[i]) for j in left)}
        for i in front:
            result[i] = rank
        left -= front


@given(points(coarse | st.floats(-10, 10)))
def test_ranks_are_those_of_brute_force(rows):
    assert ranks(rows).tolist() == brute_ranks(rows)


@given(points(coarse | st.floats(-10, 10)))
def test_the_front_is_rank_zero_and_has_no_nan_nor_infinity(rows):
    mask = non_dominated(rows)
    assert mask.tolist() == [rank == 0 for rank in brute_ranks(rows)]
    assert np.isfinite(rows[mask]).all()


def test_copies_on_the_front_are_all_on_it():
    assert non_dominated([[0, 1], [1, 0], [0, 1], [1, 1]]).tolist() == [True, True, True, False]
    assert non_dominated([[2.0], [2.0], [3.0]]).tolist() == [True, True, False]


def test_rows_that_are_not_finite_come_after_the_last_front():
    assert ranks([[math.nan, 0], [0, 0], [1, 1], [math.inf, -5]]).tolist() == [2, 0, 1, 2]
    assert ranks([[math.nan, 0]]).tolist() == [1]


def test_nothing_has_no_ranks():
    for nothing in ([], np.zeros((0, 2))):
        assert ranks(nothing).tolist() == non_dominated(nothing).tolist() == order(nothing) == []
        assert crowding(nothing).tolist() == []
        assert hypervolume(nothing, (1, 1)) == 0


@given(points(coarse | st.floats(-10, 10)))
def test_order_is_a_permutation_by_rank_then_crowding_then_place(rows):
    found = order(rows)
    assert sorted(found) == list(range(len(rows)))
    rank = brute_ranks(rows)
    for first, second in itertools.pairwise(found):
        assert rank[first] <= rank[second]
        if rank[first] == rank[second]:
            members = [i for i, r in enumerate(rank) if r == rank[first]]
            distance = dict(zip(members, crowding(rows[members]), strict=True))
            assert (-distance[first], first) <= (-distance[second], second) or rows.shape[1] == 1


@given(st.lists(coarse | st.floats(-10, 10), max_size=20))
def test_order_of_one_objective_sorts_with_what_is_not_finite_last(column):
    found = order(np.array(column).reshape(-1, 1))
    assert found == sorted(
        range(len(column)), key=lambda i: column[i] if math.isfinite(column[i]) else math.inf
    )


def test_crowding_is_that_of_the_paper():
    front = [[0, 4], [1, 2], [3, 1], [4, 0]]  # by hand: (3-0)/4 + (4-1)/4 and (4-1)/4 + (2-0)/4
    assert crowding(front).tolist() == [math.inf, 1.5, 1.25, math.inf]


def test_crowding_of_copies_and_of_few_points():
    assert crowding([[1, 1]]).tolist() == [math.inf]
    assert crowding([[1, 2], [2, 1]]).tolist() == [math.inf, math.inf]
    assert crowding([[1, 1]] * 4).tolist() == [math.inf, 0, 0, math.inf]
    assert crowding([[math.nan, 1], [1, 1]]).tolist() == [0, math.inf]


@given(points(finite, least=1).filter(lambda rows: rows.shape[1] <= 3))
def test_hypervolume_is_that_of_counted_cells(rows):
    axis = (
        np.arange(0, 1, 0.25) + 0.125
    )  # the points are on a grid of 0.25, so each cell is inside or outside
    cells = np.array(list(itertools.product(axis, repeat=rows.shape[1])))
    inside = (rows[:, None, :] <= cells[None]).all(axis=2).any(axis=0)
    assert hypervolume(rows, (1.0,) * rows.shape[1]) == pytest.approx(inside.sum() * 0.25 ** rows.shape[1])


def test_hypervolume_leaves_out_what_is_beyond_the_reference_or_not_finite():
    rows = [[0.5, 0.5], [2, 0], [math.nan, 0], [-math.inf, 0], [1, 0]]
    assert hypervolume(rows, (1, 1)) == 0.25


def test_a_wrong_shape_is_refused():
    with pytest.raises(ValueError, match=r"must be \[points, 2\]"):
        hypervolume([[1, 2, 3]], (1, 1))
    with pytest.raises(ValueError, match="must be finite"):
        hypervolume([[1, 2]], (1, math.nan))
    with pytest.raises(ValueError, match=r"points are \[3\]"):
        ranks([1, 2, 3])


@given(st.lists(coarse, min_size=2, max_size=2), st.lists(coarse, min_size=2, max_size=2))
def test_domination_is_antisymmetric_and_irreflexive(a, b):
    assert not dominates(a, a)
    assert not (dominates(a, b) and dominates(b, a))
