"""Only what meets the constraints is asked for."""

import numpy as np
import pytest

from nasturtium.cost.counts import Counted
from nasturtium.errors import ConfigError, InfeasibleSpace
from nasturtium.front.objectives import Constraint, parse_constraint
from nasturtium.seeds import rng_for
from nasturtium.space.zoo.mobilenet import mobilenet
from nasturtium.strategy.constrained import Constrained
from nasturtium.strategy.distinct import Distinct
from nasturtium.strategy.evolution import RegularizedEvolution
from nasturtium.strategy.exhaustive import Exhaustive
from nasturtium.strategy.local import LocalSearch
from nasturtium.strategy.nsga2 import NSGA2
from nasturtium.strategy.random import RandomSearch
from nasturtium.testing.strategy import tell_all
from nasturtium.testing.toys import ToyCosts, conditional_space, flat_space, toy_metrics

NAMES = ("params", "macs")
STRATEGIES = [RandomSearch, Exhaustive, LocalSearch, RegularizedEvolution, NSGA2]


class Costs:
    """Counts params and measures latency_ms, and remembers what was measured."""

    names = frozenset({"params", "latency_ms"})

    def __init__(self, space):
        self.space = space
        self.measured = []

    def __call__(self, architecture, names):
        params = toy_metrics(self.space, architecture)["params"]
        if "latency_ms" in names:
            self.measured.append(params)
        return {name: params if name == "params" else params / 1000 for name in names}


@pytest.mark.parametrize("kind", STRATEGIES)
@pytest.mark.parametrize("make", [flat_space, conditional_space])
def test_every_candidate_meets_the_constraints_and_most_that_do_are_found(kind, make):
    space = make()
    params = {architecture: toy_metrics(space, architecture)["params"] for architecture in space}
    bound = Constraint("params", "<=", sorted(params.values())[15])
    feasible = {architecture for architecture in space if params[architecture] <= bound.bound}
    inner = Constrained(kind(space), space, [bound], ToyCosts(space), tries=20)
    strategy = Distinct(inner, repr, tries=30)
    asked = set()
    while batch := strategy.ask(1):
        strategy.tell(tell_all(space, batch))
        asked.add(batch[0].point)
    assert asked <= feasible
    assert len(asked) >= 0.5 * len(feasible)


@pytest.mark.parametrize("kind", STRATEGIES)
def test_one_feasible_architecture_is_found_by_repair(kind):
    space = flat_space()
    strategy = Constrained(
        kind(space, seed=5), space, [Constraint("params", "<=", 1400)], ToyCosts(space), tries=3
    )
    assert strategy.ask(1)[0].point == space.unrank(0)


def test_the_inner_strategy_is_told_what_was_refused_and_why():
    space = flat_space()

    class Watched(RandomSearch):
        def tell(self, trials):
            refused.extend(trials)
            super().tell(trials)

    refused = []
    Constrained(Watched(space), space, [Constraint("params", "<=", 1500)], ToyCosts(space)).ask(5)
    assert refused
    for trial in refused:
        assert trial.status == "infeasible"
        assert trial.metrics["params"] > 1500
        assert "not <= 1500" in trial.error


@pytest.mark.parametrize("kind", STRATEGIES)
def test_an_unreachable_constraint_says_the_nearest_seen(kind):
    space = flat_space()
    strategy = Constrained(kind(space), space, [Constraint("params", "<=", 10)], ToyCosts(space))
    with pytest.raises(
        InfeasibleSpace, match=r"0 of \d+ samples of flat meet params <= 10; smallest params seen 1400"
    ):
        strategy.ask(1)


def test_a_lower_bound_out_of_reach_says_the_largest_seen():
    space = flat_space()
    strategy = Constrained(RandomSearch(space), space, [parse_constraint("params >= 1M")], ToyCosts(space))
    with pytest.raises(InfeasibleSpace, match="largest params seen 2200"):
        strategy.ask(1)


def test_contradictory_constraints_are_refused_at_once():
    space = flat_space()
    bounds = [Constraint("params", "<=", 10), Constraint("params", ">=", 20)]
    with pytest.raises(ConfigError, match="can meet both"):
        Constrained(RandomSearch(space), space, bounds, ToyCosts(space))


def test_constraints_on_what_only_training_tells_are_not_looked_at():
    space = flat_space()
    costs = ToyCosts(space)
    strategy = Constrained(RandomSearch(space), space, [Constraint("error", "<=", 0)], costs)
    assert strategy.ask(20) == RandomSearch(space).ask(20)


def test_nothing_is_measured_that_is_already_too_large_by_count():
    space = flat_space()
    costs = Costs(space)
    bounds = [Constraint("latency_ms", "<=", 1.6), Constraint("params", "<=", 1700)]
    asked = Constrained(RandomSearch(space), space, bounds, costs).ask(20)
    assert all(toy_metrics(space, candidate.point)["params"] <= 1600 for candidate in asked)
    assert costs.measured
    assert max(costs.measured) <= 1700


def test_a_cost_that_cannot_be_had_ends_in_an_error_not_in_a_loop():
    space = flat_space()

    class Silent(ToyCosts):
        def __call__(self, architecture, names):
            return {}

    strategy = Constrained(RandomSearch(space), space, [Constraint("params", "<=", 10)], Silent(space))
    with pytest.raises(InfeasibleSpace, match="no cost was finite"):
        strategy.ask(1)


def test_narrow_windows_on_two_costs_are_met_within_bounded_tries():
    # Each holds about 0.1 % of random networks, and at least one.
    space = mobilenet().bind((3, 32, 32), 10)
    costs = Counted(space)
    drawn = [costs(space.sample(rng_for(5, "test/window", i)), NAMES) for i in range(2000)]
    logs = np.log([[metrics[name] for name in NAMES] for metrics in drawn])
    for number in range(30):
        away = np.abs(logs - logs[number]).max(axis=1)
        half = np.sort(away)[2]
        bounds = [
            Constraint(name, op, float(np.exp(middle + side * half)))
            for name, middle in zip(NAMES, logs[number], strict=True)
            for op, side in ((">=", -1), ("<=", 1))
        ]
        (candidate,) = Constrained(RandomSearch(space, seed=number), space, bounds, costs, number).ask(1)
        metrics = costs(candidate.point, NAMES)
        assert all(bound.holds(metrics) for bound in bounds)
