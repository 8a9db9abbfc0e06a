import csv

import pytest

from nasturtium.errors import DataError, UnknownName
from nasturtium.evaluate.tables.file import table_file
from nasturtium.protocols import Candidate
from nasturtium.testing.evaluator import EvaluatorConformance
from nasturtium.testing.toys import conditional_space, toy_metrics

FLAT = """\
lr,act,error,params,metric:regret,epochs
0.1,relu,0.5,100,1,1
0.01,relu,0.4,100,2,1
0.1,tanh,0.3,100,3,1
0.1,relu,0.2,100,4,3
0.1,relu,0.1,100,5,3
0.10,tanh,nan,100,,3
"""


@pytest.fixture
def made(tmp_path):
    def make(text, **given):
        path = tmp_path / "mine.csv"
        path.write_text(text, encoding="utf-8")
        return table_file(path, **given)

    return make


def test_the_columns_are_the_space(made):
    table = made(FLAT)
    assert [(d.path, d.options) for d in table.space.decisions] == [
        ("lr", (0.01, 0.1)),
        ("act", ("relu", "tanh")),
    ]
    assert table.space.settings(table.space.parse("lr=0.1 act=tanh")) == {"lr": 0.1, "act": "tanh"}
    assert (table.space.name, table.epochs, table.objective) == ("mine", 3, "error")


def test_rows_are_runs_and_epochs_fidelities(made):
    table = made(FLAT)
    one = table.space.parse("lr=0.1 act=relu")
    assert table.trial(Candidate(one)).metrics == pytest.approx(
        {"error": 0.15, "params": 100, "regret": 4.5, "epochs": 3}
    )
    assert table.trial(Candidate(one, fidelity=1)).metrics["error"] == 0.5
    seen = [made(FLAT, seed=seed).trial(Candidate(one)).metrics for seed in range(20)]
    assert {(m["error"], m["regret"]) for m in seen} == {(0.2, 4.0), (0.1, 5.0)}
    assert table.optimum() == pytest.approx(0.15)


def test_what_was_not_trained_or_failed_is_a_failed_trial(made):
    table = made(FLAT)
    for text, problem in (
        ("lr=0.01 act=tanh", "the table has no training of lr=0.01 act=tanh"),
        ("lr=0.1 act=tanh", "the recorded training of 3 epochs has no error"),
        ("lr=0.01 act=relu", "the recorded training of 3 epochs has no error"),
    ):
        trial = table.trial(Candidate(table.space.parse(text)))
        assert (trial.status, trial.error) == ("failed", problem)


@pytest.mark.parametrize("cell", ["inf", "-inf", "nan", "1e999", ""])
def test_a_number_that_is_none_is_a_failed_training(made, cell):
    table = made(f"lr,error,loss\n1,{cell},3\n2,0.5,{cell}\n2,0.7,1\n")
    one, two = table.space
    assert table.trial(Candidate(one)).status == "failed"
    assert table.truth(two) == {"error": 0.6, "loss": 1.0}
    assert table.optimum() == 0.6


def test_without_an_error_the_first_metric_is_the_objective(made):
    text = "lr,latency_ms,loss\n1,3,5\n2,4,1\n"
    assert made(text).objective == "latency_ms"
    assert made(text, objective="loss").optimum() == 1
    with pytest.raises(UnknownName, match="unknown metric 'error'"):
        made(text, objective="error")


@pytest.fixture
def conditional(tmp_path):
    """The conditional toy, whole, once with a column per decision and once with lines of text."""
    space = conditional_space()
    paths = [decision.path for decision in space.decisions]
    columns, lines = tmp_path / "columns.csv", tmp_path / "lines.csv"
    with columns.open("w", newline="") as by_column, lines.open("w", newline="") as by_line:
        first, second = csv.writer(by_column), csv.writer(by_line)
        first.writerow([*paths, "error"])
        second.writerow(["architecture", "error"])
        for one in space:
            given = dict(word.rpartition("=")[::2] for word in space.text(one).split())
            error = toy_metrics(space, one)["error"]
            first.writerow([*(given.get(path, "") for path in paths), error])
            second.writerow([space.text(one), error])
    return columns, lines


def test_a_space_of_ones_own_can_be_conditional(conditional):
    space = conditional_space()
    for path in conditional:
        table = table_file(path, space=space)
        assert all(table.truth(one) == {"error": toy_metrics(space, one)["error"]} for one in space)


class TestFile(EvaluatorConformance):
    @pytest.fixture(autouse=True)
    def _path(self, conditional):
        self.path = conditional[0]

    def make(self):
        return table_file(self.path, space=conditional_space(), seed=1)

    def candidates(self):
        space = conditional_space()
        return [Candidate(space.unrank(31 * i), number=i) for i in range(4)]

    def impossible(self):
        return Candidate(conditional_space().unrank(0), fidelity=5, number=0)


WRONG = [
    ("error\n0.5\n", None, "no column is a decision, so there is nothing to search"),
    ("lr\n0.5\n", None, "no column is a metric; call one 'error', or 'metric:NAME'"),
    ("lr,error\n0.1,low\n", None, "row 2, column 'error': 'low' is not a number"),
    ("lr,error\n0.1,1\n,1\n", None, "row 3, column 'lr': no value; where a decision may not exist"),
    ("l r,error\n0.1,1\n", None, "column 'l r': the name of a decision has no spaces"),
    ("lr,error,epochs\n0.1,1,1.5\n", None, "row 2, column 'epochs': '1.5' is not a whole number"),
    ("lr,error,epochs\n0.1,1,inf\n", None, "row 2, column 'epochs': 'inf' is not a whole number"),
    (
        "lr,error,metric:error\n0.1,1,2\n",
        None,
        "column 'metric:error': it is the same metric as column 'error'",
    ),
    (
        "width,loss,metric:loss\n4,1,2\n",
        conditional_space(),
        "column 'metric:loss': it is the same metric as column 'loss'",
    ),
    ("architecture,error\nwidth=4,1\n", None, "column 'architecture': its space is needed to read it"),
    (
        "architecture,error\nwidth=4 depth=2,1\n",
        conditional_space(),
        "row 2, column 'architecture': unknown decision 'depth'",
    ),
    ("width,error\n5,1\n", conditional_space(), "row 2, column 'width': '5' is none of 4, 8"),
    ("width,error\n4,1\n", conditional_space(), "row 2: stage1.times is missing"),
]


@pytest.mark.parametrize(("text", "space", "problem"), WRONG)
def test_what_is_wrong_is_said_with_file_row_and_column(made, text, space, problem):
    with pytest.raises(DataError, match=rf"mine\.csv.*{problem}"):
        made(text, space=space)


def test_a_number_is_an_option_however_it_is_written(made):
    table = made(
        "width,choice,stage1.times,stage1.block1,error\n8.0,identity,1.0,identity,0.5\n",
        space=conditional_space(),
    )
    assert table.optimum() == 0.5
