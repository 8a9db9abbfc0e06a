"""Actors of a Ray cluster give what this process gives; skipped where Ray is not installed."""

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

pytest.importorskip("ray")

import ray
from ray.cluster_utils import Cluster

import nasturtium as nt
from nasturtium.errors import ConfigError, StoreError
from nasturtium.protocols import Candidate
from nasturtium.run.budget import Budget
from nasturtium.run.ray import Ray
from nasturtium.run.record import Record
from nasturtium.run.search import search
from nasturtium.store.journal import Journal
from nasturtium.store.records import Header, Told
from nasturtium.strategy.random import RandomSearch
from nasturtium.testing.evaluator import EvaluatorConformance, evaluate_all
from nasturtium.testing.toys import ToyEvaluator, flat_space
from nasturtium.testing.troubled import Troubled

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
SPACE = flat_space()


@pytest.fixture(scope="module")
def cluster():
    """Two simulated nodes of two CPUs on this machine."""
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
    nodes.add_node(num_cpus=2)
    ray.init(address=nodes.address, log_to_driver=False)
    yield nodes
    ray.shutdown()
    nodes.shutdown()


@pytest.fixture(scope="module")
def crew(cluster):
    with Ray(partial(ToyEvaluator, SPACE), 2, cpus=0.5) as evaluator:
        yield evaluator


def candidates(count):
    return [Candidate(SPACE.unrank(7 * i % SPACE.count), number=i) for i in range(count)]


def troubled(folder=None, *, seconds=(0.0, 0.0), **trouble):
    return partial(Troubled, SPACE, {int(name[1:]): what for name, what in trouble.items()}, folder, seconds)


def run(folder, strategy, evaluator, trials, space=SPACE):
    with Journal.resume(folder, Header(space.fingerprint)) as journal:
        search(strategy, evaluator, Record(journal, "search", Budget(trials, "trials")))
        return [
            trial for event in journal.events("search") if isinstance(event, Told) for trial in event.trials
        ]


def lasting(trial):
    return trial.candidate, trial.status, {k: v for k, v in trial.metrics.items() if k != "train_seconds"}


class TestRay(EvaluatorConformance):
    metrics = frozenset({"error", "params"})

    @pytest.fixture(autouse=True)
    def _crew(self, crew):
        self.crew = crew

    def make(self):
        return self.crew

    def candidates(self):
        return candidates(10)


def test_there_is_a_worker_for_each_cpu_of_both_nodes(cluster):
    assert Ray(partial(ToyEvaluator, SPACE)).slots == 4
    assert Ray(partial(ToyEvaluator, SPACE), cpus=2).slots == 2
    assert Ray(partial(ToyEvaluator, SPACE), cpus=0.5).slots == 8
    with pytest.raises(ConfigError, match=r"no node of the Ray cluster has 1 CPUs and 0\.5 GPUs"):
        Ray(partial(ToyEvaluator, SPACE), gpus=0.5)


def test_a_search_on_a_cluster_finds_bit_by_bit_what_it_finds_here(tmp_path, cluster, tiny_space, digits):
    def searched(workers):
        found = nt.search(
            tiny_space,
            digits,
            method="random",  # asks for the same whatever order results come in
            minimize="error",
            budget=2,
            baseline=False,
            retrain=nt.Retraining(picks=0),
            recipe=nt.Recipe(epochs=1, batch_size=32, threads=1),
            workers=workers,
            out=tmp_path / str(workers),
        )
        weights = [file.read_bytes() for file in sorted(found.folder.glob("weights/**/*.safetensors"))]
        assert (found.complete, len(weights)) == (True, 2)
        trials = sorted(found.trials(), key=lambda trial: trial.candidate.number)
        return list(map(lasting, trials)), weights

    assert searched("ray") == searched(1)


def test_a_killed_worker_loses_nothing_and_its_candidate_is_tried_again(tmp_path, cluster):
    with Ray(troubled(tmp_path, n3="dies once", n5="dies"), 2) as evaluator:
        told = run(tmp_path / "run", RandomSearch(SPACE), evaluator, 10)
    assert sorted(trial.candidate.number for trial in told) == list(range(10))
    failed = [trial for trial in told if trial.status != "ok"]
    assert [trial.candidate.number for trial in failed] == [5]
    assert "the worker died" in failed[0].error
    assert "(2 times)" in failed[0].error


def test_a_lost_node_costs_its_candidate_a_second_try_and_nothing_that_was_told(tmp_path, cluster):
    lost = cluster.add_node(num_cpus=3)  # a worker of 3 CPUs fits nowhere else
    with (
        Ray(troubled(tmp_path, n3="hangs once"), 1, cpus=3) as evaluator,
        ThreadPoolExecutor(1) as beside,
    ):
        searching = beside.submit(run, tmp_path / "run", RandomSearch(SPACE), evaluator, 6)
        while not (tmp_path / "once-3").exists() and not searching.done():
            time.sleep(0.05)
        cluster.remove_node(lost, allow_graceful=False)
        other = cluster.add_node(num_cpus=3)
        told = searching.result(timeout=120)
    cluster.remove_node(other)
    assert [(trial.candidate.number, trial.status) for trial in told] == [(n, "ok") for n in range(6)]
    before, after = told[:3], told[3:]
    assert [len({trial.metrics["pid"] for trial in part}) for part in (before, after, told)] == [1, 1, 2]


def test_what_takes_too_long_is_stopped(cluster):
    with Ray(troubled(n1="hangs"), 2, seconds=6.0) as evaluator:
        told = {trial.candidate.number: trial for trial in evaluate_all(evaluator, candidates(3))}
    assert [told[number].status for number in range(3)] == ["ok", "failed", "ok"]
    assert told[1].error == "it took longer than 6 s and was stopped"


def test_what_an_evaluator_raises_ends_the_search(cluster):
    with Ray(troubled(n1="raises"), 2) as evaluator, pytest.raises(StoreError, match="the disk is full"):
        evaluate_all(evaluator, candidates(5))


def test_numbers_that_make_no_sense_are_refused(cluster):
    for wrong in ({"workers": 0}, {"cpus": 0}, {"gpus": -1}, {"retries": -1}, {"seconds": 0}):
        with pytest.raises(ConfigError, match=f"{next(iter(wrong))} is|{next(iter(wrong))} -?[0-9]"):
            Ray(partial(ToyEvaluator, SPACE), **wrong)
