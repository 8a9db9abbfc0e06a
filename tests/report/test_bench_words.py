import math

import pytest

from nasturtium.report.bench_words import duel_text, p_text, regret_text, rules, unit_text
from nasturtium.run.bench.protocol import Protocol, budget_of
from nasturtium.run.bench.significance import Duel


def test_regrets_of_errors_are_points() -> None:
    assert regret_text("error", 0.00123) == "0.123"
    assert unit_text("test_error") == "points"
    assert regret_text("valid_mse", 0.00123) == "0.00123"
    assert unit_text("valid_mse") == "valid_mse"
    assert regret_text("error", math.nan) == "\N{EN DASH}"


@pytest.mark.parametrize(
    ("p", "text"), [(0.5, "p = 0.50"), (0.031, "p = 0.031"), (0.0004, "p = 0.0004"), (1e-7, "p < 0.0001")]
)
def test_p_values_are_short(p: float, text: str) -> None:
    assert p_text(p) == text


def test_a_duel_is_a_sentence() -> None:
    assert duel_text(Duel("a", "b", 17, 1, 2, 0.003)) == (
        "a beats b (p = 0.003; better in 17 of 20 seeds, worse in 2, 1 equal)."
    )
    assert duel_text(Duel("a", "b", 10, 0, 9, 0.4)).startswith("No telling a from b (p = 0.40;")


def test_rules_are_said() -> None:
    assert rules(Protocol(budget_of(100))) == (
        "100 evaluations, repeats are free, one training of each network is seen"
    )
    said = rules(Protocol(budget_of("12000s"), distinct=False, single=False, judge="t", metric="test_error"))
    assert "3 h 20 min simulated" in said
    assert "paid for" in said
    assert "judged by test_error of t" in said
