"""Files of the official form, written here: the real ones (some hundred MB) are not kept for tests."""

import json

import pytest

from nasturtium.cost.counts import Counted
from nasturtium.errors import ConfigError, DataError
from nasturtium.evaluate.auxiliary import auxiliary_head
from nasturtium.evaluate.tables.nasbench301 import PREFIX, genotype_of, nasbench301
from nasturtium.protocols import Candidate
from nasturtium.run.names import table_named
from nasturtium.space.zoo.cells import thirds
from nasturtium.space.zoo.genotypes import genotype

# The cells of the one training in the benchmark's repository, of 20 cells and 50 filters, and its size, the
# auxiliary head included: nasbench301/surrogate_models/test/results_fidelity_0/results_0.json.
CONFIG = {
    PREFIX + name: value
    for name, value in {
        "edge_normal_0": "skip_connect",
        "edge_normal_1": "sep_conv_3x3",
        "edge_normal_2": "sep_conv_3x3",
        "edge_normal_3": "skip_connect",
        "edge_normal_5": "dil_conv_3x3",
        "edge_normal_7": "dil_conv_5x5",
        "edge_normal_10": "sep_conv_3x3",
        "edge_normal_11": "skip_connect",
        "inputs_node_normal_3": "0_1",
        "inputs_node_normal_4": "0_2",
        "inputs_node_normal_5": "1_2",
        "edge_reduce_0": "max_pool_3x3",
        "edge_reduce_1": "avg_pool_3x3",
        "edge_reduce_2": "skip_connect",
        "edge_reduce_3": "dil_conv_5x5",
        "edge_reduce_6": "sep_conv_3x3",
        "edge_reduce_7": "sep_conv_5x5",
        "edge_reduce_11": "sep_conv_3x3",
        "edge_reduce_12": "dil_conv_3x3",
        "inputs_node_reduce_3": "0_1",
        "inputs_node_reduce_4": "1_2",
        "inputs_node_reduce_5": "2_3",
    }.items()
}
RELEASED_PARAMS = 6_369_358
PLAIN = CONFIG | {f"{PREFIX}edge_normal_0": "sep_conv_5x5"}


def training(config, valid, test, *, epochs=100, filters=32, cells=8, **said):
    config = config | {f"{PREFIX}init_channels": filters, f"{PREFIX}layers": cells}
    made = genotype_of(config).space()
    params = Counted(made).counts(made.unrank(0)).params + size(512)
    info = {"val_accuracy": valid, "model_parameters": params}
    return {
        "optimized_hyperparamater_config": config,
        "budget": epochs,
        "info": [info],
        "test_accuracy": test,
        "runtime": 5000,
        **said,
    }


def size(channels):
    return sum(p.numel() for p in auxiliary_head((channels, 8, 8), 10, seed=0).parameters())


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "nasbench301"
    rows = {
        "rs/results_1.json": training(CONFIG, 94.0, 93.5),
        "rs/results_2.json": training(PLAIN, 95.0, 94.5),
        "re/results_1.json": training(CONFIG, 94.4, 93.7),
        "re/results_2.json": training(CONFIG, 80.0, 79.0, epochs=10),
        "re/results_3.json": training(PLAIN, 99.0, 99.0, filters=50, cells=20),
    }
    for name, row in rows.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(row))
    return folder


def of(table, config):
    (found,) = [one for one in table.architectures() if table.truth(one)["params"] == params(config)]
    return found


def params(config):
    made = genotype_of(config).space()
    return Counted(made).counts(made.unrank(0)).params


def test_the_released_training_is_of_the_network_that_we_make_of_its_configuration():
    """To the last parameter, the auxiliary head's 505,098 included."""
    made = genotype_of(CONFIG).space(filters=50, layout=thirds(20))
    assert Counted(made).counts(made.unrank(0)).params + size(800) == RELEASED_PARAMS


def test_trainings_of_one_cell_are_its_runs_and_networks_of_other_sizes_are_left_out(folder):
    table = nasbench301(path=folder)
    assert len(list(table.architectures())) == 2
    assert table.epochs == 100
    assert table.truth(of(table, CONFIG)) == {
        "params": params(CONFIG),
        "error": pytest.approx(0.058),
        "test_error": pytest.approx(0.064),
        "train_seconds": 5000,
    }
    assert table.optimum() == pytest.approx(0.05)


def test_one_training_is_seen_with_a_seed(folder):
    seen = set()
    for seed in range(20):
        table = nasbench301(path=folder, seed=seed)
        seen.add(round(table.trial(Candidate(of(table, CONFIG))).metrics["error"], 6))
    assert seen == {0.06, 0.056}


def test_what_was_not_trained_is_a_failed_trial(folder):
    table = nasbench301(path=folder)
    other = table.space.unrank(0)
    assert table.trial(Candidate(other)).status == "failed"
    short = table.trial(Candidate(of(table, CONFIG), fidelity=10))
    assert (short.status, short.metrics["epochs"]) == ("ok", 10)
    assert short.metrics["error"] == pytest.approx(0.2)


def test_it_is_found_by_name_in_the_data_folder(folder, monkeypatch):
    monkeypatch.setenv("NASTURTIUM_DATA", str(folder.parent))
    assert table_named("nasbench301", seed=1).epochs == 100
    assert table_named("nasbench301/10").epochs == 10
    with pytest.raises(ConfigError, match="no training of 12 epochs"):
        table_named("nasbench301/12")


def test_a_missing_folder_says_where_the_files_come_from(tmp_path, monkeypatch):
    monkeypatch.setenv("NASTURTIUM_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"no folder .*nasbench301.*pickles and are not read"):
        nasbench301()
    monkeypatch.delenv("NASTURTIUM_DATA")
    with pytest.raises(DataError, match="NASTURTIUM_DATA is not set"):
        nasbench301()
    with pytest.raises(DataError, match="has no trainings of 8 cells and 32 filters"):
        nasbench301(path=tmp_path)


def test_a_file_of_another_form_is_named(folder):
    broken = folder / "rs" / "results_0.json"
    for text, problem in (("{", "JSONDecodeError"), ("{}", "KeyError"), ("[1]", "TypeError")):
        broken.write_text(text)
        with pytest.raises(DataError, match=rf"results_0\.json cannot be read .*{problem}"):
            nasbench301(path=folder)
    lacking = training(CONFIG, 94.0, 93.0)
    del lacking["optimized_hyperparamater_config"][f"{PREFIX}edge_normal_5"]
    broken.write_text(json.dumps(lacking))
    with pytest.raises(DataError, match="edge_normal_5"):
        nasbench301(path=folder)


def test_cells_are_those_of_the_text():
    text = genotype_of(CONFIG).text
    assert genotype(text).normal.pairs() == genotype_of(CONFIG).normal.pairs()
