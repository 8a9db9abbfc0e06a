import time

import pytest

from nasturtium.protocols import Candidate, Trial
from nasturtium.run.timed import Timed
from nasturtium.testing.toys import ToyEvaluator, flat_space


class Slow:
    """Tells a group of two after 30 ms, and one that knows its own time after that."""

    slots = 3
    pending = 1

    def evaluate(self, batch):
        time.sleep(0.03)
        yield [Trial(one) for one in batch[:2]]
        yield [Trial(batch[2], {"train_seconds": 7.0})]


def test_each_trial_gets_its_share_of_the_time_that_its_group_took():
    timed = Timed(Slow())
    assert (timed.slots, timed.pending) == (3, 1)
    space = flat_space()
    told = []
    for group in timed.evaluate([Candidate(space.unrank(i)) for i in range(3)]):
        told += group
        time.sleep(0.2)  # what is done between two groups is not the evaluator's
    first, second, third = (trial.metrics["train_seconds"] for trial in told)
    assert first == second
    assert first >= 0.015
    assert third == 7.0


def test_metrics_stay():
    space = flat_space()
    candidate = Candidate(space.unrank(3))
    ((trial,),) = Timed(ToyEvaluator(space)).evaluate([candidate])
    ((plain,),) = ToyEvaluator(space).evaluate([candidate])
    assert {k: v for k, v in trial.metrics.items() if k != "train_seconds"} == pytest.approx(plain.metrics)
