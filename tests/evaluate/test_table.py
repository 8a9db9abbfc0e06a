import numpy as np
import pytest

from nasturtium.architecture import Architecture, Mixture
from nasturtium.errors import ConfigError, DataError, UnknownName
from nasturtium.evaluate.table import Level, Table, nasbench201, nasbench_macro
from nasturtium.protocols import Candidate
from nasturtium.space.zoo.nasbench201 import from_string
from nasturtium.space.zoo.nasbench_macro import from_digits
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


def look(table, row, **given):
    return table.trial(Candidate(table.space.unrank(row), **given)).metrics


def test_a_level_is_never_mixed_with_another():
    assert look(toy(), 10, fidelity=2) == {"error": 0.10, "train_seconds": 11, "epochs": 2}
    assert look(toy(), 10) == pytest.approx(
        {"error": 0.10, "loss": 1, "train_seconds": 22, "epochs": 4, "params": 10}
    )


def test_each_candidate_sees_one_training_of_those_there_are():
    drawn = [look(toy(seed=3), 10, number=i) for i in range(60)]
    assert {round(metrics["error"], 3) for metrics in drawn} == {0.05, 0.15}
    assert {round(look(toy(seed=3), 11, number=i)["error"], 3) for i in range(60)} == {0.055, 0.155, 0.255}
    assert all(metrics["loss"] == pytest.approx(10 * metrics["error"]) for metrics in drawn)
    assert drawn == [look(toy(seed=3), 10, number=i) for i in range(60)]
    assert drawn != [look(toy(seed=4), 10, number=i) for i in range(60)]


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


# The best cells by the tables' own accuracies: NAS-Bench-201, Dong & Yang 2020, table 5, row "optimal".
BEST = [
    (
        "cifar10",
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|",
        (91.607, 94.373),
    ),
    (
        "cifar100",
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|",
        (73.493, 73.513),
    ),
    (
        "ImageNet16-120",
        "|nor_conv_3x3~0|+|nor_conv_1x1~0|nor_conv_1x1~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|",
        (46.733, 46.200),
    ),
]


@pytest.mark.parametrize(("dataset", "name", "accuracies"), BEST)
def test_the_best_cells_of_nasbench201_have_their_published_accuracies(data_root, dataset, name, accuracies):
    table = nasbench201(data_root, dataset)
    metrics = table.trial(Candidate(from_string(table.space, name))).metrics
    found = tuple(100 * (1 - metrics[key]) for key in ("error", "test_error"))
    assert found == pytest.approx(accuracies, abs=6e-4)
    level = table.levels[200]
    assert metrics["error"] == np.nanmean(level.runs["error"], axis=1).min()
    assert metrics["train_seconds"] > 1000


def test_twelve_epochs_of_nasbench201_are_a_training_of_their_own(data_root):
    table = nasbench201(data_root, epochs=12, seed=0)
    best = min(range(15_625), key=lambda i: table.levels[12].once["error"][i])
    assert 100 * (1 - table.levels[12].once["error"][best]) == pytest.approx(84.892, abs=1e-3)
    assert 100 * (1 - table.levels[12].once["test_error"].min()) == pytest.approx(89.160, abs=1e-3)
    architecture = table.space.unrank(777)
    short, long = (table.trial(Candidate(architecture, fidelity=n)).metrics for n in (12, 200))
    assert short == table.trial(Candidate(architecture)).metrics
    assert short["train_seconds"] == pytest.approx(long["train_seconds"] * 0.06)
    assert (short["epochs"], long["epochs"]) == (12, 200)
    assert short["error"] > long["error"]
    assert {key: short[key] for key in ("params", "macs", "latency_ms")} == {
        key: long[key] for key in ("params", "macs", "latency_ms")
    }
    for epochs in (0, 108):
        with pytest.raises(ConfigError, match="it has 12, 200 epochs"):
            nasbench201(data_root, epochs=epochs)


def test_doubtful_trainings_can_be_left_out(data_root):
    everything, checked = nasbench201(data_root), nasbench201(data_root, doubtful=False)
    before, after = (np.isnan(table.levels[200].runs["error"]) for table in (everything, checked))
    assert before.sum() == 22_368 / 3
    assert 0 < (after & ~before).sum() <= 294
    assert not after.all(1).any()


def test_the_best_network_of_nasbench_macro(data_root):
    """Two share the best mean, 93.127 %: 22212202 and 22212220."""
    table = nasbench_macro(data_root)
    metrics = table.trial(Candidate(from_digits(table.space, "22212202"))).metrics
    assert 100 * (1 - metrics["error"]) == pytest.approx(93.127, abs=1e-3)
    assert metrics["error"] == metrics["test_error"] == table.levels[50].once["test_error"].min()
    assert (round(metrics["params"] / 1e6, 2), round(metrics["macs"] / 1e6)) == (1.99, 85)
    seen = {
        nasbench_macro(data_root, seed=1).trial(Candidate(table.space.unrank(5), number=i)).metrics["error"]
        for i in range(3)
    }
    assert seen <= set(table.levels[50].runs["error"][5].tolist())


def test_a_missing_or_broken_table_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.delenv("NASTURTIUM_DATA", raising=False)
    with pytest.raises(
        DataError, match=r"nb201_tss\.npz is needed: give the folder that holds it, or set NAST"
    ):
        nasbench201()
    with pytest.raises(DataError, match=r"there is no .*nb_macro_cifar10\.npz; give the folder that holds"):
        nasbench_macro(tmp_path)
    (tmp_path / "nasbench_macro").mkdir()
    (tmp_path / "nasbench_macro" / "nb_macro_cifar10.npz").write_bytes(b"not a table")
    with pytest.raises(DataError, match="cannot be read as an npz table"):
        nasbench_macro(tmp_path)
    np.savez(tmp_path / "nasbench_macro" / "nb_macro_cifar10.npz", ops=np.zeros(3))
    with pytest.raises(DataError, match="cannot be read as an npz table"):
        nasbench_macro(tmp_path)
    with pytest.raises(
        UnknownName, match=r"unknown data set of NAS-Bench-201 'cifar'; .* did you mean 'cifar10"
    ):
        nasbench201(tmp_path, "cifar")
