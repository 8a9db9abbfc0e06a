"""Worker processes: the results of one process, nothing lost when some die, and none left behind."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

import nasturtium as nt
from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError, StoreError
from nasturtium.evaluate.scratch import Scratch
from nasturtium.protocols import Candidate
from nasturtium.run.budget import Budget
from nasturtium.run.processes import Processes
from nasturtium.run.record import Record
from nasturtium.run.search import search
from nasturtium.store.journal import Journal
from nasturtium.store.records import Header, Told
from nasturtium.strategy.distinct import Distinct
from nasturtium.strategy.evolution import RegularizedEvolution
from nasturtium.strategy.random import RandomSearch
from nasturtium.testing.evaluator import EvaluatorConformance, evaluate_all
from nasturtium.testing.toys import ToyEvaluator, conditional_space, flat_space
from nasturtium.testing.troubled import Troubled

SPACE = flat_space()
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def candidates(count):
    return [Candidate(SPACE.unrank(7 * i % SPACE.count), number=i) for i in range(count)]


def troubled(folder=None, *, seconds=(0.0, 0.0), **trouble):
    """What makes an evaluator with trouble: n3="dies" is for candidate 3."""
    return partial(Troubled, SPACE, {int(name[1:]): what for name, what in trouble.items()}, folder, seconds)


def run(folder, strategy, evaluator, trials, space=SPACE):
    with Journal.resume(folder, Header(space.fingerprint)) as journal:
        search(strategy, evaluator, Record(journal, "search", Budget(trials, "trials")))
        return [
            trial for event in journal.events("search") if isinstance(event, Told) for trial in event.trials
        ]


def lasting(trial):
    clocks = {"train_seconds", "pid", "threads"}
    return trial.candidate, trial.status, {k: v for k, v in trial.metrics.items() if k not in clocks}


@pytest.fixture(scope="module")
def one_crew():
    with Processes(partial(ToyEvaluator, SPACE), 2) as evaluator:
        yield evaluator


class TestProcesses(EvaluatorConformance):
    metrics = frozenset({"error", "params"})

    @pytest.fixture(autouse=True)
    def _crew(self, one_crew):
        self.crew = one_crew  # the laws hold for one that has worked before, and starting is slow

    def make(self):
        return self.crew

    def candidates(self):
        return candidates(10)

    def impossible(self):
        return Candidate(Architecture("elsewhere", (0,)), number=0)


def test_one_process_gives_what_this_process_gives_bit_by_bit(tmp_path, tiny_space, digits):
    recipe = nt.Recipe(epochs=1, batch_size=32, threads=1)
    space = tiny_space.bind(digits.input_shape, digits.outputs)

    def made(folder):
        return partial(Scratch, tiny_space, digits, recipe, seed=5, folder=folder)

    serial = run(tmp_path / "a", RegularizedEvolution(space), made(tmp_path / "a")(), 5, space)
    with Processes(made(tmp_path / "b"), 1, threads=1) as evaluator:
        apart = run(tmp_path / "b", RegularizedEvolution(space), evaluator, 5, space)
    assert list(map(lasting, apart)) == list(map(lasting, serial))
    for trial in serial:
        assert trial.weights is not None
        assert (tmp_path / "a" / trial.weights).read_bytes() == (tmp_path / "b" / trial.weights).read_bytes()


def test_the_same_search_runs_in_two_processes(tmp_path):
    space = conditional_space()
    strategy = Distinct(RegularizedEvolution(space), space.canonical)
    with Processes(partial(ToyEvaluator, space), 2) as evaluator:
        told = run(tmp_path, strategy, evaluator, 40, space)
    assert sorted(trial.candidate.number for trial in told) == list(range(40))
    again = {
        trial.candidate.number: trial
        for trial in evaluate_all(ToyEvaluator(space), [t.candidate for t in told])
    }
    assert all(lasting(trial) == lasting(again[trial.candidate.number]) for trial in told)


def test_a_worker_keeps_its_evaluator_and_its_threads():
    with Processes(troubled(), 2, threads=1) as evaluator:
        told = evaluate_all(evaluator, candidates(12))
    assert len({trial.metrics["pid"] for trial in told}) == 2
    assert os.getpid() not in {trial.metrics["pid"] for trial in told}
    assert {trial.metrics["threads"] for trial in told} == {1.0}


def test_workers_are_busy_nearly_all_the_time(tmp_path):
    """Evaluations of 50 to 500 ms, drawn at random; bench/workers.py measures it on a quiet machine."""
    workers, trials = 4, 48
    with Processes(troubled(seconds=(0.05, 0.5)), workers) as evaluator:
        evaluate_all(evaluator, candidates(workers))  # they are up
        began = time.monotonic()
        told = run(tmp_path, RandomSearch(SPACE), evaluator, trials)
        took = time.monotonic() - began
    busy = sum(trial.metrics["train_seconds"] for trial in told)
    assert busy / (workers * took) > 0.6  # the last ones of a short search finish alone


def test_a_killed_worker_loses_nothing_and_its_candidate_is_tried_again(tmp_path):
    with Processes(troubled(tmp_path, n3="dies once"), 2) as evaluator:
        told = run(tmp_path / "run", RandomSearch(SPACE), evaluator, 10)
    assert sorted(trial.candidate.number for trial in told) == list(range(10))
    assert {trial.status for trial in told} == {"ok"}
    assert (tmp_path / "once-3").exists()


def test_a_candidate_that_kills_its_workers_is_a_failed_trial_that_says_so():
    with Processes(troubled(n1="dies", n2="exits"), 2) as evaluator:
        told = {trial.candidate.number: trial for trial in evaluate_all(evaluator, candidates(5))}
    assert [told[number].status for number in range(5)] == ["ok", "failed", "failed", "ok", "ok"]
    assert told[1].error == "the worker process died: killed by signal 9, Killed (2 times)"
    assert told[2].error == "the worker process died: exit code 3 (2 times)"


def test_a_candidate_that_takes_too_long_is_stopped_once():
    began = time.monotonic()
    with Processes(troubled(n1="hangs"), 2, seconds=1.0) as evaluator:
        told = {trial.candidate.number: trial for trial in evaluate_all(evaluator, candidates(4))}
    assert [told[number].status for number in range(4)] == ["ok", "failed", "ok", "ok"]
    assert told[1].error == "it took longer than 1 s and was stopped"
    assert time.monotonic() - began < 60


@LINUX
def test_a_candidate_that_takes_too_much_memory_is_stopped():
    with Processes(troubled(n0="hogs"), 1, memory_gb=0.45, seconds=120) as evaluator:
        told = evaluate_all(evaluator, candidates(2))
    assert [trial.status for trial in told] == ["failed", "ok"]
    assert "GB of memory, more than 0.45 GB" in told[0].error


def test_what_an_evaluator_raises_ends_the_search_and_leaves_no_process():
    with Processes(troubled(n1="raises"), 2) as evaluator:
        with pytest.raises(StoreError, match="the disk is full, says the test"):
            evaluate_all(evaluator, candidates(5))
        assert not evaluator._crew._workers


def test_a_maker_that_fails_is_told_as_it_is():
    with Processes(partial(Troubled, SPACE), 2) as evaluator, pytest.raises(TypeError, match="trouble"):
        evaluate_all(evaluator, candidates(1))


def test_a_maker_that_cannot_be_sent_is_refused_at_once():
    with pytest.raises(ConfigError, match=r"functools\.partial"):
        Processes(lambda: ToyEvaluator(SPACE), 2)


@pytest.mark.parametrize(
    "wrong", [{"workers": 0}, {"threads": 0}, {"retries": -1}, {"seconds": 0}, {"memory_gb": 0}]
)
def test_numbers_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ConfigError, match=f"{next(iter(wrong))} is"):
        Processes(troubled(), **wrong)


UNGUARDED = """
import functools
from nasturtium.protocols import Candidate
from nasturtium.run.processes import Processes
from nasturtium.testing.toys import ToyEvaluator, flat_space

with Processes(functools.partial(ToyEvaluator, flat_space()), 1) as evaluator:
    list(evaluator.evaluate([Candidate(flat_space().unrank(0), number=0)]))
"""


def test_a_script_without_a_guard_is_told_what_it_needs(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(UNGUARDED)
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 1
    assert "ConfigError: worker processes end before they have an evaluator" in ended.stderr
    assert '__name__ == "__main__"' in ended.stderr


LEFT = """
import functools, sys
from nasturtium.protocols import Candidate
from nasturtium.run.processes import Processes
from nasturtium.testing.toys import flat_space
from nasturtium.testing.troubled import Troubled

if __name__ == "__main__":
    space = flat_space()
    evaluator = Processes(functools.partial(Troubled, space, {1: "hangs", 2: "hangs"}), 2)
    (first,), *_ = evaluator.evaluate([Candidate(space.unrank(i), number=i) for i in range(3)])
    print(*(worker.process.pid for worker in evaluator._crew._workers), flush=True)
    how = sys.argv[1]
    if how == "raises":
        raise RuntimeError
    if how == "waits":
        list(evaluator.evaluate([]))
"""


@LINUX
@pytest.mark.parametrize("how", ["ends", "raises", "waits"])
def test_no_process_is_left_when_its_parent_ends(tmp_path, how):
    """It ends, raises, or is killed while its workers hang in the middle of an evaluation."""
    script = tmp_path / "script.py"
    script.write_text(LEFT)
    parent = subprocess.Popen(
        [sys.executable, script, how], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert parent.stdout is not None
    workers = list(map(int, parent.stdout.readline().split()))
    assert len(workers) == 2
    if how == "waits":
        parent.send_signal(signal.SIGKILL)
    parent.wait(60)
    parent.stdout.close()
    deadline = time.monotonic() + 30
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, workers))


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
