"""Jobs keep a crew busy, try again what died, and give out every candidate once."""

from nasturtium.protocols import Candidate, Trial
from nasturtium.run.jobs import STILLBORN, Jobs, Lost, trials_of
from nasturtium.testing.toys import ToyEvaluator, flat_space

SPACE = flat_space()


def candidates(count, first=0):
    return [Candidate(SPACE.unrank(i), number=i) for i in range(first, first + count)]


class Scripted:
    """A crew whose jobs end, oldest first, when it is waited for; some are lost."""

    def __init__(self, size, lost=()):
        self.size = size
        self.lost = dict(lost)
        self.running = []
        self.waits = []
        self.started = []

    def start(self, job):
        assert len(self.running) < self.size
        self.started.append(job.candidate.number)
        self.running.append(job)

    def wait(self, *, block):
        self.waits.append(block)
        if not block:
            return []
        job = self.running.pop(0)
        reasons = self.lost.get(job.candidate.number, [])
        return [(job, reasons.pop(0) if reasons else [Trial(job.candidate, {"error": 0.5})])]


def told(groups):
    return [trial for group in groups for trial in group]


def test_it_waits_only_where_no_worker_is_free_or_nothing_was_given():
    crew = Scripted(3)
    jobs = Jobs(crew, 1)
    assert told(jobs.evaluate(candidates(2))) == []
    assert (jobs.slots, jobs.pending, crew.waits) == (1, 2, [False])
    assert [trial.candidate.number for trial in told(jobs.evaluate(candidates(1, 2)))] == [0]
    assert (jobs.slots, jobs.pending, crew.waits) == (1, 2, [False, True])
    assert [trial.candidate.number for trial in told(jobs.evaluate([]))] == [1]


def test_more_than_there_are_workers_wait_their_turn():
    crew = Scripted(2)
    jobs = Jobs(crew, 1)
    found = told(jobs.evaluate(candidates(5)))
    assert (jobs.slots, jobs.pending) == (0, 4)
    while jobs.pending:
        found += told(jobs.evaluate([]))
    assert [trial.candidate.number for trial in found] == crew.started == [0, 1, 2, 3, 4]


def test_nothing_given_and_nothing_pending_is_nothing():
    assert told(Jobs(Scripted(2), 1).evaluate([])) == []


def test_a_lost_candidate_is_tried_again_and_then_fails():
    crew = Scripted(1, {0: [Lost("gone")], 1: [Lost("gone"), Lost("gone again")]})
    jobs = Jobs(crew, 1)
    found = told(jobs.evaluate(candidates(2)))
    while jobs.pending:
        found += told(jobs.evaluate([]))
    assert [trial.status for trial in found] == ["ok", "failed"]
    assert found[1].error == "gone again (2 times)"
    assert crew.started == [0, 0, 1, 1]


def test_a_worker_that_was_lost_before_it_was_there_costs_no_try():
    unborn = Lost("its node is gone", began=False)
    crew = Scripted(1, {0: [Lost("gone"), unborn, unborn], 1: [unborn] * (STILLBORN + 1)})
    jobs = Jobs(crew, 1)
    found = told(jobs.evaluate(candidates(2)))
    while jobs.pending:
        found += told(jobs.evaluate([]))
    assert [trial.status for trial in found] == ["ok", "failed"]
    assert found[1].error == f"its node is gone ({STILLBORN + 1} times)"


def test_what_is_final_is_not_tried_again():
    crew = Scripted(1, {0: [Lost("too long", final=True)]})
    (trial,) = told(Jobs(crew, 5).evaluate(candidates(1)))
    assert (trial.status, trial.error, crew.started) == ("failed", "too long", [0])


def test_a_worker_waits_for_an_evaluator_that_is_itself_asynchronous():
    evaluator = ToyEvaluator(SPACE, workers=3)
    (trial,) = trials_of(evaluator, candidates(1)[0])
    assert trial.candidate == candidates(1)[0]
