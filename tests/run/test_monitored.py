import json

import pytest

import nasturtium as nt
from nasturtium.architecture import Architecture, Mixture
from nasturtium.errors import StoreError
from nasturtium.evaluate.course import Course
from nasturtium.evaluate.monitor import Monitor
from nasturtium.protocols import Candidate, Trial
from nasturtium.run.agreed import agreement_of
from nasturtium.run.monitored import COURSE, Monitored, read, write
from nasturtium.run.record import Unwatched
from nasturtium.run.sharing import SAMPLE, SUBNETS, SUPERNET
from nasturtium.space.zoo.nasbench201 import OPS, nasbench201
from nasturtium.store.records import Header

SPACE = nasbench201()


class Watching(Unwatched):
    """Notes what a monitor says."""

    def __init__(self):
        self.notes, self.warnings = [], []

    def noted(self, stage, note):
        self.notes.append((stage, note))

    def warned(self, stage, warning):
        self.warnings.append(warning)


def skipping(steps):
    row = tuple(0.76 if op == "skip_connect" else 0.06 for op in OPS)
    trial = Trial(Candidate(Mixture(SPACE.fingerprint, (row,) * 6)), {"loss": 1.0})
    return [(trial,)] * steps


def monitored(folder, watching):
    return Monitored(Monitor(SPACE, 50), folder / COURSE, watching, SUPERNET)


def test_each_warning_is_given_once_and_every_look_is_noted(tmp_path):
    watching = Watching()
    told = monitored(tmp_path, watching)
    for trials in skipping(50):
        told.fold(trials)
        told.show()
        told.show()
    assert len(watching.notes) == 50
    assert watching.notes[-1] == (SUPERNET, "entropy 0.55, skips 81%")
    assert len(watching.warnings) == 1
    assert watching.warnings[0].startswith("At step 6 of 50 skip connections were 81%")
    assert repr(read(tmp_path)) == repr(told.monitor.course)


def test_what_a_former_session_saw_is_said_once_with_the_next_step(tmp_path):
    watching = Watching()
    told = monitored(tmp_path, watching)
    for trials in skipping(20):
        told.fold(trials)
    assert (watching.notes, read(tmp_path)) == ([], None)
    told.show()
    assert (len(watching.notes), len(watching.warnings)) == (1, 1)
    assert read(tmp_path).steps == tuple(range(1, 21))
    told.end()
    assert read(tmp_path).ended


def test_a_folder_without_a_supernet_has_no_course(tmp_path):
    assert read(tmp_path) is None


def test_a_spoilt_file_says_what_to_do(tmp_path):
    write(Course(3, ()), tmp_path / COURSE)
    assert read(tmp_path) == Course(3, ())
    (tmp_path / COURSE).write_text("{}")
    with pytest.raises(StoreError, match="writes it anew"):
        read(tmp_path)


@pytest.fixture(scope="module")
def run(tiny_space, digits, tmp_path_factory):
    """A whole run of a recipe, with random search."""
    return nt.search(
        *(tiny_space, digits),
        method="spos",
        minimize="error",
        budget=6,
        out=tmp_path_factory.mktemp("monitored") / "run",
        parameters={"epochs": 2, "population": 3, "finalists": 2, "recalibration": 64},
        recipe=nt.Recipe(epochs=1, batch_size=32, threads=1),
        retrain=nt.Retraining(picks=0),
    )


def test_the_journal_and_the_folder_have_what_was_seen(run):
    course = read(run.folder)
    (whole,) = run.trials(SUPERNET)
    assert course.total == course.steps[-1] == whole.metrics["steps"]
    assert whole.metrics["entropy"] == course.entropy[-1]
    assert whole.metrics["least_trained"] == min(map(min, course.counts))
    assert sum(course.counts[0]) == whole.metrics["paths"]
    assert [path for path, _ in course.decisions] == [d.path for d in run.space.decisions]
    assert json.loads((run.folder / COURSE).read_text())["total"] == course.total


def test_networks_of_random_search_are_compared_with_shared_weights(run):
    drawn = [trial.architecture for trial in run.trials("baseline")][:30]
    assert [trial.architecture for trial in run.trials(SAMPLE)] == drawn
    found = agreement_of(run, read(run.folder))
    assert found.random
    assert len(found.pairs) == len(drawn)
    first = run.trials(SAMPLE)[0].metrics["error"], run.trials("baseline")[0].metrics["error"]
    assert found.pairs[0] == first


class Made:
    """What `agreement_of` reads of a run."""

    header = Header(SPACE.fingerprint)

    def __init__(self, **stages):
        self.stages = stages

    def trials(self, stage):
        return [
            Trial(Candidate(SPACE.unrank(number)), {"error": error})
            for number, error in self.stages.get(stage, {}).items()
        ]


def test_without_random_search_the_finalists_are_compared():
    found = agreement_of(Made(subnets={1: 0.5, 2: 0.4, 3: 0.3}, search={3: 0.1, 1: 0.2}), None)
    assert (found.pairs, found.random) == (((0.3, 0.1), (0.5, 0.2)), False)
    drawn = agreement_of(Made(subnets={1: 0.5}, sample={2: 0.6}, search={1: 0.2}, baseline={2: 0.3}), None)
    assert (drawn.pairs, drawn.random) == (((0.6, 0.3),), True)


def test_the_gap_is_between_the_mixture_and_the_network_that_it_stands_for():
    network = Architecture(SPACE.fingerprint, SPACE.unrank(7).choices)
    errors = (0.9,) * 9 + (0.25,)
    course = Course(10, (), steps=tuple(range(10)), error=errors, learned=True, derived=network.choices)
    found = agreement_of(Made(subnets={7: 0.4}), course)
    assert (found.mixture, found.discrete) == (0.25, 0.4)
    assert found.gap == pytest.approx(0.15)
    assert SUBNETS in Made(subnets={}).stages
