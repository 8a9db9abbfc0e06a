import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasturtium.errors import ConfigError
from nasturtium.front.dominance import non_dominated
from nasturtium.front.objectives import parse_objective
from nasturtium.protocols import Candidate, Trial
from nasturtium.run.picks import choose, contenders, feasible, picked, unmet, within
from nasturtium.run.spec import parse_budgets
from nasturtium.testing.toys import flat_space

ERROR, COST, THIRD = (parse_objective(text) for text in ("error", "latency_ms", "params"))
values = st.floats(0, 10).map(lambda x: round(x, 1))
clouds = st.lists(st.tuples(values, values), max_size=20).map(lambda rows: np.array(rows).reshape(-1, 2))


def test_the_picks_are_the_ends_and_the_knee():
    points = np.array([[0.1, 100.0], [0.15, 20.0], [0.4, 10.0], [0.2, 90.0], [0.5, 50.0]])
    assert [(c.row, c.name) for c in choose(points, (ERROR, COST), 3)] == [
        (0, "accurate"),
        (1, "knee"),
        (2, "cheapest"),
    ]


def test_the_error_is_found_wherever_it_stands():
    points = np.array([[100.0, 0.1], [10.0, 0.4]])
    assert [(c.row, c.name) for c in choose(points, (COST, ERROR), 3)] == [(0, "accurate"), (1, "cheapest")]


def test_more_picks_lie_far_from_those_chosen():
    points = np.array([[x, 1 - x] for x in (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)])
    rows = [choice.row for choice in choose(points, (ERROR, COST), 5)]
    assert rows == [0, 3, 5, 2, 4]


def test_one_objective_gives_the_lowest():
    points = np.array([[3.0], [1.0], [2.0], [1.0]])
    assert [(c.row, c.name) for c in choose(points, (ERROR,), 3)] == [
        (1, "best"),
        (3, "best-2"),
        (2, "best-3"),
    ]


@given(clouds, st.integers(0, 8))
def test_picks_are_different_points_of_the_front(points, count):
    chosen = choose(points, (ERROR, COST), count)
    rows = [choice.row for choice in chosen]
    front = set(np.flatnonzero(non_dominated(points)).tolist())
    assert len(rows) == len(set(rows)) == min(count, len(front))
    assert set(rows) <= front
    assert len({choice.name for choice in chosen}) == len(chosen)


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e12])
def test_the_units_of_an_objective_do_not_matter(scale):
    points = np.random.default_rng(0).random((30, 3))
    scaled = points * [1.0, scale, 1.0]
    assert choose(points, (ERROR, COST, THIRD), 6) == choose(scaled, (ERROR, COST, THIRD), 6)


def test_trials_of_a_lower_fidelity_are_on_no_front():
    point = flat_space().unrank(0)
    told = [Trial(Candidate(point, fidelity), {"error": error}) for fidelity, error in ((3, 0.1), (9, 0.2))]
    assert feasible(told, (ERROR,), ()) == ([told[1]], np.array([[0.2]]))
    whole = Trial(Candidate(point), {"error": 0.3})  # no fidelity is all of it
    failed = Trial(Candidate(point, 27), {}, "failed", "diverged")
    assert feasible([*told, failed], (ERROR,), ())[0] == [told[1]]
    assert feasible([*told, whole], (ERROR,), ())[0] == [whole]


def latencies(*rows):
    candidate = Candidate(flat_space().unrank(0))
    return [Trial(candidate, {"error": error, "latency_ms": ms}) for error, ms in rows], np.array(rows)


def test_of_each_budget_the_lowest_error_within_it_is_picked_before_others():
    trials, points = latencies((0.1, 9.0), (0.2, 4.0), (0.4, 1.0), (0.3, 3.9), (0.05, 20.0))
    budgets = parse_budgets("latency_ms <= 1, 4, 5, 10")
    found = [(c.row, c.name) for c in within(trials, points, (ERROR, COST), budgets)]
    assert found == [(2, "latency_ms-1"), (1, "latency_ms-4"), (0, "latency_ms-10")]
    assert [c.row for c in picked(trials, points, (ERROR, COST), 2, budgets)] == [2, 1, 0]
    more = picked(trials, points, (ERROR, COST), 4, budgets)
    assert [(c.row, c.name) for c in more[3:]] == [(4, "accurate")]
    assert picked(trials, points, (ERROR, COST), 3) == choose(points, (ERROR, COST), 3)


def test_a_second_look_is_at_the_best_within_each_budget_then_at_the_second_best():
    trials, points = latencies((0.1, 9.0), (0.2, 4.0), (0.4, 1.0), (0.3, 3.9), (0.05, 20.0), (0.5, 0.5))
    budgets, objectives = parse_budgets("latency_ms <= 1, 4"), (ERROR, COST)
    assert contenders(trials, points, objectives, 4, budgets) == [2, 1, 5, 3]
    assert contenders(trials, points, objectives, 3, budgets) == [2, 1, 5]
    assert contenders(trials, points, objectives, 1, budgets) == [2, 1], "no budget goes without"
    assert contenders(trials, points, objectives, 5, budgets)[4:] == [4], "then the front, from its end"
    spread = [one.row for one in choose(points, objectives, 3)]
    for none in ((), parse_budgets("latency_ms <= 0.1")):
        assert contenders(trials, points, objectives, 3, none) == spread
    assert contenders([], points[:0], objectives, 3, budgets) == []


def test_a_budget_that_nothing_meets_is_said_with_the_nearest():
    trials, points = latencies((0.1, 9.0), (0.2, 4.0))
    budgets = parse_budgets("latency_ms <= 2, 5")
    assert [c.row for c in within(trials, points, (ERROR, COST), budgets)] == [1]
    (said,) = unmet(trials, budgets)
    assert "latency_ms <= 2, the nearest has 4" in said


@pytest.mark.parametrize(("text", "plain"), [("params <= 20,000", "20000"), ("macs <= 1,200,300", "1200300")])
def test_a_list_of_budgets_that_may_be_one_number_is_asked_about(text, plain):
    with pytest.raises(ConfigError, match=f"may be one number or several: write {plain} or "):
        parse_budgets(text)


def test_budgets_without_spaces_are_a_list():
    assert [one.bound for one in parse_budgets("latency_ms <= 0.5,1,2.25,4")] == [0.5, 1, 2.25, 4]
