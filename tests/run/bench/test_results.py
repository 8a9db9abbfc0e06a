import numpy as np
import pytest

from nasturtium.errors import ConfigError, UnknownName
from nasturtium.run.bench.course import Row
from nasturtium.run.bench.protocol import Protocol, budget_of
from nasturtium.run.bench.results import Results


def row(method, seed, end, table="t", error=None, seen=None):
    marks = Protocol(budget_of(50)).marks
    picked = tuple(end + 0.1 * (len(marks) - 1 - i) for i in range(len(marks)))
    return Row(
        table, method, seed, metric="error", optimum=0.05, at=marks, picked=picked,
        seen=picked if seen is None else (seen,) * len(marks), ms=(1.0, 2.0, 9.0), error=error,
    )  # fmt: skip


def results(*rows):
    return Results(Protocol(budget_of(50)), rows)


def two(seeds=8):
    """`good` is better in every seed."""
    return [row(m, s, 0.1 + 0.01 * s + (m == "bad") * 0.02) for s in range(seeds) for m in ("good", "bad")]


def test_regret_is_the_score_less_the_optimum():
    found = results(row("a", 1, 0.15), row("a", 0, 0.25, seen=0.3))
    assert found.regret("t", "a")[:, -1] == pytest.approx([0.20, 0.10])  # by seed
    assert found.regret("t", "a", by="seen")[0, -1] == pytest.approx(0.25)
    assert found.regret("t", "a").shape == (2, len(found.marks))


def test_standings_are_means_medians_ranks_and_costs():
    best, worst = results(*two()).standings("t")
    assert (best.method, worst.method) == ("good", "bad")
    assert best.mean[-1] == pytest.approx(0.05 + 0.035)
    assert best.median[-1] == pytest.approx(0.05 + 0.035)
    assert len(best.mean) == len(results(*two()).named_marks) == 2
    assert (best.rank, worst.rank) == (1.0, 2.0)
    assert (best.ms, best.last_ms) == (2.0, 9.0)


def test_methods_are_compared_on_the_seeds_that_they_share():
    found = results(*two(), row("good", 20, 9.0), row("other", 3, 0.1), row("other", 99, 0.1))
    assert found.shared_seeds("t") == (3,)
    assert {len(scores) for scores in found.paired("t").values()} == {1}


def test_failed_courses_are_counted_and_left_out():
    found = results(*two(), row("bad", 8, 0.0, error="it raised"), row("broken", 0, 0.0, error="it raised"))
    assert len(found.failures) == 2
    assert found.methods("t") == ("good", "bad")
    assert len(found.courses("t", "bad")) == 8
    with pytest.raises(UnknownName, match="broken"):
        found.courses("t", "broken")


def test_duels_and_marks():
    (duel,) = results(*two()).duels("t")
    assert (duel.better, duel.wins, duel.decided) == ("good", 8, True)
    assert results(*two()).duels("t", at=25)[0].wins == 8
    with pytest.raises(ConfigError, match="33"):
        results(*two()).duels("t", at=33)
    with pytest.raises(UnknownName, match="godo"):
        results(*two()).duels("t", against="godo")


def test_a_ranking_is_over_all_pairs_of_table_and_seed():
    elsewhere = [row(m, s, 0.1 + (m == "good") * 0.02, table="u") for s in range(8) for m in ("good", "bad")]
    ranking = results(*two(), *elsewhere, row("third", 0, 0.1)).ranking(["t", "u"])
    assert ranking.blocks == 1 + 8  # `third` has one seed, and one table
    assert ranking.methods == ("good", "bad") or ranking.methods == ("bad", "good")
    ranking = results(*two(), *elsewhere).ranking()
    assert ranking.blocks == 16
    assert ranking.ranks == (1.5, 1.5)
    assert results(*two(1)).ranking() is None
    assert results(*[r for r in two() if r.method == "good"]).ranking() is None


def test_simulated_time_is_printed_in_quarters():
    rules = Protocol(budget_of("12000s"))
    assert Results(rules, []).named_marks == (3000, 6000, 9000, 12000)


def test_nothing_found_is_no_reason_to_fail():
    found = results(row("a", 0, float("nan")), *two())
    assert np.isnan(found.standings("t")[-1].mean[-1])
    assert found.standings("t")[-1].method == "a"
    assert results().tables == ()
