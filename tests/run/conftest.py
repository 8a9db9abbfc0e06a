"""Runs to look at: one on a table, without torch, and one that trains."""

import pytest

import nasturtium as nt
from nasturtium import blocks as b
from nasturtium.testing.toys import ToyCosts, ToyEvaluator, flat_space


@pytest.fixture(scope="session")
def toy_run(tmp_path_factory):
    """A search of a toy space with an evaluator in place of data."""
    space = flat_space()
    return nt.search(
        space,
        evaluator=ToyEvaluator(space, failing=0.1),
        costs=ToyCosts(space),
        method="nsga2",
        minimize=("error", "params"),
        subject_to="params <= 1900",
        budget=40,
        out=tmp_path_factory.mktemp("toy") / "run",
    )


@pytest.fixture(scope="session")
def tiny_space():
    """Nets that train on digits in a tenth of a second."""
    width, kernel = nt.choice(4, 8, name="width"), nt.choice(3, 5, name="kernel")
    return nt.Space(
        b.conv(width, kernel=kernel, stride=2), b.conv(nt.choice(8, 16, 24)), b.classifier(), name="tiny"
    )


@pytest.fixture(scope="session")
def digits():
    """A few of the digits."""
    return nt.tasks.image_classification("digits", max_train=300)


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory, tiny_space, digits):
    """A whole run on real images: search, baseline, final trainings."""
    return nt.search(
        tiny_space,
        digits,
        method="evolution",
        minimize=("error", "params"),
        subject_to="macs <= 60e3",
        budget=6,
        out=tmp_path_factory.mktemp("digits") / "run",
        recipe=nt.Recipe(epochs=2, batch_size=32, threads=1),
        retrain=nt.Retraining(picks=2, times=2, epochs=3),
    )
