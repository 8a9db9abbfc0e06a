import math
from collections.abc import Callable

import pytest

from nasturtium.report.quantities import duration, quantity, test_error, test_interval, title_of
from nasturtium.run.retrained import Retrained

test_error.__test__ = test_interval.__test__ = False  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        ("error", 0.01944, "1.94%"),
        ("test_error", 0.0, "0.00%"),
        ("latency_ms", 0.4123, "0.412 ms"),
        ("params", 38_210.0, "38.2 k"),
        ("macs", 3.1e8, "310 M"),
        ("activation_bytes", 2048.0, "2.05 kB"),
        ("train_seconds", 250.0, "4 min 10 s"),
        ("loss", 0.123456, "0.123"),
        ("energy_mj", 12.0, "12 mJ"),
        ("loss", math.inf, "\N{EN DASH}"),
        ("loss", None, "\N{EN DASH}"),
    ],
)
def test_metrics_are_written_with_their_unit(metric: str, value: float | None, text: str) -> None:
    assert quantity(metric, value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.42, "0.42 s"),
        (9.99, "10 s"),
        (59.6, "1 min 0 s"),
        (7500, "2 h 5 min"),
        (math.nan, "\N{EN DASH}"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_titles_name_the_unit() -> None:
    assert title_of("latency_ms") == "latency (ms)"
    assert title_of("energy_mj") == "energy (mJ)"
    assert title_of("params") == "parameters"
    assert title_of("error * latency_ms") == "error * latency_ms"


def test_interval_of_one_training_is_a_dash(again: Callable[..., Retrained]) -> None:
    assert (test_error(again([0.02])), test_interval(again([0.02]))) == ("2.00%", "\N{EN DASH}")
    assert (test_error(None), test_interval(None)) == ("\N{EN DASH}", "\N{EN DASH}")


def test_interval_is_student_s(again: Callable[..., Retrained]) -> None:
    # Mean 0.02, standard deviation 0.01, t(0.975, 2) = 4.3027: half is 0.02484, cut at 0.
    assert test_interval(again([0.01, 0.02, 0.03])) == "0.00 to 4.48%"
