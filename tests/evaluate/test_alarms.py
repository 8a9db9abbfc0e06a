import math

import pytest

from nasturtium.evaluate.agreement import Agreement, paired
from nasturtium.evaluate.alarms import WORDS, alarms, standing
from nasturtium.evaluate.course import Course
from nasturtium.testing.toys import flat_space

DECISIONS = (("edge", ("none", "skip", "conv")), ("width", ("4", "8")))


def course(**fields):
    """A training of 1,000 steps, looked at 10 times, at peace."""
    calm = {
        "steps": tuple(range(100, 1001, 100)),
        "entropy": (0.9,) * 10,
        "skips": (0.2,) * 10,
        "weightless": (0.2,) * 10,
        "loss": (1.0,) * 10,
        "error": (0.3,) * 10,
        "counts": ((100, 100, 100), (150, 150)),
    }
    return Course(1000, DECISIONS, **calm | fields)


def names(*args):
    return [(alarm.name, alarm.step) for alarm in alarms(*args)]


def test_a_calm_training_warns_of_nothing():
    assert names(course()) == []
    assert names(Course(1000, ())) == []


def test_a_narrow_distribution_counts_only_early():
    assert names(course(entropy=(0.9, 0.9, 0.4) + (0.3,) * 7)) == [("entropy", 300)]
    assert names(course(entropy=(0.9,) * 5 + (0.1,) * 5)) == []
    assert names(course(entropy=(0.0,) * 3 + (0.3,) * 3 + (0.7,) * 4)) == []  # it opens
    assert names(course(entropy=(math.nan,) * 10)) == []


def test_skips_have_to_be_many_twice():
    assert names(course(skips=(0.2, 0.6, 0.2, 0.5, 0.7) + (0.2,) * 5)) == [("skips", 500)]
    assert names(course(skips=(0.49,) * 10)) == []


def test_an_eigenvalue_that_rises_is_told_by_the_rule_of_robust_darts():
    flat = tuple((50 * i, 1.0) for i in range(1, 21))
    assert names(course(eigenvalues=flat)) == []
    # Averages of five, four apart: 1.0 then 2.0 by the value in which five are 2.
    rising = (*flat[:10], *((50 * i, 2.0) for i in range(11, 21)))
    assert names(course(eigenvalues=rising)) == [("eigenvalue", 600)]


def test_the_eigenvalues_of_the_first_fifth_are_no_ground_to_stop():
    early = tuple((20 * i, 1.0 if i < 3 else 2.0) for i in range(1, 10))
    assert names(course(eigenvalues=early)) == []


def test_options_that_lack_training_are_named_where_it_is_no_chance():
    (alarm,) = alarms(course(counts=((300, 0, 25), (150, 150))))
    assert "edge=skip (0 of 325)" in alarm.seen
    assert "edge=conv" not in alarm.seen  # half of what the others had
    (alarm,) = alarms(course(counts=((300, 300, 25), (150, 2))))
    assert "2 options" in alarm.seen
    assert names(course(counts=((30, 0, 30), (30, 0)))) == []


def test_ranks_that_disagree_are_told_from_ten_networks_on():
    falling = tuple((0.1 * i, 1.0 - 0.1 * i) for i in range(10))
    assert names(course(), Agreement(falling)) == [("ranks", None)]
    assert names(course(), Agreement(falling[:9])) == []
    assert names(course(), Agreement(tuple((a, a) for a, _ in falling))) == []
    (alarm,) = alarms(course(), Agreement(tuple((0.9, b) for _, b in falling)))
    assert "undefined" in alarm.seen


def test_a_gap_of_more_than_ten_points_is_told():
    assert names(course(), Agreement(mixture=0.3, discrete=0.45)) == [("gap", None)]
    assert names(course(), Agreement(mixture=0.3, discrete=0.39)) == []
    assert names(course(), Agreement(mixture=0.3)) == []


def test_they_come_in_the_order_in_which_they_were_seen():
    both = course(entropy=(0.9,) * 3 + (0.2,) * 7, skips=(0.6,) * 10, counts=((300, 0, 300), (300, 300)))
    assert names(both) == [("skips", 200), ("entropy", 400), ("neglect", None)]


@pytest.mark.parametrize("name", WORDS)
def test_each_says_what_it_means_and_what_to_do(name):
    meaning, advice = WORDS[name]
    assert meaning.endswith(".")
    assert advice.endswith(".")


def test_how_it_stands_is_a_few_words():
    assert standing(course(eigenvalues=((100, 0.25),))) == "entropy 0.90, skips 20%, eigenvalue 0.25"
    assert standing(Course(10, ())) == ""


def test_a_rank_correlation_is_spearman_s():
    assert Agreement(((0.1, 1.0), (0.2, 3.0), (0.3, 2.0))).spearman == pytest.approx(0.5)  # 1 - 6 * 2 / 24
    assert math.isnan(Agreement(((0.1, 1.0), (0.2, 3.0))).spearman)
    assert math.isnan(Agreement(()).spearman)


def test_pairs_are_of_networks_that_have_both():
    a, b, c = (flat_space().unrank(number) for number in range(3))
    assert paired({a: 0.5, b: 0.4}, {c: 0.1, b: 0.2, a: math.nan}) == ((0.4, 0.2),)
