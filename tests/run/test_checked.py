"""A user's evaluator, beside a user's model of costs."""

import pytest

import nasturtium as nt
from nasturtium import blocks as b
from nasturtium import choice
from nasturtium.errors import ConfigError, UnknownName
from nasturtium.evaluate.one_by_one import OneByOne
from nasturtium.protocols import Candidate, Trial
from nasturtium.run.checked import Checked
from nasturtium.testing.evaluator import EvaluatorConformance
from nasturtium.testing.toys import ToyEvaluator, flat_space

SPACE = flat_space()
PAIRS = nt.Space(b.settings(x=choice(1, 2, 3, 4), y=choice(1, 2, 3, 4)), name="xy")


class TestChecked(EvaluatorConformance):
    def make(self):
        return Checked(ToyEvaluator(SPACE, workers=3), lambda given: {"error"} - set(given))

    def candidates(self):
        return [Candidate(SPACE.unrank(7 * i), number=i) for i in range(10)]


class Product(OneByOne):
    """Error 1 / (x y), and how many were evaluated."""

    def __init__(self):
        self.evaluated = 0

    def trial(self, candidate):
        self.evaluated += 1
        x, y = (option + 1 for option in candidate.point.choices)
        return Trial(candidate, {"error": 1 / (x * y)})


class Weight:
    names = frozenset({"weight"})

    def __call__(self, architecture, names):
        return {"weight": float(sum(architecture.choices) + 2)}


def test_the_costs_of_a_users_model_join_the_trials_of_a_users_evaluator():
    run = nt.search(
        PAIRS,
        evaluator=Product(),
        costs=Weight(),
        method="random",
        minimize="error",
        subject_to="weight <= 5",
        budget=10,
        baseline=False,
    )
    assert {trial.metrics["weight"] for trial in run.trials()} == {2.0, 3.0, 4.0, 5.0}
    assert len(run.trials()) == 10  # of 16 networks, these alone weigh 5 or less
    assert run.front[0].metrics["error"] == 1 / 6


def test_a_metric_that_the_evaluator_does_not_give_is_said_at_its_first_trial():
    evaluator = Product()
    with pytest.raises(UnknownName, match="unknown metric 'eror'"):
        nt.search(PAIRS, evaluator=evaluator, minimize="eror", method="random", budget=10, baseline=False)
    assert evaluator.evaluated == 1


def test_an_objective_whose_arithmetic_comes_to_nothing_is_said_to():
    with pytest.raises(ConfigError, match="1 / 0 \\* error has no value in any of 3 trials"):
        nt.search(
            PAIRS, evaluator=Product(), minimize="1 / 0 * error", method="random", budget=3, baseline=False
        )
