import math

import pytest

from nasturtium.architecture import Architecture
from nasturtium.protocols import Candidate, Trial
from nasturtium.run.retrained import Retrained


def trainings(*errors):
    candidate = Candidate(Architecture("s", ()))
    return Retrained(
        tuple(
            Trial(candidate, {"error": error}, weights=f"w{i}")
            if error is not None
            else Trial(candidate, {}, "failed", "diverged")
            for i, error in enumerate(errors)
        )
    )


def test_the_interval_is_that_of_student():
    # Student 1908: t(0.975, 2) = 4.303, in every table of the distribution.
    again = trainings(0.1, 0.2, 0.3)
    assert again.mean == pytest.approx(0.2)
    assert again.spread == pytest.approx(0.1)
    assert again.interval == (0.0, pytest.approx(0.2 + 4.303 * 0.1 / math.sqrt(3), abs=1e-4))


def test_failed_trainings_are_left_out():
    again = trainings(None, 0.2, 0.4)
    assert again.errors == (0.2, 0.4)
    assert again.weights == "w1"


def test_one_training_has_no_interval_and_none_has_no_mean():
    assert trainings(0.2).interval is None
    assert math.isnan(trainings(0.2).spread)
    assert math.isnan(trainings(None).mean)
    assert trainings(None).weights is None
