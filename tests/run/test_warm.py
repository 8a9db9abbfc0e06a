"""A search starts from an earlier run, also one of another space."""

from functools import partial

import pytest

import nasturtium as nt
from nasturtium.errors import ConfigError, JournalError
from nasturtium.run.names import space_named
from nasturtium.run.warm import prior_trials, warmed
from nasturtium.strategy.halving import SuccessiveHalving
from nasturtium.strategy.random import RandomSearch
from nasturtium.testing.toys import ToyEvaluator, flat_space


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    space = space_named("chain")
    out = tmp_path_factory.mktemp("warm") / "run"
    nt.search(
        "chain",
        evaluator=ToyEvaluator(space),
        method=SuccessiveHalving,
        minimize="error",
        budget=13,
        baseline=False,
        out=out,
    )
    return out


def test_trials_come_by_fidelity_the_highest_first(folder):
    tasks = prior_trials(folder, space_named("chain"))
    assert [{trial.candidate.fidelity for trial in task} for task in tasks] == [{9}, {3}, {1}]
    assert [len(task) for task in tasks] == [1, 3, 9]


def test_seeds_are_asked_first_and_then_the_best_of_before(folder):
    space = space_named("chain")
    seed = space.unrank(11)
    method = warmed(RandomSearch, space, warm_from=[folder], seeds=[space.text(seed)])
    asked = method(space, seed=0).ask(2)
    assert [one.point for one in asked] == [seed, prior_trials(folder, space)[0][0].architecture]


def test_without_either_the_method_stays_what_it_is():
    method = partial(RandomSearch)
    assert warmed(method, flat_space()) is method


def test_a_run_that_has_nothing_to_say_is_an_error(folder, tmp_path):
    with pytest.raises(ConfigError, match="no trial of a network that flat has"):
        prior_trials(folder, flat_space())
    with pytest.raises(JournalError):
        prior_trials(tmp_path / "none", flat_space())
