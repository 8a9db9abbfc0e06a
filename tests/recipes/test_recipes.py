from importlib import import_module
from inspect import getsource

import numpy as np
import pytest

import nasturtium as nt
from nasturtium import blocks as b
from nasturtium.cost.counts import Counted
from nasturtium.errors import ConfigError
from nasturtium.protocols import Trial
from nasturtium.report.page import write
from nasturtium.report.reading import contents_of
from nasturtium.report.words import comparison, headline
from nasturtium.run.names import RECIPES, parameters_of, resolve
from nasturtium.run.sharing import SAMPLE, SUBNETS, SUPERNET, Problem, shares_weights, trains_once
from nasturtium.space.zoo.fabric import trellis

SMALL = {  # parameters that make each recipe quick
    "alphanet": {"population": 4, "search": "binned"},
    "attentive": {"population": 4},
    "bignas": {"population": 4, "tuned": 1, "labels": 0.0, "search": "coarse-to-fine"},
    "darts": {"price": 1.0},
    "fairnas": {"population": 4},
    "ofa": {"population": 4},
    "p-darts": {"epochs": 1},
    "smash": {"layers": 2},
    "snas": {"price": 0.5, "form": "product"},
    "spos": {"population": 4},
}
OWN = {"fabric": trellis(3, 2, 4)}  # recipes that are for one kind of space
STEPS = {"ofa": 3 * 5, "p-darts": 3 * 5}  # a teacher's epoch before; an epoch of each of three supernets


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
    assert whole.metrics["steps"] == STEPS.get(name, 2 * 5)
    assert (run.folder / whole.weights).exists()
    assert all({"error", "params"} <= trial.metrics.keys() for trial in run.trials(SUBNETS))
    found = {trial.architecture for trial in run.trials(SUBNETS)}
    assert {trial.architecture for trial in run.trials("search")} <= found
    assert 0 <= run.best.retrained.mean <= 1
    contents = contents_of(run)
    made = resolve("method", name)(**SMALL.get(name, {}))
    inherited = trains_once(made) and made.tuned == 0
    assert ("the supernet's weights" in " ".join(headline(contents))) == inherited
    shared = sum(t.metrics["train_seconds"] for stage in (SUPERNET, SUBNETS) for t in run.trials(stage))
    assert contents.search.before == pytest.approx(shared)
    assert contents.search.points[0].spent >= shared
    assert "of it on shared weights" in " ".join(comparison(contents))
    assert SUPERNET in write(run, tmp_path / "report.html").read_text(encoding="utf-8")


WITH_SIZES = [name for name in RECIPES if "size" in parameters_of(resolve("method", name))]


@pytest.mark.parametrize("name", WITH_SIZES)
def test_published_settings_are_a_recipe(name, space, digits):
    published = resolve("method", name).PUBLISHED
    recipe = nt.Recipe(batch_size=16).with_settings(published)
    assert recipe.batch_size == published["batch_size"] >= 50
    with pytest.raises(ConfigError, match="huge"):
        resolve("method", name)(size="huge").supernet(None)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        # The sheets: 07, section 1 (0.025 to 0.001); 08, sections 1, 5 and 7; 01, section 3 (0.05 to 0.0005).
        (
            "darts",
            {"nesterov": False, "warmup": 0.0, "floor": 0.04, "clip_norm": 5.0, "label_smoothing": 0.0},
        ),
        ("spos", {"nesterov": False, "warmup": 0.0, "label_smoothing": 0.1}),
        ("ofa", {"nesterov": True, "warmup": 5 / 425, "label_smoothing": 0.1}),
        ("attentive", {"nesterov": True, "warmup": 5 / 360, "clip_value": 1.0}),
        ("enas", {"warmup": 0.0, "floor": 0.01, "label_smoothing": 0.0}),
    ],
)
def test_published_schedules_leave_nothing_to_the_toolkits_defaults(name, wanted):
    recipe = nt.Recipe().with_settings(resolve("method", name).PUBLISHED)
    assert {field: getattr(recipe, field) for field in wanted} == wanted
    assert {"warmup", "label_smoothing"} <= set(resolve("method", name).PUBLISHED)


@pytest.mark.parametrize("name", ["bignas", "attentive", "alphanet"])
def test_only_the_papers_own_trainings_do_without_labels(name):
    """Yu et al. 2020, section 3.1: smaller networks learn from the soft labels of the largest alone."""
    recipe = resolve("method", name)
    assert recipe(size="published").distillation().labels == 0
    assert recipe().distillation().labels == 1
    assert recipe(size="published", labels=0.5).distillation().labels == 0.5
    with pytest.raises(ConfigError, match="labels -1"):
        recipe(labels=-1)


def test_macs_of_spos_can_be_uniform_within_a_band(space, digits):
    bound = space.bind(digits.input_shape, digits.outputs)
    problem = Problem(bound, digits, nt.Recipe(), 0, Counted(bound))
    costs = sorted(problem.macs(one) for one in bound)
    low, high = costs[0] - 1, costs[len(costs) // 2]
    sampler = resolve("method", "spos")(over="macs", macs=(low, high)).sampler(problem, 100)
    assert all(low <= problem.macs(one.point) <= high for one in sampler.ask(50))
    assert resolve("method", "spos")(over="macs").sampler(problem, 100).high > high
    with pytest.raises(ConfigError, match="flops"):
        resolve("method", "spos")(over="flops").sampler(problem, 100)


def test_the_second_stage_of_drnas_mixes_4_of_7_options(space, digits):
    """Of three options two are left, of two both; the concentrations rest for 2 of 5 steps of each stage."""
    bound = space.bind(digits.input_shape, digits.outputs)
    problem = Problem(bound, digits, nt.Recipe(), 0, Counted(bound))
    sampler = resolve("method", "drnas")(stages=2).method(problem, 10, {"learning_rate": 0.1})
    asked = []
    for _ in range(10):
        asked += sampler.ask(1)
        gradient = None if asked[-1].fidelity else np.arange(5.0)
        sampler.tell([Trial(asked[-1], {"loss": 1.0}, gradient=gradient)])
    assert [one.fidelity for one in asked] == [1, 1, None, None, None] * 2
    assert [tuple(map(len, one.point.running)) for one in asked] == [(2, 3)] * 5 + [(2, 2)] * 5
    assert asked[9].point.running == ((0, 1), (0, 1)), "those with the smallest slopes"
    with pytest.raises(ConfigError, match="stages is 3"):
        resolve("method", "drnas")(stages=3).method(problem, 10, 0.1)
