import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.protocols import Candidate, Trial
from nasturtium.run.budget import Budget, Purse, parse_budget


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("200", 200, "trials"),
        (200, 200, "trials"),
        ("200 trials", 200, "trials"),
        ("1 trial", 1, "trials"),
        ("1e3", 1000, "trials"),
        ("90s", 90, "seconds"),
        ("5m", 300, "seconds"),
        ("5 min", 300, "seconds"),
        ("2 hours", 7200, "seconds"),
        ("1h30m", 5400, "seconds"),
        ("1h 30m", 5400, "seconds"),
        ("0.5h", 1800, "seconds"),
        ("1d", 86400, "seconds"),
        ("20 seconds", 20, "seconds"),
        ("2h training", 7200, "training seconds"),
    ],
)
def test_budgets_mean_what_they_say(text, amount, unit):
    assert parse_budget(text) == Budget(amount, unit)


@pytest.mark.parametrize(
    "text",
    ["0", "-5", "0s", "0 trials", "5 parsecs", "", "m", "five", "1.5", "1000000h", "1e12", "nan", "inf",
     "5m5", "5m -3s", "training", "200 training", True],
)  # fmt: skip
def test_absurd_budgets_are_refused_with_what_to_give(text):
    with pytest.raises(ConfigError, match=r'give trials \("200"\) or time'):
        parse_budget(text)


@given(st.integers(1, 23), st.integers(1, 59), st.integers(1, 59))
def test_durations_add_up(hours, minutes, seconds):
    assert parse_budget(f"{hours}h{minutes}m{seconds}s").amount == 3600 * hours + 60 * minutes + seconds


def trial(seconds):
    return Trial(Candidate(Architecture("s", ())), {"train_seconds": seconds})


def test_a_budget_of_trials_counts_what_is_asked():
    purse = Purse(Budget(5, "trials"))
    purse.asked(3)
    purse.told([trial(100.0)])
    assert (purse.room(), purse.spent, purse.left) == (2, 3, 2)
    purse.asked(4)
    assert (purse.room(), purse.left) == (0, 0)


def test_a_budget_of_training_counts_what_trainings_took():
    purse = Purse(Budget(10, "training seconds"))
    purse.asked(100)
    purse.told([trial(4.0), trial(5.5)])
    assert purse.spent == 9.5
    assert purse.room() > 100
    purse.told([trial(0.5)])
    assert purse.room() == 0


def test_a_budget_of_time_goes_on_from_what_former_sessions_took(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    purse = Purse(Budget(60, "seconds"))
    purse.go_on_from(50.0)
    now[0] += 4.0
    assert (purse.seconds, purse.left) == (54.0, 6.0)
    now[0] += 7.0
    assert (purse.left, purse.room()) == (0.0, 0)
