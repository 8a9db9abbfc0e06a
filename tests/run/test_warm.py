"""A search starts from an earlier run, also one of another space."""

import json
import shutil

import numpy as np
import pytest

import nasturtium as nt
from nasturtium.cli import main
from nasturtium.errors import ConfigError, JournalError
from nasturtium.run.names import space_named, table_named
from nasturtium.run.run import Run
from nasturtium.run.spec import read_spec
from nasturtium.run.warm import LARGEST, PRIOR, prior_trials
from nasturtium.strategy.halving import SuccessiveHalving
from nasturtium.strategy.random import RandomSearch
from nasturtium.testing.toys import ToyEvaluator, flat_space


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    space = space_named("chain")
    out = tmp_path_factory.mktemp("warm") / "run"
    nt.search(
        "chain",
        evaluator=ToyEvaluator(space),
        method=SuccessiveHalving,
        minimize="error",
        budget=13,
        baseline=False,
        out=out,
    )
    return out


def test_trials_come_by_fidelity_the_highest_first(folder):
    tasks = prior_trials(folder, space_named("chain"))
    assert [{trial.candidate.fidelity for trial in task} for task in tasks] == [{9}, {3}, {1}]
    assert [len(task) for task in tasks] == [1, 3, 9]


def starting(out, folder, **changes):
    """A search of the space of `folder`, by another seed, that starts from it."""
    settings = {
        "evaluator": ToyEvaluator(space_named("chain")),
        "method": "evolution",
        "minimize": "error",
        "budget": 8,
        "seed": 1,
        "warm_from": folder,
        "out": out,
    }
    return nt.search("chain", **(settings | changes))


def points(run, stage="search"):
    return [trial.architecture for trial in run.trials(stage)]


def test_given_architectures_are_tried_first_then_the_best_of_before(folder, tmp_path):
    space = space_named("chain")
    lines = tmp_path / "mine.txt"
    lines.write_text(f"# the hand-made one\n{space.text(space.unrank(11))}  # good\n\n")
    given = [space.unrank(7), str(lines), space.text(space.unrank(70))]
    run = starting(tmp_path / "run", folder, try_first=given)
    best = [trial.architecture for task in prior_trials(folder, space) for trial in task]
    assert points(run)[:4] == [space.unrank(7), space.unrank(11), space.unrank(70), best[0]]
    assert read_spec(tmp_path / "run" / "run.toml").try_first == run.spec.try_first
    assert run.spec.try_first == tuple(map(space.text, map(space.unrank, (7, 11, 70))))


def test_the_baseline_stays_cold(folder, tmp_path):
    cold = starting(tmp_path / "cold", folder, warm_from=())
    warm = starting(tmp_path / "warm", folder)
    assert points(warm) != points(cold)
    assert points(warm, "baseline") == points(cold, "baseline")


def test_parameters_are_those_of_the_method_and_not_of_the_wrapper(folder, tmp_path):
    assert points(starting(tmp_path, folder, parameters={"population": 3}))
    with pytest.raises(ConfigError, match="parameter"):
        starting(tmp_path / "other", folder, parameters={"first": 3})


def test_a_method_that_learns_from_earlier_tasks_by_itself_is_given_them(folder, tmp_path):
    given = []

    class Learner(RandomSearch):
        def __init__(self, space, *, seed=0, objectives=(), prior=()):
            super().__init__(space, seed=seed, objectives=objectives)
            given.append(prior)

        def tell(self, trials):
            assert all("error" in trial.metrics and len(trial.metrics) == 2 for trial in trials)

    run = starting(tmp_path, folder, method=Learner, baseline=False)
    best = [trial.architecture for task in prior_trials(folder, space_named("chain")) for trial in task]
    assert [len(task) for task in given[0]] == [1, 3, 9]
    assert points(run)[0] == best[0]


@pytest.mark.parametrize("method", ["auto", "controller", "random", "hyperband", "bohb", "nsga2"])
def test_every_kind_of_method_starts_from_before_and_resumes(method, folder, tmp_path):
    short = starting(tmp_path / "a", folder, method=method, minimize=("error", "params"), baseline=False)
    more = {"method": method, "minimize": ("error", "params"), "baseline": False, "budget": 14}
    long = starting(tmp_path / "a", folder, **more)
    assert long.trials()[:8] == short.trials()
    assert points(long) == points(starting(tmp_path / "b", folder, **more))


def test_what_has_become_of_the_earlier_run_since_changes_nothing(folder, tmp_path):
    earlier = tmp_path / "earlier"
    shutil.copytree(folder, earlier)
    short = starting(tmp_path / "run", earlier)
    shutil.rmtree(earlier)
    long = starting(tmp_path / "run", f"{earlier}/", budget=12)
    assert long.trials()[:8] == short.trials()
    assert points(long) == points(starting(tmp_path / "again", folder, budget=12))


def test_another_source_is_another_search(folder, tmp_path):
    starting(tmp_path / "run", folder)
    with pytest.raises(JournalError, match=r"warm_from is .* there, not set here"):
        starting(tmp_path / "run", folder, warm_from=())


def test_a_lost_copy_is_an_error_that_says_what_to_do(folder, tmp_path):
    starting(tmp_path, folder)
    (tmp_path / PRIOR).write_text("[[{")
    with pytest.raises(JournalError, match="the copy of what this search started from"):
        starting(tmp_path, folder, budget=9)


def test_a_run_of_a_space_without_a_name_is_read_where_it_is_the_same_space(tmp_path):
    space = flat_space()
    settings = {"evaluator": ToyEvaluator(space), "minimize": "error", "budget": 4}
    first = nt.search(space, out=tmp_path / "a", **settings)
    again = nt.search(space, warm_from=[tmp_path / "a", first], out=tmp_path / "b", **settings)
    assert points(again)[0] == first.best.architecture
    assert Run.load(tmp_path / "b").spec.warm_from == ((tmp_path / "a").as_posix(),) * 2


def test_a_table_of_the_same_decisions_is_an_earlier_task():
    space = space_named("nasbench201")
    (trials,) = prior_trials("nasbench201/cifar100/12", space)
    assert len(trials) == space.count
    assert all(trial.architecture in space for trial in trials)


def test_of_a_large_task_the_best_and_a_few_others_are_kept(tmp_path):
    space = space_named("nasbench201")
    metrics = {"error": 0.5}
    nt.search(
        space,
        evaluator=ToyEvaluator(space, metrics=lambda _: metrics),
        method="evolution",
        minimize="error",
        budget=3,
        baseline=False,
        warm_from="nasbench201/cifar100/12",
        out=tmp_path,
    )
    (kept,) = json.loads((tmp_path / PRIOR).read_text())
    errors = [json.loads(row["metrics"])["error"] for row in kept]
    assert len(errors) == len({tuple(row["point"]) for row in kept}) == LARGEST
    assert errors == sorted(errors)
    whole = np.sort(table_named("nasbench201/cifar100/12").levels[12].once["error"])
    assert errors[: LARGEST // 2] == whole[: LARGEST // 2].tolist()
    assert errors[-1] > np.quantile(whole, 0.95)


def test_a_file_of_results_in_a_large_space_is_an_earlier_task(tmp_path):
    space, path = space_named("mobilenet"), tmp_path / "results.csv"
    given = [space.sample(np.random.default_rng(i)) for i in range(3)]
    path.write_text(
        "".join(["architecture,error\n", *(f"{space.text(one)},0.{i}1\n" for i, one in enumerate(given))])
    )
    (trials,) = prior_trials(f"{path}:mobilenet", space)
    assert [(trial.architecture, trial.metrics["error"]) for trial in trials] == [
        (one, float(f"0.{i}1")) for i, one in enumerate(given)
    ]


def test_a_source_that_has_nothing_to_say_is_an_error(folder, tmp_path):
    with pytest.raises(ConfigError, match="no trial of a network that flat has"):
        prior_trials(folder, flat_space())
    with pytest.raises(ConfigError, match=r"there is no folder runs/none, and no table.*nasbench201"):
        prior_trials("runs/none", flat_space())
    with pytest.raises(JournalError, match="no run in"):
        prior_trials(tmp_path, flat_space())
    with pytest.raises(ConfigError, match="is the folder of this search"):
        starting(tmp_path / "run", tmp_path / "run" / ".." / "run")
    with pytest.raises(
        ConfigError, match=r"what this search minimizes \(latency_ms\); they have error, params"
    ):
        starting(tmp_path / "run", folder, minimize="latency_ms")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            "mine.txt",
            "there is no file mine.txt, and an architecture of chain reads like: 'layer1.op=conv3x3",
        ),
        ("layer1.op=conv9x9", "conv9x9.*reads like"),
        ("layer1.op=conv3x3", "reads like"),
    ],
)
def test_a_text_that_is_no_architecture_is_an_error_with_an_example(given, said, folder, tmp_path):
    with pytest.raises(ConfigError, match=said):
        starting(tmp_path, folder, try_first=given)


def test_the_command_line_and_a_settings_file_say_it_too(folder, tmp_path, monkeypatch):
    space = space_named("chain")
    text = space.text(space.unrank(70))
    (tmp_path / "a.toml").write_text(
        f'data = "digits"\nspace = "chain"\nwarm_from = "{folder}"\nminimize = "error"\nbaseline = false\n'
        "budget = 1\n[recipe]\nepochs = 1\n[retrain]\npicks = 0\n"
    )
    words = ["search", str(tmp_path / "a.toml"), "--try-first", text, "--out", str(tmp_path / "r")]
    monkeypatch.setattr("sys.argv", ["nasturtium", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    run = Run.load(tmp_path / "r")
    assert points(run) == [space.unrank(70)]
    assert (run.spec.warm_from, (tmp_path / "r" / PRIOR).is_file()) == ((folder.as_posix(),), True)
