import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasturtium.predictor.warp import HalfRank, Plain

numbers = st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=30)


@given(numbers)
def test_order_is_kept_and_nothing_overflows(values):
    warped = HalfRank(np.array(values)).values
    assert np.isfinite(warped).all()
    order = np.argsort(values, kind="stable")
    assert (np.diff(warped[order]) >= -1e-9).all()


def test_the_good_half_keeps_its_proportions():
    warped = HalfRank(np.array([1.0, 2.0, 4.0, 5.0, 9.0])).values
    good = np.array([1.0, 2.0, 4.0]) - 4.0
    assert warped[:3] == pytest.approx(good / np.sqrt((good**2).mean()))


def test_how_bad_the_worst_is_does_not_matter():
    mild, wild = (HalfRank(np.array([1.0, 2.0, 3.0, 4.0, worst])).values for worst in (5.0, 1e9))
    assert np.array_equal(mild, wild)


def test_equal_values_are_all_zero():
    assert np.array_equal(HalfRank(np.full(5, 0.3)).values, np.zeros(5))


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=20))
def test_values_come_back(values):
    warp = HalfRank(np.array(values))
    assert warp.back(warp.values) == pytest.approx(np.array(values), abs=1e-6)


def test_beyond_the_ends_it_goes_on_straight():
    warp = HalfRank(np.array([1.0, 2.0, 3.0]))
    low, high = warp.values[0], warp.values[-1]
    assert warp.back(np.array([low - 1, high + 1])) == pytest.approx([1 - warp.scale, 3 + warp.scale])


def test_a_plain_scale_takes_logarithms_of_what_is_above_zero():
    scale = Plain(np.array([1.0, 10.0, 100.0]))
    assert scale.values == pytest.approx(np.array([-1, 0, 1]) * 1.5**0.5)
    assert scale(np.array([1000.0])) == pytest.approx(2 * 1.5**0.5)
    assert np.isfinite(scale(np.array([-1.0, 0.0, np.inf]))).all()


def test_a_plain_scale_is_linear_where_a_value_is_not_above_zero():
    scale = Plain(np.array([-1.0, 0.0, 1.0]))
    assert scale.values == pytest.approx(np.array([-1, 0, 1]) * 1.5**0.5)
    assert np.array_equal(Plain(np.full(3, -2.0)).values, np.zeros(3))
