import math

import numpy as np
import pytest

from nasturtium.errors import ConfigError
from nasturtium.protocols import Trial
from nasturtium.strategy.foreseen import Foreseen
from nasturtium.strategy.paths import UniformPaths
from nasturtium.strategy.sandwich import Sandwich
from nasturtium.testing.toys import flat_space


def error_of(architecture):
    return sum(architecture.choices) / 100


class Exact:
    """A predictor that knows, and remembers what it was taught."""

    def __init__(self, space, *, seed):
        self.taught = []

    def fit(self, architectures, values):
        self.taught = list(zip(architectures, values.tolist(), strict=True))

    def predict(self, architectures):
        return np.array([error_of(one) for one in architectures]), np.zeros(len(architectures))


def sampler(**settings):
    return Foreseen(flat_space(), start=3, sample=8, candidates=4, predictor=Exact, **settings)


def seen(candidates):
    return [Trial(one, {"error": error_of(one.point), "loss": 1.0}) for one in candidates]


def test_plain_draws_come_first_then_a_sample_then_what_is_foreseen():
    foreseen, plain = sampler(), UniformPaths(flat_space(), seed=0)
    for _ in range(3):
        step = foreseen.ask(2)
        assert step == plain.ask(2)
        foreseen.tell(seen(step))
    sample = [*foreseen.ask(5), *foreseen.ask(5)]
    assert [one.fidelity for one in sample] == [0] * 8
    assert foreseen.ask(1) == []
    foreseen.tell(seen(sample))
    assert foreseen.predictor.taught == [(one.point, error_of(one.point)) for one in sample]
    fresh = [one.point for one in UniformPaths(flat_space(), seed=0).ask(8)]
    best = [min(group, key=error_of) for group in (fresh[:4], fresh[4:])]
    assert [one.point for one in foreseen.ask(2)] == best


@pytest.mark.parametrize("status", ["failed", "ok"])
def test_what_has_no_error_teaches_nothing(status):
    foreseen = sampler()
    foreseen.tell(seen(foreseen.ask(6)))
    sample = foreseen.ask(8)
    bad = [Trial(one, {"error": math.nan}, status) for one in sample[:7]]
    foreseen.tell([*bad, *seen(sample[7:])])
    assert len(foreseen.predictor.taught) == 1
    assert len(foreseen.ask(2)) == 2


def test_a_sample_that_all_failed_leaves_the_draws_as_they_are():
    foreseen = sampler()
    foreseen.tell(seen(foreseen.ask(6)))
    foreseen.tell([Trial(one, {}, "failed") for one in foreseen.ask(8)])
    assert len(foreseen.ask(2)) == 2


def test_a_sandwich_of_it_asks_for_one_kind_at_a_time():
    sandwich = Sandwich(flat_space(), error_of, inner=lambda space, **given: sampler(), paths=4)
    kinds = []
    for _ in range(8):
        step = sandwich.ask(4)
        kinds.append({one.fidelity for one in step})
        sandwich.tell(seen(step))
    assert kinds == [{None}] * 3 + [{0}] * 2 + [{None}] * 3


def test_what_cannot_be_is_said():
    with pytest.raises(ConfigError, match="sample 0"):
        Foreseen(flat_space(), sample=0)
