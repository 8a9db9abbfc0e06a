import numpy as np
import pytest

from nasturtium.cost.counts import Counted
from nasturtium.errors import UnknownName
from nasturtium.evaluate.tables.fcnet import DATASETS, fcnet
from nasturtium.protocols import Candidate
from nasturtium.seeds import rng_for

# The columns of the original's `config`, as decisions.
COLUMNS = {
    "layer1.act": 0,
    "layer2.act": 1,
    "training.batch_size": 2,
    "layer1.dropout": 3,
    "layer2.dropout": 4,
    "training.init_lr": 5,
    "training.lr_schedule": 6,
    "layer1.out": 7,
    "layer2.out": 8,
}


@pytest.mark.parametrize(
    ("dataset", "lowest", "where"),
    [
        ("slice_localization", 1.916e-4, (256, 512, "relu", "tanh", 0.0, 0.0, 16, 5e-4, "cosine")),
        ("protein_structure", 0.22138, (512, 512, "relu", "relu", 0.0, 0.3, 8, 5e-4, "cosine")),
    ],
)
def test_the_lowest_loss_is_the_known_one(dataset, lowest, where):
    """The lowest mean validation loss of the original file, and its configuration."""
    table = fcnet(dataset)
    assert table.optimum() == pytest.approx(lowest, rel=2e-4)
    units1, units2, act1, act2, dropout1, dropout2, batch, lr, schedule = where
    best = table.space.architecture(
        layer1__out=units1,
        layer2__out=units2,
        layer1__act=act1,
        layer2__act=act2,
        layer1__dropout=dropout1,
        layer2__dropout=dropout2,
        training__batch_size=batch,
        training__init_lr=lr,
        training__lr_schedule=schedule,
    )
    truth = table.truth(best)
    assert truth["loss"] == truth["error"] == table.optimum() == table.optimum("error")
    assert table.objective == "loss"


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_packaged_number_is_the_originals(data_root, dataset):
    """Losses and times are rounded to 13 significant bits: one part in 8,192 at most."""
    with np.load(data_root / "fcnet_hpolib" / f"{dataset}.npz", allow_pickle=False) as source:
        table = fcnet(dataset)
        level = table.levels[100]
        sizes = [len(decision.labels) for decision in table.space.decisions]
        digits = [source["config"][:, COLUMNS[decision.path]] for decision in table.space.decisions]
        rows = np.ravel_multi_index(digits, sizes)
        for i in (0, 777, 62_207):
            assert table.space.rank(table.space.unrank(int(rows[i]))) == rows[i]
            assert table.space.unrank(int(rows[i])).choices == tuple(int(column[i]) for column in digits)
        assert np.array_equal(level.once["params"][rows], source["params"])
        np.testing.assert_allclose(level.runs["loss"][rows], source["val_mse"], rtol=1 / 8192)
        np.testing.assert_allclose(
            level.once["train_seconds"][rows], source["train_time_s_mean"], rtol=1 / 8192
        )


def test_params_and_macs_are_counted():
    table = fcnet("slice_localization")
    counted = Counted(table.space)
    for i in range(20):
        one = table.space.sample(rng_for(0, "test/fcnet", i))
        metrics = table.trial(Candidate(one)).metrics
        assert {name: metrics[name] for name in ("params", "macs")} == counted(one, ["params", "macs"])


def test_an_unknown_data_set_is_named():
    with pytest.raises(UnknownName, match=r"unknown data set of FC-Net 'protein'; .*did you mean 'protein_s"):
        fcnet("protein")
