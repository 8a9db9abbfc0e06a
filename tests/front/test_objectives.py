"""Objectives and constraints as text."""

import itertools
import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.front.dominance import dominates
from nasturtium.front.objectives import (
    ERROR,
    Constraint,
    Objective,
    check_consistent,
    check_shares,
    parse_constraint,
    parse_objective,
    subject_to,
    values,
)
from nasturtium.protocols import Candidate, Trial

anything = st.floats(allow_nan=True, allow_infinity=True)
constraints = st.builds(
    Constraint,
    metric=st.sampled_from(["macs", "params"]),
    op=st.sampled_from(["<=", ">=", "<", ">"]),
    bound=st.floats(-1e6, 1e6),
)


@given(anything, anything)
def test_an_objective_is_a_number_or_inf_and_never_nan(error, latency_ms):
    for text in ("error", "error * log(latency_ms) ** 0.6", "-error", "error / latency_ms", "exp(error)"):
        value = parse_objective(text)({"error": error, "latency_ms": latency_ms})
        assert math.isfinite(value) or value == math.inf


def test_an_objective_without_its_metric_is_inf_whatever_its_sign():
    assert parse_objective("-accuracy")({}) == math.inf
    assert parse_objective("-accuracy")({"accuracy": math.inf}) == math.inf
    assert parse_objective("error * 0 + latency_ms")({"error": math.nan, "latency_ms": 1.0}) == math.inf


def test_an_objective_says_its_metrics_and_compares_by_text():
    objective = parse_objective("error * (latency_ms / 80) ** 0.07")
    assert objective.metrics == {"error", "latency_ms"}
    assert objective == Objective(objective.text)
    assert len({objective, Objective(objective.text), Objective("error")}) == 2
    assert str(objective) == objective.text


def test_an_objective_is_the_same_in_another_process():
    objective = subject_to([Objective("error ** 2")], [parse_constraint("error <= 0.5")])[0]
    again = pickle.loads(pickle.dumps(objective))
    assert again == objective
    assert again({"error": 0.25}) == 0.0625


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("params <= 200e3", Constraint("params", "<=", 200e3)),
        ("params<=200k", Constraint("params", "<=", 200e3)),
        (" latency_ms < 2 ", Constraint("latency_ms", "<", 2.0)),
        ("macs >= 1.5M", Constraint("macs", ">=", 1.5e6)),
        ("macs > 2 G", Constraint("macs", ">", 2e9)),
        ("params <= 2_000_000", Constraint("params", "<=", 2e6)),
        ("error <= .5", Constraint("error", "<=", 0.5)),
        ("score >= -3", Constraint("score", ">=", -3.0)),
        ("error <= 5%", Constraint("error", "<=", 0.05)),
        ("test_error < 7 %", Constraint("test_error", "<", 0.07)),
        ("error <= 1", Constraint("error", "<=", 1.0)),
        ("loss <= 3", Constraint("loss", "<=", 3.0)),
    ],
)
def test_constraints_are_read(text, wanted):
    assert parse_constraint(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "params",
        "params <=",
        "<= 3",
        "params <= many",
        "params <= 1e999",
        "params <= nan",
        "params <= 1,5",
        "2x <= 3",
    ],
)
def test_what_is_not_a_constraint_is_refused(text):
    with pytest.raises(ConfigError, match="write metric, one of"):
        parse_constraint(text)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("latency_ms <= 1ms", "latency_ms is in milliseconds already: write latency_ms <= 1"),
        ("latency_onnx_ms < 0.5 s", "in milliseconds already: write latency_onnx_ms < 500"),
        ("size_bytes <= 100KB", "size_bytes is in bytes already: write size_bytes <= 100k"),
        ("size_bytes <= 100B", "size_bytes is in bytes already: write size_bytes <= 100"),
        ("params <= 3 ms", "ms is no unit: write params <= 3, with k, M or G after it for thousands"),
        ("params <= 3kk", "kk is no unit: write params <= 3,"),
        ("params < 20,000", "leave the comma out: write params < 20000"),
        ("params <= 1,000,000", "leave the comma out: write params <= 1000000"),
        ("20000 >= params", "the metric comes first: write params <= 20000"),
        ("20,000 < params", "the metric comes first: write params > 20000"),
        ("params = 20000", "one of <= >= < >: write params <= 20000 or params >= 20000"),
        ("params == 2k", "write params <= 2k or params >= 2k"),
        ("params ≤ 3", "write params <= 3 or params >= 3"),
        ("params <= 2e4 and macs <= 1M", 'two constraints are two arguments: "params <= 2e4" "macs <= 1M"'),
        ("params <= 2e4, error <= 4%", 'two constraints are two arguments: "params <= 2e4" "error <= 4%"'),
        ("1e3 <= params <= 2e4", "two constraints are two arguments: "),
    ],
)
def test_what_people_write_instead_is_answered_with_what_to_write(text, advice):
    with pytest.raises(ConfigError) as problem:
        parse_constraint(text)
    assert f"constraint {text!r} is not understood; " in str(problem.value)
    assert advice in str(problem.value)


@pytest.mark.parametrize("text", ["error <= 5", "test_error < 5.0"])
def test_an_error_in_percent_without_the_sign_is_refused(text):
    with pytest.raises(ConfigError, match=r"error is a share: 5 % is 0\.05, or write 5%"):
        check_shares([parse_constraint(text)])


@given(constraints)
def test_text_of_a_constraint_reads_back(constraint):
    again = parse_constraint(str(constraint))
    assert (again.metric, again.op) == (constraint.metric, constraint.op)
    assert again.bound == pytest.approx(constraint.bound, rel=1e-11)


@given(constraints, anything)
def test_violation_is_zero_exactly_where_the_constraint_holds(constraint, value):
    metrics = {constraint.metric: value}
    assert constraint.violation(metrics) >= 0
    assert (constraint.violation(metrics) == 0) == constraint.holds(metrics)


@given(st.floats(0.5, 1e6), st.floats(0, 1e6), st.floats(0, 1e6))
def test_violation_grows_with_the_excess_and_does_not_depend_on_the_unit(bound, excess, more):
    def violation(scale, by):
        return Constraint("params", "<=", bound * scale).violation({"params": (bound + by) * scale})

    assert violation(1, excess + more) >= violation(1, excess)
    assert violation(4, excess) == pytest.approx(violation(1, excess), rel=1e-6, abs=1e-9)


def test_a_missing_metric_holds_no_constraint():
    for constraint in (Constraint("params", "<=", 3), Constraint("params", ">=", 3)):
        for metrics in ({}, {"params": math.nan}, {"params": math.inf}, {"params": -math.inf}):
            assert not constraint.holds(metrics)
            assert constraint.violation(metrics) == math.inf


@given(st.lists(constraints, max_size=5))
def test_contradictions_are_found_exactly_when_no_number_meets_all(given_):
    def possible(metric):
        mine = [c for c in given_ if c.metric == metric]
        bounds = sorted({c.bound for c in mine})
        inner = [(a + b) / 2 for a, b in itertools.pairwise(bounds)]
        tried = [*bounds, *inner, *(bounds[:1] and [bounds[0] - 1, bounds[-1] + 1]), 0.0]
        return any(all(c.holds({metric: value}) for c in mine) for value in tried)

    bounds = sorted(c.bound for c in given_)
    if any(0 < b - a < 1e-9 for a, b in itertools.pairwise(bounds)):
        return  # between these there is no number to try
    if possible("macs") and possible("params"):
        check_consistent(given_)
    else:
        with pytest.raises(ConfigError, match="can meet both"):
            check_consistent(given_)


def test_a_contradiction_names_both_constraints():
    with pytest.raises(ConfigError, match="params >= 20 and params <= 10"):
        check_consistent(map(parse_constraint, ["params <= 10", "macs <= 3", "params >= 20"]))


def test_only_an_ok_trial_has_values():
    candidate = Candidate(Architecture("toy", (0,)))
    objectives = (*ERROR, Objective("params"))
    assert values(objectives, Trial(candidate, {"error": 0.5, "params": 3})) == (0.5, 3)
    assert values(objectives, Trial(candidate, {"error": 0.5})) == (0.5, math.inf)
    for status in ("failed", "infeasible"):
        assert values(objectives, Trial(candidate, {"error": 0.5, "params": 3}, status)) == (
            math.inf,
            math.inf,
        )


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 10)), min_size=2, max_size=8))
def test_subject_to_ranks_by_feasibility_then_violation_then_value(rows):
    bound = parse_constraint("latency_ms <= 5")
    objectives = subject_to((Objective("error"), Objective("latency_ms")), [bound])
    for first in rows:
        for second in rows:
            a, b = (dict(zip(("error", "latency_ms"), row, strict=True)) for row in (first, second))
            va, vb = ([objective(m) for objective in objectives] for m in (a, b))
            if bound.holds(a) and not bound.holds(b):
                assert dominates(va, vb)
            elif bound.holds(a):
                assert va == list(first)
            elif not bound.holds(b) and bound.violation(a) > bound.violation(b) + 1e-9:
                assert dominates(vb, va)


def test_the_first_alternative_of_which_all_metrics_are_there_counts():
    objective = parse_objective("error or -synflow")
    assert objective.metrics == {"error", "synflow"}
    assert objective({"error": 0.25, "synflow": 9.0}) == 0.25
    assert objective({"synflow": 9.0}) == -9.0
    assert objective({"params": 1.0}) == math.inf
    assert objective({"error": math.nan, "synflow": 9.0}) == math.inf, "a failed training is no score"
    assert pickle.loads(pickle.dumps(objective))({"synflow": 9.0}) == -9.0


def test_an_objective_says_what_it_lacks():
    objective = parse_objective("error or -synflow or -params / macs")
    assert objective.lacking({"params", "macs"}) == set()
    assert objective.lacking({"params"}) == {"error", "synflow", "macs"}
    assert parse_objective("error").lacking({"loss"}) == {"error"}


@pytest.mark.parametrize("text", ["error or", "error or 3", "2 * (error or loss)", "error and loss"])
def test_alternatives_are_whole_expressions_and_nothing_else(text):
    with pytest.raises(ConfigError):
        parse_objective(text)
