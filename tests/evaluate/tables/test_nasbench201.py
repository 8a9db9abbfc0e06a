import numpy as np
import pytest

from nasturtium.errors import ConfigError, UnknownName
from nasturtium.evaluate.tables.nasbench201 import DATASETS, nasbench201
from nasturtium.protocols import Candidate
from nasturtium.space.zoo.nasbench201 import OPS, from_ops, from_string

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
def test_the_best_cells_of_nasbench201_have_their_published_accuracies(dataset, name, accuracies):
    table = nasbench201(dataset)
    metrics = table.trial(Candidate(from_string(table.space, name))).metrics
    found = tuple(100 * (1 - metrics[key]) for key in ("error", "test_error"))
    assert found == pytest.approx(accuracies, abs=6e-4)
    level = table.levels[200]
    assert metrics["error"] == np.nanmean(level.runs["error"], axis=1).min()
    assert metrics["train_seconds"] > 1000


def test_twelve_epochs_of_nasbench201_are_a_training_of_their_own():
    table = nasbench201(epochs=12, seed=0)
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
            nasbench201(epochs=epochs)


def test_doubtful_trainings_can_be_left_out():
    everything, checked = nasbench201(), nasbench201(doubtful=False)
    before, after = (np.isnan(table.levels[200].runs["error"]) for table in (everything, checked))
    assert before.sum() == 22_368 / 3
    assert 0 < (after & ~before).sum() <= 294
    assert not after.all(1).any()


def test_an_unknown_data_set_is_named():
    with pytest.raises(
        UnknownName, match=r"unknown data set of NAS-Bench-201 'cifar'; .* did you mean 'cifar10"
    ):
        nasbench201("cifar")


def test_the_optimum_is_the_published_one():
    """Dong & Yang 2020, table 5, row "optimal" (validation); 12 epochs: the table's own best."""
    found = {name: round(100 * (1 - nasbench201(name).optimum()), 2) for name in DATASETS}
    assert found == {"cifar10": 91.61, "cifar100": 73.49, "ImageNet16-120": 46.73}
    assert round(100 * (1 - nasbench201("cifar10", 12).optimum()), 3) == 84.892


def test_every_packaged_number_is_the_originals(data_root):
    with np.load(data_root / "nasbench201" / "nb201_tss.npz", allow_pickle=False) as file:
        source = {name: file[name] for name in file.files}
    assert tuple(source["datasets"]) == tuple(DATASETS)
    space = nasbench201().space
    rows = source["ops"] @ 5 ** np.arange(6)[::-1]
    for i in range(0, 15_625, 1_001):
        assert space.rank(from_ops(space, [OPS[op] for op in source["ops"][i]])) == rows[i]
    for i, dataset in enumerate(DATASETS):
        table = nasbench201(dataset)
        short, long = table.levels[12].once, table.levels[200].once
        for level, epochs in ((short, 12), (long, 200)):
            assert_accuracies(level["test_error"][rows], source[f"test_acc_{epochs}"][i])
            assert np.array_equal(level["params"][rows], source["params"][i])
            assert np.array_equal(level["macs"][rows], source["macs"][i])
            assert np.array_equal(level["latency_ms"][rows], source["latency_s"][i] * 1000.0)
        assert np.array_equal(long["train_seconds"][rows], source["train_time_200_s"][i])
        assert_accuracies(short["error"][rows], source["val_acc_12"][i])
        assert_accuracies(table.levels[200].runs["error"][rows], source["val_acc_200"][i])
        checked = nasbench201(dataset, doubtful=False).levels[200].runs["error"][rows]
        doubtful = source["seed_params_mismatch"] & ~np.isnan(source["val_acc_200"][i])
        some_left = (~np.isnan(source["val_acc_200"][i]) & ~doubtful).any(1)
        assert np.isnan(checked[some_left][doubtful[some_left]]).all()


def assert_accuracies(errors, percent):
    assert np.array_equal(errors, 1 - percent.astype(np.float64) / 100, equal_nan=True)
