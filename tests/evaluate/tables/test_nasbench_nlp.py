import gzip
import json
import math

import numpy as np
import pytest

from nasturtium.errors import ConfigError
from nasturtium.evaluate.tables.nasbench_nlp import nasbench_nlp
from nasturtium.protocols import Candidate
from nasturtium.space.encode import graph


@pytest.fixture(scope="module")
def records(data_root):
    with gzip.open(data_root / "nasbench_nlp" / "nb_nlp_wikitext2.json.gz", "rt") as file:
        return json.load(file)


def test_every_cell_is_there_with_its_graph():
    space = nasbench_nlp().space
    assert space.count == 291
    graphs = [graph(space, one) for one in space]
    assert all({"h_new_0"} <= set(cell.names) for cell in graphs)
    assert {"linear", "blend", "elementwise_prod"} <= {op for cell in graphs for op in cell.ops}


def test_the_best_perplexity_is_the_known_one():
    """96.31 by recipe 1000001, an LSTM: the original file."""
    table = nasbench_nlp()
    best = min(
        level.runs["perplexity"][np.isfinite(level.runs["perplexity"])].min()
        for level in table.levels.values()
    )
    assert best == pytest.approx(96.31, abs=5e-3)
    lstm = table.space.parse("cell=1000001")
    assert min(
        table.trial(Candidate(lstm, fidelity=n)).metrics["perplexity"] for n in range(1, 51)
    ) == pytest.approx(best)


def test_a_fidelity_is_a_point_of_the_curve(records):
    table = nasbench_nlp()
    lstm = table.space.parse("cell=1000001")
    record = next(one for one in records if one["recipe_id"] == 1000001)
    for n in (1, 7, 50):
        metrics = table.trial(Candidate(lstm, fidelity=n)).metrics
        assert metrics["loss"] == pytest.approx(record["val_loss"][n - 1], abs=1e-5)
        assert metrics["perplexity"] == pytest.approx(math.exp(metrics["loss"]))
        assert metrics["train_seconds"] == pytest.approx(sum(record["wall_time_s"][:n]), rel=1e-5)
        assert (metrics["params"], metrics["epochs"]) == (record["num_params"], n)
    with pytest.raises(ConfigError, match="no training of 51 epochs"):
        nasbench_nlp(51)


def named(records):
    """The records of each cell, by the number of the first recipe that it is."""
    same = {}
    for record in sorted(records, key=lambda one: one["recipe_id"]):
        same.setdefault(json.dumps(record["recipe"], sort_keys=True), []).append(record)
    return {str(group[0]["recipe_id"]): group for group in same.values()}


def test_every_packaged_number_is_the_originals(records):
    """345 trainings of 344 recipes, which are 291 different graphs."""
    table, groups = nasbench_nlp(), named(records)
    assert sum(map(len, groups.values())) == 345
    assert table.space.decisions[0].labels == tuple(groups)
    for key, metric in (("val_loss", "loss"), ("test_loss", "test_loss"), ("train_loss", "train_loss")):
        curves = np.stack([table.levels[n].runs[metric] for n in range(1, 51)], axis=-1)
        for curve, group in zip(curves, groups.values(), strict=True):
            expected = np.full((3, 50), np.nan)
            for row, record in zip(expected, group, strict=False):
                losses = [math.nan if value is None else value for value in record[key]]
                row[: len(losses)] = losses
            np.testing.assert_allclose(curve, expected, atol=1e-5)


def test_a_training_that_broke_down_has_no_number(records):
    table, groups = nasbench_nlp(), named(records)
    broken = [name for name, group in groups.items() if all(one["status"] != "OK" for one in group)]
    assert broken
    for name in broken:
        trial = table.trial(Candidate(table.space.parse(f"cell={name}")))
        assert (trial.status, trial.error) == ("failed", "the recorded training of 50 epochs has no loss")


def test_tables_of_several_seeds_share_what_was_read_and_nothing_else():
    one, two = nasbench_nlp(seed=1), nasbench_nlp(7, seed=2)
    assert one.space is two.space
    assert one.levels is two.levels
    assert (one.seed, one.epochs, two.seed, two.epochs) == (1, 50, 2, 7)
