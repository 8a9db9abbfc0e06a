import json
import math

import numpy as np
import pytest

from nasturtium.run.bench.course import Course, Row, run_course
from nasturtium.run.bench.entry import entry_of
from nasturtium.run.bench.protocol import Protocol, budget_of
from nasturtium.run.names import table_named


def course(method="random", budget=30, seed=0, table="toy.py:table", **rules):
    return Course(table, entry_of(method), seed, Protocol(budget_of(budget), **rules))


def without_times(row):
    return {key: value for key, value in row.as_json().items() if key not in ("ms", "wall_seconds")}


def test_a_course_notes_every_trial_and_judges_at_every_mark(toys):
    row = run_course(course())
    assert row.error is None
    assert (row.table, row.method, row.seed) == ("toy.py:table", "random", 0)
    assert len(row.values) == len(row.seconds) == len(row.ms) == 30
    assert row.seconds == tuple(10.0 * i for i in range(1, 31))
    assert row.at == (10, 20, 25, 30)
    assert len(row.picked) == len(row.seen) == 4
    assert min(row.ms) > 0


def test_the_score_is_the_mean_over_trainings_and_the_optimum_that_of_the_table(toys):
    row = run_course(course("exhaustive", 81))
    truth = table_named("toy.py:table")
    assert row.optimum == truth.optimum("error") == pytest.approx(0.05 + 0.02)
    # All 81 were seen: with the noise of single trainings the pick need not be the best, with means it is.
    assert row.picked[-1] >= row.optimum
    assert run_course(course("exhaustive", 81, single=False)).picked[-1] == row.optimum


def test_what_was_picked_is_judged_as_it_was_known_at_each_mark(toys):
    row = run_course(course("exhaustive", 30, single=False))
    space = table_named("toy.py:table").space
    truths = [table_named("toy.py:table").truth(space.unrank(i))["error"] for i in range(30)]
    for mark, picked, seen in zip(row.at, row.picked, row.seen, strict=True):
        assert picked == seen == min(truths[: int(mark)])


def test_the_same_course_gives_the_same_row(toys):
    assert without_times(run_course(course("evolution"))) == without_times(run_course(course("evolution")))
    assert run_course(course("evolution")).values != run_course(course("evolution", seed=1)).values


def test_methods_of_the_same_seed_see_the_same_numbers(toys):
    # Both see all 81 networks, in another order.
    one, other = run_course(course("exhaustive", 81, seed=5)), run_course(course("random", 81, seed=5))
    assert sorted(one.values) == sorted(other.values)


def test_a_network_is_evaluated_once_unless_repeats_are_paid_for(toys):
    # 81 networks in 300 evaluations: without repeats there is nothing left to ask.
    assert len(run_course(course("random", 300)).values) == 81
    row = run_course(course("random", 300, distinct=False))
    assert len(row.values) == 300
    assert len(row.at) == len(row.picked)


def test_simulated_time_is_spent_and_what_ends_after_a_mark_was_not_known_then(toys):
    row = run_course(course("exhaustive", "105s", single=False))
    assert row.seconds[-1] == 110.0
    counts = run_course(course("exhaustive", 11, single=False))
    assert row.at[-1] == 105.0
    assert row.picked[-1] == counts.picked[9]  # ten trainings had ended by then


def test_another_table_may_judge(toys):
    row = run_course(course("random", 20, judge="toy.py:without_seconds", metric="error"))
    assert row.optimum == 0.0
    assert all(math.isclose(81 * value, round(81 * value)) for value in row.picked)


def test_a_course_that_raises_is_a_row_with_the_last_line(toys):
    row = run_course(course("mine.py:Raises"))
    assert row.error == "RuntimeError: no idea what to ask (mine.py, line 15)"
    assert row.picked == ()
    assert row.key == ("toy.py:table", "mine.py:Raises", 0)


def test_a_course_none_of_whose_trials_succeeded_says_why(toys):
    # The table has trainings of 4 epochs only.
    row = run_course(course("halving(fidelities='1,2')", 5))
    assert row.error.startswith("none of 5 trials succeeded; the first: no training of 1 epochs")


def test_a_row_survives_json(toys):
    for row in (run_course(course()), run_course(course("mine.py:Raises"))):
        text = json.dumps(row.as_json(), allow_nan=False)
        assert Row.from_json(json.loads(text)).as_json() == row.as_json()
    missing = Row("t", "m", 0, picked=(math.nan, 1.0))
    assert np.isnan(Row.from_json(missing.as_json()).picked[0])
