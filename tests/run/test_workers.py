"""``--workers``: the same search in this process, in several, and on a Ray cluster."""

from functools import partial

import pytest

import nasturtium as nt
from nasturtium.errors import ConfigError
from nasturtium.run.processes import Processes
from nasturtium.run.workers import check_workers, working
from nasturtium.testing.toys import ToyEvaluator, flat_space

CLOCKS = {"train_seconds", "latency_ms"}


def course(run):
    """What each training gave, by number, but for clocks."""
    return {
        trial.candidate.number: (
            trial.candidate,
            trial.status,
            {k: v for k, v in trial.metrics.items() if k not in CLOCKS},
        )
        for trial in run.trials()
    }


def small_search(out, workers, tiny_space, digits, **changes):
    settings = {
        "minimize": ("error", "params"),
        "budget": 4,
        "method": "random",
        "recipe": nt.Recipe(epochs=1, threads=1),
        "baseline": False,
        "retrain": nt.Retraining(picks=0),
    }
    return nt.search(tiny_space, digits, out=out, workers=workers, seed=3, **settings | changes)


def test_two_processes_search_like_one(tmp_path, tiny_space, digits):
    """Random search asks the same whatever comes back first, so that the two agree, trial by trial."""
    serial = small_search(tmp_path / "serial", 1, tiny_space, digits)
    spread = small_search(tmp_path / "spread", 2, tiny_space, digits)
    assert spread.complete
    assert course(spread) == course(serial)


def test_a_search_goes_on_with_other_workers(tmp_path, tiny_space, digits):
    small = small_search(tmp_path, 2, tiny_space, digits, budget=2)
    more = small_search(tmp_path, 1, tiny_space, digits, budget=4)
    assert more.trials()[:2] == small.trials()
    assert len(more.trials()) == 4


def test_a_multi_fidelity_search_goes_on_from_weights_in_two_processes(tmp_path, tiny_space, digits):
    run = small_search(
        tmp_path,
        2,
        tiny_space,
        digits,
        method="asha",
        budget=6,
        parameters={"fidelities": "1,2", "eta": 2, "inner": "evolution"},
    )
    trials = run.trials()
    promoted = [trial for trial in trials if trial.candidate.parent is not None]
    assert promoted
    assert all(
        trial.status == "ok" and trial.metrics["epochs"] == 1 for trial in promoted
    )  # 2 less 1 inherited
    below = {trial.candidate.number: trial.architecture for trial in trials}
    assert all(below[trial.candidate.parent] == trial.architecture for trial in promoted)


def test_one_worker_is_this_process_and_two_are_processes():
    make = partial(ToyEvaluator, flat_space())
    with working(make, 1) as evaluator:
        assert isinstance(evaluator, ToyEvaluator)
    with working(make, 2) as evaluator:
        assert isinstance(evaluator, Processes)
        assert evaluator.slots == 2


@pytest.mark.parametrize("wrong", [0, -2, True, 1.5, "four", "http://head:10001", ""])
def test_workers_that_are_neither_number_nor_cluster_are_refused(wrong):
    with pytest.raises(ConfigError, match="workers is"):
        check_workers(wrong)


def test_workers_need_a_task(tmp_path):
    space = flat_space()
    with pytest.raises(ConfigError, match="Processes"):
        nt.search(space, evaluator=ToyEvaluator(space), workers=2, out=tmp_path)
