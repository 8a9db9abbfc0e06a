import errno
import time
from dataclasses import replace

import numpy as np
import pytest

import nasturtium as nt
from nasturtium import blocks as b
from nasturtium.errors import (
    ConfigError,
    InfeasibleSpace,
    JournalError,
    ShapeError,
    StoreError,
    UnknownName,
)
from nasturtium.evaluate.table import Level, Table
from nasturtium.run.api import search_spec
from nasturtium.run.record import Unwatched
from nasturtium.run.run import Run
from nasturtium.run.spec import Spec
from nasturtium.strategy.random import RandomSearch
from nasturtium.testing.toys import ToyCosts, ToyEvaluator, flat_space, toy_metrics

RECIPE = nt.Recipe(epochs=1, batch_size=32, threads=1)


def toy(out, **changes):
    """A search without training, and what is asked of it otherwise."""
    space = flat_space()
    settings = {
        "evaluator": ToyEvaluator(space),
        "costs": ToyCosts(space),
        "minimize": ("error", "params"),
        "budget": 20,
        "out": out,
    }
    return nt.search(changes.pop("space", space), **(settings | changes))


def numbers(run, stage="search"):
    return [trial.candidate.point.choices for trial in run.trials(stage)]


def test_the_same_call_again_changes_nothing(tmp_path):
    first = toy(tmp_path)
    again = toy(tmp_path)
    assert first.complete
    for stage in first.stages:
        assert again.events(stage) == first.events(stage)
    assert len(again.sessions) == 2


def test_the_same_call_elsewhere_gives_the_same(tmp_path):
    first, again = toy(tmp_path / "a"), toy(tmp_path / "b")
    assert [first.trials(stage) for stage in first.stages] == [again.trials(stage) for stage in again.stages]
    assert numbers(toy(tmp_path / "c", seed=1)) != numbers(first)


def test_more_budget_goes_on(tmp_path):
    short = toy(tmp_path)
    long = toy(tmp_path, budget=30)
    assert numbers(long)[:20] == numbers(short)
    assert [len(long.trials(stage)) for stage in long.stages] == [30, 30]
    assert long.complete
    assert long.spec.budget == 30


def test_without_a_folder_there_is_a_temporary_one():
    run = toy(None)
    assert run.folder.is_dir()
    assert Run.load(run.folder).trials() == run.trials()


def test_the_baseline_is_random_search_of_another_seed_with_as_many_trials(tmp_path):
    run = toy(tmp_path, method="random")
    assert len(run.trials("baseline")) == len(run.trials())
    assert numbers(run, "baseline") != numbers(run)
    assert toy(tmp_path / "none", baseline=False).stages == ("search",)


def test_a_budget_of_time_gives_the_baseline_as_long_trainings(tmp_path):
    space = flat_space()

    def metrics(architecture):
        time.sleep(0.01)
        return toy_metrics(space, architecture) | {"train_seconds": 10.0 * (1 + architecture.choices[0])}

    start = time.monotonic()
    run = toy(tmp_path, evaluator=ToyEvaluator(space, metrics=metrics), budget="0.3s")
    assert time.monotonic() - start < 20
    spent = [sum(t.metrics["train_seconds"] for t in run.trials(stage)) for stage in ("search", "baseline")]
    assert spent[0] <= spent[1] < spent[0] + 30.0
    again = toy(tmp_path, evaluator=ToyEvaluator(space, metrics=metrics), budget="0.3s")
    assert again.events() == run.events(), "a budget of time that was spent was spent again"


def test_a_budget_of_simulated_training_needs_no_time(tmp_path):
    space = flat_space()
    evaluator = ToyEvaluator(space, metrics=lambda a: toy_metrics(space, a) | {"train_seconds": 60.0})
    run = toy(tmp_path, evaluator=evaluator, budget="10m training")
    assert [len(run.trials(stage)) for stage in run.stages] == [10, 10]


def test_no_network_is_evaluated_twice_and_none_breaks_the_constraints(tmp_path):
    run = toy(tmp_path, method="local", subject_to=("params <= 1900",), budget=40, baseline=False)
    assert len(set(numbers(run))) == len(numbers(run)) > 10
    assert all(trial.metrics["params"] <= 1900 for trial in run.trials())


def test_a_constraint_that_only_training_can_tell_shapes_the_front(tmp_path):
    run = toy(tmp_path, subject_to=("error <= 0.5",), budget=40)
    assert all(pick.metrics["error"] <= 0.5 for pick in run.front)
    assert any(trial.metrics["error"] > 0.5 for trial in run.trials())


def test_a_strategy_of_ones_own_is_given_as_a_class_with_its_parameters(tmp_path):
    class Mine(RandomSearch):
        def __init__(self, space, *, seed, objectives, heat=1.0):
            assert heat == 0.5
            super().__init__(space, seed=seed, objectives=objectives)

    run = toy(tmp_path, method=Mine, parameters={"heat": 0.5})
    assert run.spec.method.endswith("Mine")
    with pytest.raises(UnknownName, match=r"unknown parameter 'heet'.*did you mean 'heat'"):
        toy(tmp_path / "other", method=Mine, parameters={"heet": 0.5})


def test_an_observer_sees_every_stage_and_changes_nothing(tmp_path):
    class Watching(Unwatched):
        def __init__(self):
            self.seen = []

        def began(self, stage, purse, trials):
            self.seen.append((stage, len(trials), purse.left))

        def told(self, stage, trials):
            self.seen[-1] = (*self.seen[-1], len(trials))

        def ended(self, stage):
            self.seen.append(stage)

    watching = Watching()
    run = toy(tmp_path, observer=watching)
    assert [entry for entry in watching.seen if isinstance(entry, str)] == ["search", "baseline"]
    assert watching.seen[0] == ("search", 0, 20) + (1,) * 20
    again = Watching()
    assert toy(tmp_path, observer=again).events() == run.events()
    assert again.seen[0] == ("search", 20, 0)


def test_an_interrupt_returns_what_there_is(tmp_path):
    class Interrupting(Unwatched):
        def told(self, stage, trials):
            if trials[0].candidate.number == 7:
                raise KeyboardInterrupt

    cut = toy(tmp_path / "cut", observer=Interrupting())
    assert not cut.complete
    assert len(cut.trials()) == 8
    assert cut.front
    assert toy(tmp_path / "cut").trials() == toy(tmp_path / "whole").trials()


def test_another_search_in_the_folder_is_refused_with_what_differs(tmp_path):
    run = toy(tmp_path)
    for changes, message in (
        ({"method": "random"}, "method is auto there, random here"),
        ({"seed": 1}, "seed is 0 there, 1 here"),
        ({"minimize": "error"}, "minimize is error, params there, error here"),
        ({"subject_to": "params <= 1900"}, "subject_to is nothing there, params <= 1900 here"),
        ({"parameters": {"initial": 5}}, "parameters is"),
    ):
        with pytest.raises(JournalError, match=message):
            toy(tmp_path, **changes)
    other = nt.Space(b.conv(nt.choice(4, 8)), b.classifier(), name="other", input_shape=(1, 8, 8), outputs=10)
    with pytest.raises(JournalError, match="space is flat"):
        toy(tmp_path, space=other, evaluator=ToyEvaluator(other))
    assert Run.load(tmp_path).events() == run.events()


def test_another_recipe_is_another_search(tmp_path, tiny_space, digits):
    asked = {"minimize": "error", "budget": 1, "baseline": False, "retrain": nt.Retraining(picks=0)}
    nt.search(tiny_space, digits, out=tmp_path, recipe=RECIPE, **asked)
    with pytest.raises(JournalError, match=r"recipe\.epochs is 1 there, 3 here"):
        nt.search(tiny_space, digits, out=tmp_path, recipe=replace(RECIPE, epochs=3), **asked)


def test_another_table_in_the_folder_is_another_search(tmp_path):
    space = flat_space()

    def table(highest=1.0, seed=0):
        errors = np.linspace(0, highest, space.count)
        return Table(space, {1: Level({"error": errors}, {})}, space.rank, epochs=1, seed=seed)

    def search(evaluator):
        return nt.search(space, evaluator=evaluator, minimize="error", budget=9, out=tmp_path)

    run = search(table())
    assert search(table()).trials() == run.trials()
    for other in (table(highest=0.5), table(seed=1), ToyEvaluator(space)):
        with pytest.raises(JournalError, match=f"evaluator is {table().fingerprint} there, .* here"):
            search(other)
    assert run.trials() == Run.load(tmp_path).trials()


def test_an_evaluator_of_ones_own_may_say_what_tells_it_from_others(tmp_path):
    class Mine(ToyEvaluator):
        def __init__(self, fingerprint):
            super().__init__(flat_space())
            self.fingerprint = fingerprint

    toy(tmp_path, evaluator=Mine("one"))
    toy(tmp_path, evaluator=Mine("one"))
    with pytest.raises(JournalError, match="evaluator is one there, two here"):
        toy(tmp_path, evaluator=Mine("two"))


def test_another_model_of_costs_is_another_search(tmp_path):
    class Mine(ToyCosts):
        fingerprint = "one"

    toy(tmp_path / "toy")
    toy(tmp_path / "mine", costs=Mine(flat_space()))
    with pytest.raises(JournalError, match=r"costs is ToyCosts there, .*Mine one here"):
        toy(tmp_path / "toy", costs=Mine(flat_space()))
    Mine.fingerprint = "two"
    with pytest.raises(JournalError, match=r"costs is .*Mine one there, .*Mine two here"):
        toy(tmp_path / "mine", costs=Mine(flat_space()))


def test_spaces_that_differ_in_fixed_blocks_only_are_other_spaces(tmp_path):
    for outputs, matches in ((4, False), (8, True)):
        space = nt.Space(
            b.conv(outputs), b.conv(nt.choice(4, 8)), b.classifier(), input_shape=(1, 8, 8), outputs=10
        )
        run = {"space": space, "evaluator": ToyEvaluator(space), "costs": ToyCosts(space), "budget": 2}
        if matches:
            with pytest.raises(JournalError, match="space is"):
                toy(tmp_path, **run)
        else:
            toy(tmp_path, **run)


def test_a_search_that_could_not_begin_leaves_the_folder_free(tmp_path):
    with pytest.raises(InfeasibleSpace):
        toy(tmp_path, subject_to="params <= 1")
    assert toy(tmp_path, subject_to="params <= 1900").complete


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"method": "evolutoin"}, UnknownName, "did you mean 'evolution'"),
        ({"budget": "5 parsecs"}, ConfigError, "means nothing"),
        ({"budget": 0}, ConfigError, "leaves nothing"),
        ({"minimize": ()}, ConfigError, "minimize is empty"),
        ({"minimize": "error +"}, ConfigError, "error"),
        ({"minimize": "eror"}, UnknownName, "did you mean 'error'"),
        ({"subject_to": "params about 5"}, ConfigError, "constraint"),
        ({"subject_to": ("params <= 1", "params >= 2")}, ConfigError, "both"),
        ({"subject_to": "params <= 1"}, InfeasibleSpace, "smallest params seen 1400"),
        ({"parameters": {"inital": 3}}, UnknownName, "did you mean 'initial'"),
        ({"evaluator": None}, ConfigError, "either a task"),
        ({"proxies": "synflow"}, ConfigError, "proxies are for trainings on a task"),
        ({"recipe": nt.Recipe(epochs=3)}, ConfigError, "recipe is for trainings on a task"),
        ({"retrain": nt.Retraining(times=5)}, ConfigError, "retrain times and epochs are for trainings"),
        ({"retrain": nt.Retraining(epochs=5)}, ConfigError, "retrain times and epochs are for trainings"),
    ],
)
def test_what_cannot_be_done_is_a_clear_error(tmp_path, changes, error, message):
    with pytest.raises(error, match=message):
        toy(tmp_path, **changes)


def test_picks_of_an_evaluators_search_are_those_that_were_asked_for(tmp_path):
    run = toy(tmp_path, recipe=nt.Recipe(), retrain=nt.Retraining(picks=1, at="params <= 1900"))
    assert [pick.name for pick in run.picks] == ["params-1900"]


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"minimize": "latncy_ms"}, UnknownName, "did you mean 'latency_ms'"),
        ({"subject_to": "parms <= 5"}, UnknownName, "did you mean 'params'"),
        ({"subject_to": "params <= 5"}, InfeasibleSpace, "smallest params that can be reached is"),
        ({"retrain": nt.Retraining(at="params <= 5, 1e6")}, InfeasibleSpace, "has params <= 5: the smallest"),
    ],
)
def test_what_cannot_be_trained_for_is_a_clear_error(tmp_path, tiny_space, digits, changes, error, message):
    with pytest.raises(error, match=message):
        nt.search(
            tiny_space, digits, budget=2, out=tmp_path, recipe=RECIPE, **{"minimize": "error"} | changes
        )


def test_blocks_that_do_not_fit_are_found_before_training(tmp_path, digits):
    space = nt.Space(nt.choice(b.conv(8), b.classifier()), b.conv(4), b.classifier())
    with pytest.raises(ShapeError):
        nt.search(space, digits, budget=2, out=tmp_path / "out", recipe=RECIPE)
    assert not (tmp_path / "out").exists()


def test_an_unwritable_folder_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="another folder"):
        toy(tmp_path / "file" / "run")


def test_a_full_disk_stops_the_search_and_room_lets_it_go_on(tmp_path, monkeypatch, tiny_space, digits):
    settings = {"minimize": ("error", "params"), "budget": 4, "recipe": RECIPE, "baseline": False}
    settings["retrain"] = nt.Retraining(picks=0)
    saved = []

    def full(model, path, *, epochs):
        if len(saved) == 2:
            raise StoreError(f"cannot write the weights to {path}: {errno.errorcode[errno.ENOSPC]}")
        saved.append(path)

    with monkeypatch.context() as patched:
        patched.setattr("nasturtium.evaluate.scratch.save_weights", full)
        with pytest.raises(StoreError, match="ENOSPC"):
            nt.search(tiny_space, digits, out=tmp_path / "full", **settings)
    assert len(Run.load(tmp_path / "full").trials()) == 2
    resumed = nt.search(tiny_space, digits, out=tmp_path / "full", **settings)
    whole = nt.search(tiny_space, digits, out=tmp_path / "whole", **settings)
    assert numbers(resumed) == numbers(whole)
    assert [t.metrics["error"] for t in resumed.trials()] == [t.metrics["error"] for t in whole.trials()]


def test_a_diverged_training_is_a_failed_trial(tmp_path, tiny_space, digits):
    run = nt.search(
        tiny_space,
        digits,
        minimize="error",
        budget=2,
        out=tmp_path,
        recipe=replace(RECIPE, lr=1e30),
        baseline=False,
    )
    assert [trial.status for trial in run.trials()] == ["failed", "failed"]
    assert len(run.front) == 0
    with pytest.raises(InfeasibleSpace, match="the front is empty"):
        run.best  # noqa: B018


def test_latency_is_measured_once_and_kept_for_the_resume(tmp_path, tiny_space, digits):
    settings = {
        "minimize": ("error", "latency_ms"),
        "recipe": RECIPE,
        "baseline": False,
        "retrain": nt.Retraining(picks=1, times=1),
    }
    first = nt.search(tiny_space, digits, budget=2, out=tmp_path, **settings)
    more = nt.search(tiny_space, digits, budget=3, out=tmp_path, **settings)
    assert more.trials()[:2] == first.trials()
    assert all(trial.metrics["latency_ms"] > 0 for trial in more.trials())
    assert more.front.pick("latency_ms <= 1000").model()
    assert "device" in more.header.identity


def test_a_specification_does_the_same_as_the_call(tmp_path):
    spec = Spec(
        data="digits",
        space="chain",
        minimize=("params",),
        budget=1,
        out=str(tmp_path / "spec"),
        baseline=False,
        recipe=RECIPE,
        retrain=nt.Retraining(picks=0),
    )
    run = search_spec(spec)
    assert run.spec == spec
    assert (tmp_path / "spec" / "run.toml").read_text() == spec.to_toml()
    again = Run.load(tmp_path / "spec")
    assert again.space.name == "chain"
    assert again.best.text == run.best.text
