"""Published objectives, by what their papers say of them."""

import math

import pytest

from nasturtium.architecture import Architecture
from nasturtium.front.objectives import parse_objective
from nasturtium.front.rewards import fbnet, mnasnet
from nasturtium.protocols import Candidate, Trial
from nasturtium.strategy.archive import Archive


def test_twice_the_latency_is_worth_five_percent_more_accuracy():
    """Tan et al. 2019, section 3.1: the exponent -0.07 was chosen so."""
    for latency in (20.0, 75.0, 300.0):
        once, twice = mnasnet(0.5, latency, 75), mnasnet(1 - 0.5 * 1.05, 2 * latency, 75)
        assert twice == pytest.approx(once, rel=1e-3)


def test_the_hard_form_minds_no_latency_within_the_target():
    hard = parse_objective("mnasnet(error, latency_ms, 75, 0, -1)")
    assert hard({"error": 0.3, "latency_ms": 10.0}) == hard({"error": 0.3, "latency_ms": 75.0}) == -0.7
    assert hard({"error": 0.3, "latency_ms": 150.0}) == pytest.approx(-0.35)


def test_fbnet_multiplies_the_loss_by_the_logarithm_of_the_cost():
    assert fbnet(2.0, math.e) == pytest.approx(0.4)
    text = parse_objective("fbnet(loss, 1000 * latency_ms, 0.2, 0.6)")
    assert text({"loss": 1.5, "latency_ms": 28.1}) == pytest.approx(1.5 * 0.2 * math.log(28_100) ** 0.6)
    assert parse_objective("fbnet(loss, latency_ms)")({"loss": 1.5, "latency_ms": 0.5}) == math.inf


def test_a_search_ranks_by_them():
    """Half the latency is worth an error of 0.66 instead of 0.65, and not one of 0.7."""
    archive = Archive([parse_objective("mnasnet(error, latency_ms, 80)")])
    rows = {0: (0.65, 80.0), 1: (0.66, 40.0), 2: (0.7, 40.0)}
    for number, (error, latency) in rows.items():
        candidate = Candidate(Architecture("s", (number,)))
        archive.record(Trial(candidate, {"error": error, "latency_ms": latency}))
    assert [one.choices[0] for one in archive.best(3)] == [1, 0, 2]
