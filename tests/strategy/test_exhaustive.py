"""Every architecture once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasturtium.errors import ConfigError
from nasturtium.strategy.exhaustive import Exhaustive, shuffled
from nasturtium.testing.toys import conditional_space


@pytest.mark.parametrize("order", ["rank", "random"])
def test_asks_for_every_architecture_once_and_then_for_nothing(order):
    space = conditional_space()
    strategy = Exhaustive(space, order=order)
    asked = [candidate.point for _ in range(100) for candidate in strategy.ask(7)]
    assert len(asked) == space.count
    assert set(asked) == set(space)
    assert (asked == list(space)) == (order == "rank")
    assert strategy.ask(1) == []


@given(st.integers(1, 700), st.integers(0, 99))
def test_a_shuffle_is_a_permutation(count, seed):
    assert sorted(shuffled(i, count, seed) for i in range(count)) == list(range(count))


def test_a_shuffle_of_more_numbers_than_memory_holds():
    count = 10**40 + 7
    places = [shuffled(i, count, 0) for i in range(500)]
    assert len(set(places)) == 500
    assert all(0 <= place < count for place in places)
    assert 0.4 < np.mean([place / count for place in places]) < 0.6


def test_the_first_of_a_shuffle_are_a_uniform_sample():
    counts = np.zeros(10)
    for seed in range(1000):
        for i in range(2):
            counts[shuffled(i, 10, seed)] += 1
    assert abs(counts - 200).max() < 4 * np.sqrt(200)  # 4 standard deviations


def test_an_unknown_order_is_refused():
    with pytest.raises(ConfigError, match="'rank' or 'random'"):
        Exhaustive(conditional_space(), order="backwards")
