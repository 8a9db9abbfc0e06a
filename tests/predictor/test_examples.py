import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasturtium.errors import ConfigError
from nasturtium.predictor.examples import Scale, in_order
from nasturtium.testing.toys import flat_space


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20), st.sampled_from(["linear", "rank"]))
def test_a_guess_of_an_example_s_score_is_its_value(values, name):
    column = np.array(values)
    scale = Scale(name)
    scores = scale.fit(column)
    back, std = scale.back(scores, np.zeros(len(scores)))
    assert back == pytest.approx(column, rel=1e-6, abs=1e-6 * max(np.ptp(column), 1e-3))
    assert std == pytest.approx(0)


@pytest.mark.parametrize("name", ["linear", "rank"])
def test_scores_have_mean_0_and_spread_1_and_keep_the_order(name):
    values = np.array([3.0, -2.0, 100.0, 5.0, 4.0])
    scores = Scale(name).fit(values)
    assert scores.mean() == pytest.approx(0)
    assert scores.std() == pytest.approx(1)
    assert list(np.argsort(scores)) == list(np.argsort(values))


@pytest.mark.parametrize("name", ["linear", "rank"])
def test_guesses_keep_their_order_beyond_the_examples_too(name):
    scale = Scale(name)
    scale.fit(np.array([1.0, 2.0, 2.0, 50.0]))
    guesses, std = scale.back(np.linspace(-5, 5, 100), np.full(100, 0.3))
    assert (np.diff(guesses) > 0).all()
    assert (std > 0).all()


def test_equal_values_have_equal_scores():
    scores = Scale("rank").fit(np.array([1.0, 1.0, 0.0, 2.0, 1.0]))
    assert scores[0] == scores[1] == scores[4]


def test_examples_are_sorted():
    space = flat_space()
    examples, values = in_order([space.unrank(i) for i in (5, 2, 5)], np.array([3.0, 1.0, 2.0]))
    assert [space.rank(one) for one in examples] == [2, 5, 5]
    assert values.tolist() == [1, 2, 3]


@pytest.mark.parametrize("values", [[], [1.0], [1.0, np.nan], [1.0, np.inf], [[1.0, 2.0]]])
def test_what_cannot_be_learnt_from_is_refused(values):
    space = flat_space()
    with pytest.raises(ConfigError, match=r"finite|one value each"):
        in_order([space.unrank(0), space.unrank(1)], np.array(values))


def test_an_unknown_scale_is_refused():
    with pytest.raises(ConfigError, match="linear, rank"):
        Scale("log")
