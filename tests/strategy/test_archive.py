"""The archive of what was told."""

import math

from nasturtium.architecture import Architecture
from nasturtium.front.objectives import Objective
from nasturtium.protocols import Candidate, Trial
from nasturtium.strategy.archive import Archive


def told(option, status="ok", **metrics):
    return Trial(Candidate(Architecture("toy", (option,))), metrics, status)


def test_an_architecture_told_several_times_is_worth_the_mean_of_those_that_worked():
    archive = Archive([Objective("error")])
    for option, error in ((0, 0.1), (0, 0.5), (1, 0.2), (1, 0.3)):
        archive.record(told(option, error=error))
    archive.record(told(1, "failed"))
    assert [a.choices for a in archive.best(5)] == [(1,), (0,)]


def test_what_has_no_value_is_not_kept():
    archive = Archive([Objective("error"), Objective("params")])
    for trial in (
        told(0, "failed", error=0.1, params=1),
        told(1, error=0.1),
        told(2, error=math.nan, params=1),
    ):
        assert archive.record(trial) is None
    assert archive.best(5) == []


def test_several_objectives_are_ranked_by_front_and_then_by_crowding():
    archive = Archive([Objective("error"), Objective("params")])
    for option, (error, params) in enumerate([(0.5, 5), (0.1, 9), (0.2, 8), (0.3, 2), (0.9, 1), (0.9, 9)]):
        archive.record(told(option, error=error, params=params))
    assert [a.choices[0] for a in archive.best(10)] == [1, 4, 3, 2, 0, 5]
