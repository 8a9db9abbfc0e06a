"""BOHB models the largest fidelity that it can, and then finds better networks than random brackets do."""

import numpy as np
import pytest

from nasturtium.errors import ConfigError
from nasturtium.protocols import Candidate, Trial
from nasturtium.seeds import rng_for
from nasturtium.strategy.bohb import BOHB
from nasturtium.strategy.hyperband import Hyperband
from nasturtium.testing.toys import conditional_space, flat_space, toy_metrics


def tell(strategy, space, ranks, fidelity, error=None):
    for rank in ranks:
        point = space.unrank(rank)
        metrics = toy_metrics(space, point) if error is None else {"error": error}
        strategy.tell([Trial(Candidate(point, fidelity), metrics)])


def course(strategy, space, trials):
    found = []
    for number in range(trials):
        (asked,) = strategy.ask(1)
        candidate = Candidate(asked.point, asked.fidelity, asked.parent, number)
        found.append(Trial(candidate, toy_metrics(space, candidate.point)))
        strategy.tell(found[-1:])
    return found


def test_its_brackets_are_those_of_hpbandster():
    space = conditional_space()
    fidelities = [trial.candidate.fidelity for trial in course(BOHB(space), space, 13 + 4 + 3)]
    assert fidelities == [1] * 9 + [3] * 3 + [9] + [3] * 3 + [9] + [9] * 3


def test_without_enough_results_it_samples_at_random():
    space = flat_space()
    strategy = BOHB(space, random_fraction=0, fidelities=(9,))
    tell(strategy, space, range(9), 9)  # 4 decisions: 2 * (4 + 1) are needed
    assert strategy.ask(1)[0].point == space.sample(rng_for(0, "bohb", 0))
    assert strategy.model._model() is None
    tell(strategy, space, [9], 9)
    assert strategy.model._model() is not None


def test_the_model_is_of_the_largest_fidelity_that_has_enough():
    space = flat_space()
    strategy = BOHB(space, random_fraction=0)
    tell(strategy, space, range(0, 80, 2), 1)
    low = strategy.model._model()
    tell(strategy, space, range(9), 9)
    assert np.array_equal(strategy.model._model()[0].rows, low[0].rows)
    tell(strategy, space, range(9, 30), 9)
    good, bad = strategy.model._model()
    assert (len(good.rows), len(bad.rows)) == (5, 25)


def test_good_are_the_best_15_percent_and_bad_the_rest():
    space = flat_space()
    strategy = BOHB(space, random_fraction=0, fidelities=(9,))
    tell(strategy, space, range(80), 9)
    good, bad = strategy.model._model()
    assert (len(good.rows), len(bad.rows)) == (12, 68)
    worth = sorted(toy_metrics(space, space.unrank(rank))["error"] for rank in range(80))
    found = [toy_metrics(space, strategy.model._coordinates.architecture(row))["error"] for row in good.rows]
    assert max(found) <= worth[12]


def test_failures_are_bad_and_never_good():
    space = flat_space()
    strategy = BOHB(space, random_fraction=0, fidelities=(9,))
    for rank in range(20):
        strategy.tell([Trial(Candidate(space.unrank(rank), 9), {}, "failed", "made to")])
    tell(strategy, space, range(20, 24), 9)
    assert strategy.model._model() is None  # 4 did not fail, 5 are needed
    tell(strategy, space, [24], 9)
    good, bad = strategy.model._model()
    assert (len(good.rows), len(bad.rows)) == (5, 20)


def test_it_proposes_better_networks_than_chance():
    space = conditional_space()
    errors = {
        method: [
            trial.metrics["error"]
            for seed in range(4)
            for trial in course(method(space, seed=seed), space, 120)[60:]
            if trial.candidate.parent is None
        ]
        for method in (BOHB, Hyperband)
    }
    assert np.mean(errors[BOHB]) < np.mean(errors[Hyperband]) - 0.05


def test_the_settings_of_nasbench201_and_a_single_fidelity():
    space = conditional_space()
    strategy = BOHB(space, fidelities=(12,), num_samples=4, random_fraction=0.0, min_bandwidth=0.3)
    assert {trial.candidate.fidelity for trial in course(strategy, space, 60)} == {12}


@pytest.mark.parametrize(
    "wrong",
    [
        {"top_percent": 0},
        {"num_samples": 0},
        {"random_fraction": 1.1},
        {"min_bandwidth": 0},
        {"bandwidth_factor": 0},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        BOHB(flat_space(), **wrong)
