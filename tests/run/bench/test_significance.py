import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nasturtium.run.bench.significance import (
    alike,
    bootstrap,
    critical_difference,
    duels,
    friedman,
    holm,
    mean_ranks,
)
from nasturtium.seeds import rng_for

# Demsar 2006 (JMLR 7), table 6: AUC of C4.5, C4.5+m, C4.5+cf and C4.5+m+cf on 14 data sets. In the row before
# the last, 0.975 and 0.975 have ranks 2 and 3 there: the digits that were not printed differ.
AUC = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9752, 0.9748],
        [0.957, 0.978, 0.946, 0.970],
    ]
)


def test_mean_ranks_are_those_of_demsar():
    # Section 3.2.2: 3.143, 2.000, 2.893 and 1.964.
    assert mean_ranks(-AUC) == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)


def test_the_critical_difference_is_that_of_demsar():
    # Section 3.2.2: 1.25 at 5 % and 1.12 at 10 % for 4 classifiers on 14 data sets.
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=5e-3)
    assert critical_difference(4, 14, alpha=0.10) == pytest.approx(1.12, abs=5e-3)


def test_the_test_of_all_together_is_that_of_demsar():
    # Section 3.2.2: chi2 = 9.28 and F = 3.69, with 3 and 39 degrees of freedom.
    assert friedman(mean_ranks(-AUC), 14) == pytest.approx(stats.f.sf(3.69, 3, 39), rel=0.01)
    assert friedman(np.array([1.0, 2.0]), 5) == 0.0
    assert friedman(np.array([1.5, 1.5]), 5) == 1.0


@pytest.mark.parametrize(
    ("methods", "q"),
    # Demsar 2006, table 5 (a): critical values of the two-tailed Nemenyi test at 5 %.
    [
        (2, 1.960),
        (3, 2.343),
        (4, 2.569),
        (5, 2.728),
        (6, 2.850),
        (7, 2.949),
        (8, 3.031),
        (9, 3.102),
        (10, 3.164),
    ],
)
def test_the_quantiles_are_those_of_demsar(methods, q):
    blocks = methods * (methods + 1) / 6
    assert critical_difference(methods, 1) == pytest.approx(
        q * math.sqrt(blocks), abs=2e-3 * math.sqrt(blocks)
    )


def test_a_method_that_found_nothing_ranks_last():
    assert mean_ranks(np.array([[0.5, np.nan, 0.1]])).tolist() == [2, 3, 1]


def test_bars_join_the_largest_runs_within_the_difference():
    assert alike([1.0, 1.5, 2.4, 4.0], 1.0) == [(0, 1), (1, 2)]
    assert alike([1.0, 1.5, 1.9, 4.0], 1.0) == [(0, 2)]
    assert alike([1.0, 3.0], 1.0) == []


def test_p_values_are_those_of_scipy():
    rng = rng_for(0, "tests/significance")
    left, right = rng.normal(size=20), rng.normal(0.8, size=20)
    (duel,) = duels({"a": left.tolist(), "b": right.tolist()})
    assert duel.p == pytest.approx(stats.wilcoxon(left, right).pvalue)
    assert (duel.better, duel.worse) == ("a", "b")
    assert duel.wins == (left < right).sum()
    assert duel.wins + duel.losses == 20


def test_a_method_and_itself_are_equal():
    (duel,) = duels({"a": [1.0, 2.0, math.nan], "b": [1.0, 2.0, math.nan]})
    assert (duel.wins, duel.ties, duel.losses, duel.p, duel.decided) == (0, 3, 0, 1.0, False)


def test_one_may_be_tested_against_all_others():
    scores = {name: [float(i + j) for j in range(9)] for i, name in enumerate("abc")}
    assert len(duels(scores)) == 3
    assert {frozenset((d.better, d.worse)) for d in duels(scores, "b")} == {frozenset("ab"), frozenset("bc")}


def test_a_course_that_found_nothing_loses():
    (duel,) = duels({"a": [math.nan] * 8, "b": [0.1 * i for i in range(8)]})
    assert (duel.better, duel.wins) == ("b", 8)
    assert duel.decided


def test_holm_is_that_of_its_paper():
    # Holm 1979: the smallest of m times m, the next times m - 1, never falling, never above 1.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=8))
def test_a_correction_never_helps_and_keeps_the_order(p):
    corrected = holm(p)
    assert all(after >= before for before, after in zip(p, corrected, strict=True))
    order = sorted(range(len(p)), key=p.__getitem__)
    assert [corrected[i] for i in order] == sorted(corrected)


def test_the_interval_of_a_mean_is_that_of_the_normal_law():
    values = rng_for(1, "tests/significance").normal(3.0, 2.0, size=(400, 2))
    low, high = bootstrap(values)
    half = 1.96 * values.std(axis=0) / 20
    assert low == pytest.approx(values.mean(axis=0) - half, abs=0.03)
    assert high == pytest.approx(values.mean(axis=0) + half, abs=0.03)


def test_the_interval_of_equal_values_is_a_point():
    low, high = bootstrap(np.full((5, 3), 0.25), np.median)
    assert low.tolist() == high.tolist() == [0.25] * 3
