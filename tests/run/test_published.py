"""Published rows name what we have."""

from nasturtium.protocols import Candidate
from nasturtium.run.bench.entry import Entry, entry_of
from nasturtium.run.names import METHODS, parameters_of, resolve, table_named
from nasturtium.run.published import BUDGETS, NASBENCH201, short_trainings


def test_every_row_is_a_method_of_ours_with_its_parameters():
    for row in NASBENCH201.rows:
        assert row.method in METHODS
        assert {name for name, _ in row.parameters} <= set(parameters_of(resolve("method", row.method)))
        assert 90 < row.mean < 95
        assert 0 < row.std < 1


def test_the_tables_of_the_protocol_have_its_metrics_and_its_clock():
    reward, judge = table_named(NASBENCH201.table), table_named(NASBENCH201.judge)
    assert {"error", "train_seconds"} <= reward.metrics
    assert NASBENCH201.metric in judge.metrics
    assert reward.space.fingerprint == judge.space.fingerprint


def test_every_row_survives_being_written_as_a_method_with_its_parameters():
    for row in NASBENCH201.rows:
        entry = Entry(row.method, row.parameters)
        assert entry_of(entry.label) == entry


def test_every_budget_that_bohb_asks_for_is_a_training_of_12_epochs():
    table, plain = short_trainings(), table_named("nasbench201/cifar10/12")
    row = next(row for row in NASBENCH201.rows if row.method == "bohb")
    strategy = resolve("method", "bohb")(table.space, **dict(row.parameters))
    seen = set()
    for _ in range(60):
        (candidate,) = strategy.ask(1)
        trial = table.trial(candidate)
        known = plain.trial(Candidate(candidate.point)).metrics
        assert {**trial.metrics, "epochs": 12} == known
        seen.add(candidate.fidelity)
        strategy.tell([trial])
    assert seen == set(BUDGETS)
