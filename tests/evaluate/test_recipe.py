"""The settings of a training."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasturtium.errors import ConfigError
from nasturtium.evaluate.recipe import Recipe


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"batch_size": 1},
        {"optimizer": "adam"},
        {"lr": 0.0},
        {"lr": float("nan")},
        {"momentum": 1.0},
        {"warmup": -0.1},
        {"label_smoothing": 1.0},
        {"weight_decay": -1.0},
        {"drop_path": 1.0},
        {"auxiliary": -0.4},
        {"patience": 0},
        {"max_seconds": 0.0},
        {"precision": "float16"},
        {"memory_format": "nchw"},
        {"threads": 0},
        {"augment": "yes"},
    ],
)
def test_a_value_that_makes_no_sense_is_named(wrong):
    (name,) = wrong
    with pytest.raises(ConfigError, match=f"recipe: {name} is .*must be"):
        Recipe(**wrong)


@given(images=st.integers(2, 10**7))
def test_the_default_batch_is_a_power_of_two_within_bounds_and_gives_32_steps_where_it_can(images):
    batch = Recipe().batch_for(images)
    assert batch in {16, 32, 64, 128}
    assert batch in {16, 128} or 32 <= images / batch < 64


def test_given_values_overrule_the_defaults():
    recipe = Recipe(batch_size=7, lr=0.3, weight_decay=0.0)
    assert (recipe.batch_for(1000), recipe.peak_lr, recipe.decay) == (7, 0.3, 0.0)
