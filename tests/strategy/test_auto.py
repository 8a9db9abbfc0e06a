import numpy as np
import pytest

from nasturtium.front.dominance import hypervolume
from nasturtium.front.objectives import Constraint, Objective, subject_to
from nasturtium.protocols import Trial
from nasturtium.seeds import rng_for
from nasturtium.space.zoo.mobilenet import mobilenet
from nasturtium.strategy.auto import Auto, improvement
from nasturtium.strategy.random import RandomSearch
from nasturtium.testing.toys import conditional_space, flat_space, toy_metrics

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


def test_improvement_is_that_of_the_formula_with_one_objective():
    # Jones, Schonlau and Welch 1998, eq. 15, against the mean over draws.
    draws = rng_for(0, "draws").standard_normal(200_000)
    mean, std, told = np.array([[0.3], [-0.5]]), np.array([[0.5], [0.1]]), np.array([[0.1], [0.4]])
    found = improvement(mean, std, told, np.empty((2, 0, 1)))
    wanted = np.maximum(0.1 - (mean + std * draws), 0).mean(axis=1)
    assert found == pytest.approx(wanted, rel=0.02)


def test_improvement_is_the_growth_of_the_hypervolume_with_several():
    # Golovin and Zhang 2020, lemma 5: volume = c_k E[max of the scalarisation], and c_2 = pi / 4.
    told = np.array([[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]])
    reference = (1.1, 1.1)
    asked = np.array([[0.2, 0.2], [-0.5, 0.9], [0.6, 0.6], [0.45, 0.5]])
    draws = rng_for(0, "draws").standard_normal((2, 100_000, 2))
    found = np.pi / 4 * improvement(asked, np.full((4, 2), 1e-9), told, draws)
    before = hypervolume(told, reference)
    wanted = [hypervolume([*told, point], reference) - before for point in asked]
    assert found == pytest.approx(wanted, rel=0.05, abs=1e-3)
