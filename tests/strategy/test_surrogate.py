import numpy as np
import pytest

from nasturtium.errors import ConfigError
from nasturtium.front.objectives import ERROR
from nasturtium.protocols import Candidate, Trial
from nasturtium.seeds import rng_for
from nasturtium.strategy.observed import Observed
from nasturtium.strategy.surrogate import Surrogate
from nasturtium.testing.toys import flat_space


class Mean:
    """Guesses the mean of its examples, and notes what it was given."""

    def __init__(self):
        self.given = []

    def fit(self, architectures, values):
        self.given.append(("fit", list(architectures), values))

    def condition(self, architectures, values):
        self.given.append(("condition", list(architectures), values))

    def predict(self, architectures):
        return np.full(len(architectures), self.given[-1][2].mean()), np.ones(len(architectures))


def told(count):
    space = flat_space()
    observed = Observed(space, ERROR)
    observed.tell([Trial(Candidate(space.unrank(i)), {"error": i / 10}) for i in range(count)])
    return space, observed


def test_what_is_awaited_counts_as_if_it_had_come_out_as_expected():
    space, observed = told(3)
    observed.ask(space.unrank(50))
    model = Mean()
    Surrogate(model, 5).update(observed, rng_for(0, "update"))
    assert [verb for verb, *_ in model.given] == ["fit", "condition"]
    _, architectures, values = model.given[-1]
    assert architectures[-1] == space.unrank(50)
    assert values[-1] == pytest.approx(values[:-1].mean())


def test_hyper_parameters_are_learnt_now_and_then():
    space, observed = told(3)
    model = Mean()
    surrogate = Surrogate(model, 4)
    for i in range(3, 60):
        surrogate.update(observed, rng_for(0, "update", i))
        observed.tell([Trial(Candidate(space.unrank(i)), {"error": i / 10})])
    fits = [len(values) for verb, _, values in model.given if verb == "fit"]
    assert fits == [3, 7, 11, 15, 19, 23, 27, 32, 38, 45, 54]  # every 4, later every fifth part
    with pytest.raises(ConfigError, match="refit is 0"):
        Surrogate(model, 0)
