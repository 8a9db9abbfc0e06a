"""Evolution by predicted values."""

import pytest

from nasturtium.errors import ConfigError, UnknownName
from nasturtium.front.objectives import Constraint
from nasturtium.predictor.forest import Forest
from nasturtium.predictor.gp import GaussianProcess
from nasturtium.predictor.mlp import MLPEnsemble
from nasturtium.strategy.predicted import PredictedEvolution
from nasturtium.testing.strategy import ONE, TWO, tell_all
from nasturtium.testing.toys import ToyCosts, flat_space

SIZES = {"initial": 12, "batch": 4, "population": 10, "generations": 3}


def course(strategy, space, trials):
    told = []
    for _ in range(trials):
        told += tell_all(space, strategy.ask(1))
        strategy.tell(told[-1:])
    return told


def test_what_twelve_results_teach_leads_to_the_best_of_all():
    """The error of the toy is lowest, 0.05, with the last option of every decision."""
    space = flat_space()
    found = course(PredictedEvolution(space, **SIZES), space, 20)
    assert min(trial.metrics["error"] for trial in found) == pytest.approx(0.05)
    assert min(trial.metrics["error"] for trial in found[:12]) > 0.05


def test_bounds_that_are_counted_are_kept_within_the_evolution():
    space = flat_space()
    costs, bound = ToyCosts(space), Constraint("params", "<=", 1800)
    strategy = PredictedEvolution(space, objectives=ONE, costs=costs, constraints=[bound], **SIZES)
    found = course(strategy, space, 20)
    assert all(bound.holds(trial.metrics) for trial in found[12:])
    assert not all(bound.holds(trial.metrics) for trial in found[:12])  # these are `Constrained`'s matter


def test_a_front_needs_no_prediction_of_what_is_counted():
    space = flat_space()
    costs = ToyCosts(space)
    strategy = PredictedEvolution(space, objectives=TWO, costs=costs, **SIZES)
    course(strategy, space, 13)
    guess = strategy._taught(*strategy._observed.examples(), 0)
    some = [space.unrank(rank) for rank in (0, 40, 80)]
    assert guess(some)[:, 1].tolist() == [costs(one, ["params"])["params"] for one in some]


def test_predictors_have_names():
    kinds = {
        name: PredictedEvolution(flat_space(), predictor=name)._model(0) for name in ("forest", "gp", "mlp")
    }
    assert [type(one) for one in kinds.values()] == [Forest, GaussianProcess, MLPEnsemble]


def test_parameters_out_of_range_are_refused():
    with pytest.raises(ConfigError, match="generations"):
        PredictedEvolution(flat_space(), generations=0)
    with pytest.raises(UnknownName, match="tree"):
        PredictedEvolution(flat_space(), predictor="tree")
