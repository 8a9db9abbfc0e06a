import pytest

from nasturtium.errors import ConfigError
from nasturtium.run.bench.protocol import Protocol, budget_of, seeds_of
from nasturtium.run.budget import Budget


def marks(budget):
    return Protocol(budget_of(budget)).marks


def test_courses_are_judged_every_ten_evaluations_and_where_results_are_printed():
    assert marks(100) == (10, 20, 25, 30, 40, 50, 60, 70, 80, 90, 100)
    assert {25, 50, 100, 200} < set(marks(205))
    assert marks(205)[-1] == 205
    assert marks(5) == (1, 2, 3, 4, 5)
    assert len(marks(10_000)) < 60


def test_simulated_time_is_judged_in_twenty_pieces():
    assert marks("12000s") == tuple(600.0 * i for i in range(1, 21))


def test_a_time_is_simulated():
    assert budget_of("2h") == Budget(7200.0, "training seconds")
    assert budget_of("2h training") == Budget(7200.0, "training seconds")
    assert budget_of(30) == Budget(30, "trials")


@pytest.mark.parametrize("budget", [30, "1h"])
def test_rules_survive_json(budget):
    protocol = Protocol(budget_of(budget), distinct=False, judge="a", metric="b")
    assert Protocol.from_json(protocol.as_json()) == protocol


def test_differences_are_named():
    one, other = Protocol(budget_of(30)), Protocol(budget_of("1h"), distinct=False)
    assert one.differences(one) == []
    assert one.differences(other) == [
        "budget is 30 trials there, 3600 training seconds here",
        "distinct is True there, False here",
    ]


def test_seeds_are_a_number_or_a_range():
    assert seeds_of(3) == seeds_of("3") == (0, 1, 2)
    assert seeds_of("100-102") == (100, 101, 102)
    for nothing in ("0", "five", "5-3", "-2", ""):
        with pytest.raises(ConfigError, match="seeds"):
            seeds_of(nothing)
