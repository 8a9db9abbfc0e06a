from importlib import import_module
from inspect import getsource

import pytest

import nasturtium as nt
from nasturtium import blocks as b
from nasturtium.errors import ConfigError
from nasturtium.report.page import write
from nasturtium.report.reading import contents_of
from nasturtium.report.words import comparison
from nasturtium.run.names import RECIPES, parameters_of, resolve
from nasturtium.run.sharing import SAMPLE, SUBNETS, SUPERNET, shares_weights
from nasturtium.space.zoo.fabric import trellis

SMALL = {  # parameters that make each recipe quick
    "fairnas": {"population": 4},
    "smash": {"layers": 2},
    "spos": {"population": 4},
}
OWN = {"fabric": trellis(3, 2, 4)}  # recipes that are for one kind of space


@pytest.fixture(scope="module")
def space():
    kernel = nt.choice(1, 3, 5, name="kernel")
    return nt.Space(
        b.conv(4, kernel=3, stride=2),
        nt.choice(b.conv(8, kernel=kernel), b.inverted_residual(8, kernel=3, expand=2)),
        b.classifier(),
        name="few",
    )


@pytest.fixture(scope="module")
def digits():
    return nt.tasks.image_classification("digits", max_train=200)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_a_short_file(name):
    module = import_module(RECIPES[name].partition(":")[0])
    assert len(getsource(module).splitlines()) <= 60


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_runs_from_supernet_to_tested_network(name, space, digits, tmp_path):
    assert shares_weights(resolve("method", name))
    run = nt.search(
        *(OWN.get(name, space), digits),
        method=name,
        minimize=("error", "params"),
        budget=8,
        out=tmp_path / "run",
        parameters={"epochs": 2, "finalists": 2, "recalibration": 64, **SMALL.get(name, {})},
        recipe=nt.Recipe(epochs=1, batch_size=32, threads=1),
        retrain=nt.Retraining(picks=1, times=1),
    )
    assert run.complete
    assert run.stages == (SUPERNET, SUBNETS, "search", "baseline", SAMPLE, "retrain")
    (whole,) = run.trials(SUPERNET)
    assert whole.metrics["steps"] == 2 * 5
    assert (run.folder / whole.weights).exists()
    assert all({"error", "params"} <= trial.metrics.keys() for trial in run.trials(SUBNETS))
    found = {trial.architecture for trial in run.trials(SUBNETS)}
    assert {trial.architecture for trial in run.trials("search")} <= found
    assert 0 <= run.best.retrained.mean <= 1
    contents = contents_of(run)
    shared = sum(t.metrics["train_seconds"] for stage in (SUPERNET, SUBNETS) for t in run.trials(stage))
    assert contents.search.before == pytest.approx(shared)
    assert contents.search.points[0].spent > shared
    assert "of it on shared weights" in " ".join(comparison(contents))
    assert SUPERNET in write(run, tmp_path / "report.html").read_text(encoding="utf-8")


WITH_SIZES = [name for name in RECIPES if "size" in parameters_of(resolve("method", name))]


@pytest.mark.parametrize("name", WITH_SIZES)
def test_published_settings_are_a_recipe(name, space, digits):
    published = resolve("method", name).PUBLISHED
    recipe = nt.Recipe(batch_size=16).with_settings(published)
    assert recipe.batch_size == published["batch_size"] >= 64
    with pytest.raises(ConfigError, match="huge"):
        resolve("method", name)(size="huge").supernet(None)
