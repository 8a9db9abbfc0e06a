"""A run whose lowest rung scores networks instead of training them."""

import pytest

import nasturtium as nt
from nasturtium.errors import ConfigError, UnknownName
from nasturtium.evaluate.recipe import Recipe
from nasturtium.report.reading import contents_of
from nasturtium.run.spec import Retraining
from nasturtium.tasks.images import image_classification

MINE = """
def width(model, images, labels):
    return float(max(p.numel() for p in model.parameters()))
"""


@pytest.fixture(scope="module")
def few_digits():
    return image_classification("digits", max_train=160)


def search(task, folder, **changes):
    settings = {
        "method": "halving",
        "parameters": {"fidelities": "0,1", "eta": 3},
        "minimize": ("error or -snip", "params"),
        "proxies": ("snip",),
        "budget": 8,
        "recipe": Recipe(epochs=1, batch_size=32),
        "retrain": Retraining(picks=1, times=1),
    }
    return nt.search("chain", task, out=folder, **{**settings, **changes})


def test_scores_first_then_trainings_then_the_picks(few_digits, tmp_path):
    run = search(few_digits, tmp_path / "run")
    scored = [t for t in run.trials() if t.candidate.fidelity == 0]
    trained = [t for t in run.trials() if t.candidate.fidelity == 1]
    assert scored
    assert trained
    assert all({"snip", "proxy_seconds", "params", "macs"} <= t.metrics.keys() for t in scored)
    assert not any({"error", "loss", "train_seconds"} & t.metrics.keys() for t in scored)
    assert all("error" in t.metrics and t.weights for t in trained)
    assert all("error" in pick.metrics for pick in run.front)
    assert all("error" in t.metrics for t in run.trials("baseline")), "the baseline trains what it looks at"
    assert run.picks[0].retrained
    assert search(few_digits, tmp_path / "run").trials() == run.trials(), "resumed"


def test_workers_give_the_same_scores(few_digits, tmp_path):
    def scores(run):
        assert all(t.status == "ok" for t in run.trials())
        return {t.architecture: t.metrics["snip"] for t in run.trials() if t.candidate.fidelity == 0}

    changes = {"minimize": "error or -snip", "baseline": False, "retrain": Retraining(picks=0), "budget": 3}
    alone = scores(search(few_digits, tmp_path / "1", **changes))
    several = scores(search(few_digits, tmp_path / "2", workers=2, **changes))
    assert len(alone.keys() & several.keys()) >= 2
    assert all(several[one] == pytest.approx(alone[one], rel=1e-4) for one in alone.keys() & several.keys())


def test_a_proxy_of_ones_own_is_a_file(few_digits, tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    run = search(
        few_digits,
        tmp_path / "run",
        proxies=f"{tmp_path / 'mine.py'}:width",
        minimize="error or -width",
        baseline=False,
        budget=3,
        retrain=Retraining(picks=0),
    )
    assert all(t.metrics["width"] > 0 for t in run.trials() if t.candidate.fidelity == 0)


def test_a_cascade_that_would_do_nothing_is_refused_before_anything_is_trained(few_digits, tmp_path):
    for changes, said in (
        ({"method": "random", "parameters": {}}, "random asks for none"),
        ({"parameters": {"fidelities": "1,3"}}, "halving asks for none"),
        ({"minimize": "error"}, 'minimize error needs error, .*: "error or -snip"'),
    ):
        with pytest.raises(ConfigError, match=said):
            search(few_digits, tmp_path / "run", **changes)
    with pytest.raises(UnknownName, match=r"unknown proxy 'snap'.*did you mean 'snip'"):
        search(few_digits, tmp_path / "run", proxies=("snap",))
    with pytest.raises(UnknownName, match="unknown metric 'synflow'"):
        search(few_digits, tmp_path / "run", minimize="error or -synflow")


def test_another_proxy_is_another_search(few_digits, tmp_path):
    search(few_digits, tmp_path / "run", baseline=False, budget=1, retrain=Retraining(picks=0))
    with pytest.raises(nt.errors.NasturtiumError, match="proxies"):
        search(few_digits, tmp_path / "run", proxies=("snip", "params"), baseline=False, budget=1)


def test_the_report_shows_no_score_beside_errors(few_digits, tmp_path):
    run = search(few_digits, tmp_path / "run", baseline=False, retrain=Retraining(picks=0))
    contents = contents_of(run)
    shown = contents.usable(contents.search)
    assert 0 < len(shown) < len(run.trials())
    assert all("error" in point.metrics for point in shown)
    assert len(contents.search.points) == len(run.trials())
