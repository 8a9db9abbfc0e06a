import numpy as np
import pytest

from nasturtium.evaluate.tables.nasbench_macro import nasbench_macro
from nasturtium.protocols import Candidate
from nasturtium.space.zoo.nasbench_macro import from_digits


def test_the_best_network_of_nasbench_macro():
    """Two share the best mean, 93.127 %: 22212202 and 22212220."""
    table = nasbench_macro()
    metrics = table.trial(Candidate(from_digits(table.space, "22212202"))).metrics
    assert 100 * (1 - metrics["error"]) == pytest.approx(93.127, abs=1e-3)
    assert metrics["error"] == metrics["test_error"] == table.optimum()
    assert (round(metrics["params"] / 1e6, 2), round(metrics["macs"] / 1e6)) == (1.99, 85)


def test_one_training_is_seen_with_a_seed():
    architecture = nasbench_macro().space.unrank(5)
    seen = {nasbench_macro(seed=i).trial(Candidate(architecture)).metrics["error"] for i in range(30)}
    assert seen == set(nasbench_macro().levels[50].runs["error"][5].tolist())


def test_every_packaged_number_is_the_originals(data_root):
    with np.load(data_root / "nasbench_macro" / "nb_macro_cifar10.npz", allow_pickle=False) as source:
        table = nasbench_macro()
        level = table.levels[50]
        rows = [table.space.rank(from_digits(table.space, "".join(map(str, ops)))) for ops in source["ops"]]
        assert np.array_equal(level.runs["error"][rows], 1 - source["test_acc"].astype(float) / 100)
        assert np.array_equal(level.once["params"][rows], source["params"])
        assert np.array_equal(level.once["macs"][rows], source["flops"])
