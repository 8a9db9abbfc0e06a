"""A linear model with a prior variance per group."""

import numpy as np
import pytest

from nasturtium.errors import ConfigError
from nasturtium.predictor.grouped import Group, GroupedRidge


@pytest.fixture(name="rng")
def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_weights_of_a_linear_law_are_found(rng: np.random.Generator) -> None:
    left, right = rng.random((60, 3)), 100 * rng.random((60, 2))
    values = 5 + left @ [1.0, 2.0, 3.0] + right @ [0.1, 0.0]
    model = GroupedRidge((Group(1.0), Group(1.0, alike=False)))
    model.fit([left, right], values)
    constant, (one, other) = model.weights()
    assert constant == pytest.approx(5, abs=0.2)
    assert one == pytest.approx([1, 2, 3], abs=0.1)
    assert other == pytest.approx([0.1, 0.0], abs=0.01)


def test_predictions_are_those_of_the_weights(rng: np.random.Generator) -> None:
    rows, values = rng.random((20, 4)), rng.random(20)
    model = GroupedRidge((Group(1.0),))
    model.fit([rows], values)
    constant, (weights,) = model.weights()
    assert model.predict([rows]) == pytest.approx(constant + rows @ weights)


def test_columns_that_mean_nothing_are_trusted_little(rng: np.random.Generator) -> None:
    useful, noise = rng.random((40, 2)), rng.random((40, 30))
    model = GroupedRidge((Group(1.0), Group(1.0)))
    model.fit([useful, noise], useful @ [1.0, -1.0])
    _, (_, weights) = model.weights()
    assert np.abs(weights).max() < 0.1


def test_products_of_columns_are_learnt_where_a_group_has_them(rng: np.random.Generator) -> None:
    rows = rng.choice([-1.0, 1.0], (60, 3))
    values = rows[:, 0] * rows[:, 1]
    model = GroupedRidge((Group(1.0), Group(1.0, power=2)))
    model.fit([rows, rows], values)
    assert np.abs(model.predict([rows, rows]) - values).max() < 0.2
    with pytest.raises(ConfigError, match="no weight per column"):
        model.weights()


def test_what_others_say_of_an_example_is_what_a_fit_without_it_says(rng: np.random.Generator) -> None:
    rows = rng.random((40, 2))
    values = rows @ [1.0, 2.0] + 0.2 * rng.standard_normal(40)
    model, without = GroupedRidge((Group(1.0),)), GroupedRidge((Group(1.0),))
    model.fit([rows], values)
    without.fit([rows[1:]], values[1:])
    assert model.left_out[0] == pytest.approx(without.predict([rows[:1]])[0], abs=0.02)
    assert abs(model.left_out[0] - values[0]) > abs(model.predict([rows[:1]])[0] - values[0])


def test_relative_noise_trusts_small_values_more(rng: np.random.Generator) -> None:
    rows = np.linspace(1, 100, 40)[:, None]
    values = rows[:, 0] * (1 + 0.2 * rng.standard_normal(40))
    relative, absolute = GroupedRidge((Group(1.0),), relative=True), GroupedRidge((Group(1.0),))
    relative.fit([rows], values)
    absolute.fit([rows], values)
    first = np.array([[1.0]])
    assert abs(relative.predict([first])[0] - 1) < abs(absolute.predict([first])[0] - 1)


def test_one_matrix_per_group_is_wanted(rng: np.random.Generator) -> None:
    with pytest.raises(ConfigError, match="1 matrices for 2 groups"):
        GroupedRidge((Group(1.0), Group(1.0))).fit([rng.random((3, 2))], np.ones(3))
