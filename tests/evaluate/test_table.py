import numpy as np
import pytest

from nasturtium.architecture import Architecture, Mixture
from nasturtium.errors import ConfigError, DataError, UnknownName
from nasturtium.evaluate.table import Level, Table, means
from nasturtium.protocols import Candidate
from nasturtium.space.blocks import settings
from nasturtium.space.choice import choice
from nasturtium.space.space import Space
from nasturtium.testing.evaluator import EvaluatorConformance
from nasturtium.testing.toys import flat_space


def toy(seed=None):
    """Row i has error i / 100 after 2 epochs; after 4, three trainings, of even rows only two."""
    space = flat_space()
    rows = np.arange(space.count, dtype=float)
    runs = rows[:, None] / 200 + np.array([0, 0.1, 0.2])
    runs[::2, 2] = np.nan
    levels = {
        2: Level({"error": rows / 100, "train_seconds": rows + 1}, {}),
        4: Level({"train_seconds": rows * 2 + 2, "params": rows}, {"error": runs, "loss": 10 * runs}),
    }
    return Table(space, levels, space.rank, epochs=4, seed=seed)


class TestMean(EvaluatorConformance):
    metrics = frozenset({"error", "train_seconds", "epochs"})
    varying = frozenset()

    def make(self):
        return toy()

    def candidates(self):
        space = flat_space()
        return [
            Candidate(space.unrank(i * 7), number=i, fidelity=fidelity)
            for i, fidelity in enumerate((None, 2, 4, None))
        ]

    def impossible(self):
        return Candidate(flat_space().unrank(0), fidelity=3, number=0)


class TestDrawn(TestMean):
    def make(self):
        return toy(seed=0)

    def impossible(self):
        return Candidate(Architecture("elsewhere", (0, 0, 0, 0)), number=0)


def settings_space(*sizes):
    return Space(settings(**{f"x{i}": choice(*range(size)) for i, size in enumerate(sizes)}))


def look(table, row, **given):
    return table.trial(Candidate(table.space.unrank(row), **given)).metrics


def test_a_level_is_never_mixed_with_another():
    assert look(toy(), 10, fidelity=2) == {"error": 0.10, "train_seconds": 11, "epochs": 2}
    assert look(toy(), 10) == pytest.approx(
        {"error": 0.10, "loss": 1, "train_seconds": 22, "epochs": 4, "params": 10}
    )


def test_what_the_table_lacks_is_a_failed_trial_that_says_why():
    table = toy()
    inside = table.space.unrank(0)
    assert "no training of 3 epochs in the table of flat; it has 2, 4" in str(
        table.trial(Candidate(inside, fidelity=3)).error
    )
    for point in (Architecture("elsewhere", (0,)), Mixture(inside.space, ())):
        trial = table.trial(Candidate(point))
        assert (trial.status, trial.metrics) == ("failed", {})
        assert "is not an architecture of flat" in str(trial.error)
    with pytest.raises(ConfigError, match="no training of 3 epochs"):
        Table(table.space, table.levels, table.row, epochs=3)


def test_an_architecture_shows_one_training_of_those_there_are_whoever_asks():
    for row, possible in ((10, {0.05, 0.15}), (11, {0.055, 0.155, 0.255})):
        drawn = [look(toy(seed=seed), row, number=seed) for seed in range(60)]
        assert {round(metrics["error"], 3) for metrics in drawn} == possible
        assert all(metrics["loss"] == pytest.approx(10 * metrics["error"]) for metrics in drawn)
        again = [look(toy(seed=seed), row, number=7) for seed in range(60)]
        assert drawn == again, "the same architecture showed another training"
    seen = {
        round(look(toy(seed=3), row)["error"] - row / 200, 3) for row in range(1, 81, 2)
    }  # one seed, other rows
    assert seen == {0.0, 0.1, 0.2}


def test_truth_is_the_mean_whatever_is_seen():
    inside = toy().space.unrank(11)
    truth = toy(seed=5).truth(inside)
    assert truth == pytest.approx({"error": 0.155, "loss": 1.55, "train_seconds": 24, "params": 11})
    assert truth == {name: value for name, value in look(toy(), 11).items() if name != "epochs"}
    with pytest.raises(DataError, match="the table of flat has no row for Architecture"):
        toy().truth(Architecture("elsewhere", (0,)))


def test_the_optimum_is_the_lowest_truth():
    table = toy(seed=2)
    assert table.optimum() == min(table.truth(one)["error"] for one in table.space) == 0.05
    assert table.optimum("train_seconds") == 2
    with pytest.raises(UnknownName, match=r"unknown metric 'eror' .*did you mean 'error'"):
        table.optimum("eror")


def partial(seed=None):
    """Four of the 81 architectures; of the first, one training has no error, of the second, none has."""
    nan = np.nan
    runs = {
        "error": np.array([[nan, 0.3], [nan, nan], [0.2, 0.4], [0.5, nan]]),
        "perplexity": np.array([[10.0, 20.0], [nan, 5.0], [30.0, 40.0], [np.inf, nan]]),
    }
    space = flat_space()
    rows = {space.unrank(i): i for i in range(4)}
    return Table(space, {1: Level({}, runs)}, rows.get, epochs=1, seed=seed)


def test_a_training_without_its_objective_is_a_failed_trial():
    space = flat_space()
    lost = partial().trial(Candidate(space.unrank(1)))
    assert (lost.status, lost.metrics) == ("failed", {"perplexity": 5.0, "epochs": 1.0})
    assert lost.error == "the recorded training of 1 epochs has no error"
    statuses = {partial(seed=seed).trial(Candidate(space.unrank(0))).status for seed in range(20)}
    assert statuses == {"ok", "failed"}, "a broken training is one of those that can be drawn"
    assert partial().trial(Candidate(space.unrank(3))).metrics == {"error": 0.5, "epochs": 1.0}


def test_an_architecture_without_a_row_is_a_failed_trial():
    trial = partial().trial(Candidate(flat_space().unrank(4)))
    assert trial.status == "failed"
    assert trial.error == f"the table has no training of {flat_space().text(flat_space().unrank(4))}"


def test_the_optimum_passes_over_what_is_not_known():
    table = partial()
    assert table.optimum() == pytest.approx(0.3)
    assert np.isnan(table.truth(flat_space().unrank(1))["error"])


def test_an_infinite_number_is_a_number_that_is_not_known():
    space, inf = flat_space(), np.inf
    once = np.where(np.arange(space.count) < 2, [[-inf]], 7.0).ravel()
    runs = np.tile([0.5, inf], (space.count, 1))
    runs[0], runs[1] = (-inf, 0.3), (inf, inf)
    given = once.copy()
    table = Table(space, {1: Level({"params": once}, {"error": runs})}, space.rank, epochs=1)
    assert np.array_equal(once, given), "what was given is left as it was"
    assert (table.optimum(), table.optimum("params")) == (0.3, 7.0)
    assert [table.truth(space.unrank(i))["error"] for i in (0, 2)] == [0.3, 0.5]
    assert np.isnan(table.truth(space.unrank(1))["error"])
    assert np.isnan(table.truth(space.unrank(0))["params"])
    assert table.trial(Candidate(space.unrank(1))).status == "failed"
    assert table.trial(Candidate(space.unrank(2))).metrics == {"error": 0.5, "params": 7.0, "epochs": 1.0}


@pytest.mark.parametrize("listed", [True, False])
def test_the_optimum_is_that_of_an_architecture(listed):
    space = flat_space()
    errors = np.where(np.arange(space.count) % 2, 0.5, 0.0)  # rows that were never filled in
    rows = {one: i for i, one in enumerate(space) if i % 2}
    given = {"listed": (one for one in rows)} if listed else {}
    table = Table(space, {1: Level({"error": errors}, {})}, rows.get, epochs=1, **given)
    assert table.optimum() == 0.5
    assert set(table.architectures()) == set(rows)


def test_an_optimum_of_nothing_is_nan():
    space = flat_space()
    levels = {1: Level({"error": np.full(space.count, np.nan)}, {})}
    assert np.isnan(Table(space, levels, space.rank, epochs=1).optimum())
    assert np.isnan(Table(space, levels, {}.get, epochs=1).optimum())


def test_a_large_space_is_not_looked_through():
    space = settings_space(10, 10, 10, 10, 3)
    asked = []
    table = Table(space, {1: Level({"error": np.array([0.2, 0.1])}, {})}, asked.append, epochs=1)
    assert table.optimum() == 0.1
    assert table.fingerprint
    assert not asked


def test_a_fingerprint_is_that_of_what_the_table_says():
    table = toy(seed=0)
    space, levels, count = table.space, table.levels, table.space.count
    short = Level({**levels[2].once, "error": levels[2].once["error"] + 1e-9}, {})
    others = [
        toy(),
        toy(seed=1),
        Table(space, levels, space.rank, epochs=2, seed=0),
        Table(space, levels, space.rank, epochs=4, seed=0, objective="loss"),
        Table(space, {**levels, 2: short}, space.rank, epochs=4, seed=0),
        Table(space, {4: levels[4]}, space.rank, epochs=4, seed=0),
        Table(space, levels, lambda one: count - 1 - space.rank(one), epochs=4, seed=0),
        Table(space, levels, space.rank, epochs=4, seed=0, listed=[space.unrank(0)]),
    ]
    found = [table.fingerprint, *(other.fingerprint for other in others)]
    assert len(set(found)) == len(found)
    assert toy(seed=0).fingerprint == table.fingerprint


def test_the_objective_is_a_metric_of_the_table():
    table = toy()
    assert table.objective == "error"
    with pytest.raises(UnknownName, match="unknown metric 'perplexity'"):
        Table(table.space, table.levels, table.row, epochs=4, objective="perplexity")
    other = Table(table.space, table.levels, table.row, epochs=4, objective="params")
    assert other.optimum() == 0


def test_means_leave_out_what_is_not_there():
    assert np.array_equal(means(np.array([[1.0, np.nan, 3.0], [np.nan] * 3])), [2.0, np.nan], equal_nan=True)
