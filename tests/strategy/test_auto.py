import numpy as np
import pytest

from nasturtium.evaluate.tables.nasbench_macro import nasbench_macro
from nasturtium.front.dominance import hypervolume
from nasturtium.front.objectives import Constraint, Objective, subject_to
from nasturtium.protocols import Trial
from nasturtium.seeds import rng_for
from nasturtium.space.zoo.mobilenet import mobilenet
from nasturtium.strategy.auto import Auto
from nasturtium.strategy.random import RandomSearch
from nasturtium.testing.toys import ToyCosts, conditional_space, flat_space, toy_metrics

BOTH = (Objective("error"), Objective("params"))


def run(strategy, space, budget, metrics=toy_metrics, status=None):
    """Asks and tells one by one; returns the trials."""
    trials = []
    for _ in range(budget):
        for candidate in strategy.ask(1):
            found = metrics(space, candidate.point)
            state = status(candidate.point, found) if status else "ok"
            trials.append(Trial(candidate, found if state == "ok" else {}, state))
            strategy.tell(trials[-1:])
    return trials


@pytest.mark.parametrize("make", [flat_space, conditional_space])
def test_finds_the_best_network_of_a_small_space_in_a_fraction_of_it(make):
    space = make()
    best = min(toy_metrics(space, a)["error"] for a in space)
    for seed in range(3):
        strategy = Auto(space, seed=seed)
        run(strategy, space, 30)
        assert toy_metrics(space, strategy.best(1)[0])["error"] == best


def test_never_asks_for_the_same_network_twice_and_ends_when_there_is_no_other():
    space = conditional_space()
    trials = run(Auto(space, initial=4), space, 400)
    forms = {space.canonical(a) for a in space}
    asked = [space.canonical(t.architecture) for t in trials]
    assert len(asked) == len(set(asked)) == len(forms)


def test_networks_asked_for_together_differ():
    space = mobilenet()
    strategy = Auto(space, seed=1)
    run(strategy, space, 15)
    asked = [candidate.point for candidate in strategy.ask(8)]
    assert len({space.canonical(a) for a in asked}) == 8


def test_one_lucky_training_is_not_believed():
    space = flat_space()

    def noisy(space, architecture):
        noise = 0.08 * rng_for(0, "noise", space.rank(architecture)).standard_normal()
        return {"error": toy_metrics(space, architecture)["error"] + noise}

    picked, lowest = [], []
    for seed in range(6):
        strategy = Auto(space, seed=seed)
        trials = run(strategy, space, 40, noisy)
        lucky = min(trials, key=lambda trial: trial.metrics["error"]).architecture
        picked.append(toy_metrics(space, strategy.best(1)[0])["error"])
        lowest.append(toy_metrics(space, lucky)["error"])
    assert np.mean(picked) <= np.mean(lowest)


def test_learns_where_trainings_fail():
    space = mobilenet()
    wide = [path.path for path in space.decisions].index("stage1.width")  # better, as toys go; but it fails
    strategy = Auto(space, seed=0)
    trials = run(strategy, space, 40, status=lambda a, _: "failed" if a.choices[wide] else "ok")
    late = [trial.status for trial in trials[20:]]
    assert late.count("failed") < 0.3 * len(late)


def test_several_objectives_give_a_better_front_than_random_search():
    space = mobilenet()
    volumes = {Auto: [], RandomSearch: []}
    for method, found in volumes.items():
        for seed in range(3):
            trials = run(method(space, seed=seed, objectives=BOTH), space, 40)
            points = [(trial.metrics["error"], trial.metrics["params"]) for trial in trials]
            found.append(hypervolume(points, (0.6, 9000)))
    assert min(volumes[Auto]) > max(volumes[RandomSearch])


def test_a_constraint_that_only_a_training_tells_is_met():
    space = conditional_space()
    bound = Constraint(
        "params", "<=", float(np.quantile([toy_metrics(space, a)["params"] for a in space], 0.3))
    )
    strategy = Auto(space, seed=0, objectives=subject_to([Objective("error")], [bound]))
    run(strategy, space, 40)
    feasible = [toy_metrics(space, a) for a in space]
    lowest = min(m["error"] for m in feasible if bound.holds(m))
    assert toy_metrics(space, strategy.best(1)[0])["error"] <= lowest + 0.05
    assert bound.holds(toy_metrics(space, strategy.best(1)[0]))


def test_a_dozen_trainings_give_a_front_far_above_that_of_random_search():
    reached = {
        method: np.mean([dozen(method, seed) for seed in range(10)]) for method in (Auto, RandomSearch)
    }
    assert reached[Auto] > reached[RandomSearch] + 0.1


def dozen(method, seed):
    """The hypervolume of twelve networks of NAS-Bench-Macro, of the means of their trainings."""
    table = nasbench_macro(seed=seed)
    given = {"costs": TableCosts(table)} if method is Auto else {}
    strategy = method(table.space, seed=seed, objectives=BOTH, **given)
    points = []
    for _ in range(12):
        (candidate,) = strategy.ask(1)
        strategy.tell([table.trial(candidate)])
        truth = table.truth(candidate.point)
        points.append((truth["error"], np.log(truth["params"])))
    low, high = (
        np.array([0.0687, np.log(387_882)]),
        np.array([0.5464, np.log(1_985_514)]),
    )  # of the true front
    return hypervolume((np.array(points) - low) / (high - low), (1.1, 1.1)) / 1.21


class TableCosts:
    """The counts of a table as a cost model; it does not measure."""

    names = frozenset({"params", "macs", "latency_ms"})

    def __init__(self, table):
        self.table = table

    def __call__(self, architecture, names):
        assert set(names) <= {"params", "macs"}, "a latency takes a second to measure"
        return {name: self.table.truth(architecture)[name] for name in names}


def test_a_bound_that_only_trainings_tell_is_learnt_from_the_values_of_its_metric():
    table = nasbench_macro(seed=0)
    bound = Constraint("macs", "<=", float(np.quantile([table.truth(a)["macs"] for a in table.space], 0.1)))
    asked = Auto(table.space, objectives=subject_to([Objective("error")], [bound]), costs=TableCosts(table))
    trials = run(asked, table.space, 24, lambda _, a: table.truth(a))
    assert sum(bound.holds(trial.metrics) for trial in trials) > 8  # one in ten, were they random


def test_objectives_that_are_all_counted_are_made_small_too():
    space = mobilenet()
    counted = (Objective("params"), Objective("params * 2"))
    for objectives in (counted[:1], counted):
        strategy = Auto(space, objectives=objectives, costs=ToyCosts(space))
        run(strategy, space, 20)
        assert toy_metrics(space, strategy.best(1)[0])["params"] < 3000


def test_three_objectives_at_once():
    space = flat_space()
    objectives = (*BOTH, Objective("params * error"))
    strategy = Auto(space, objectives=objectives, costs=ToyCosts(space))
    trials = run(strategy, space, 20)
    assert len({trial.architecture for trial in trials}) == 20
