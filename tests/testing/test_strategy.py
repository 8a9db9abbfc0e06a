"""The suite for strategies finds the faults that it is there to find."""

import numpy as np
import pytest

from nasturtium.protocols import Candidate
from nasturtium.seeds import rng_for
from nasturtium.strategy.random import RandomSearch
from nasturtium.testing.strategy import StrategyConformance


class Faulty(RandomSearch):
    """Random search, to be spoilt."""


class GlobalGenerator(Faulty):
    def ask(self, n):
        return [Candidate(self.space.unrank(np.random.randint(self.space.count))) for _ in range(n)]  # noqa: NPY002


class BatchDependent(Faulty):
    def ask(self, n):
        self._asked += 1
        rng = rng_for(self.seed, "random", self._asked)
        return [Candidate(self.space.sample(rng)) for _ in range(n)]


class Waiting(Faulty):
    pending = 0

    def ask(self, n):
        asked = super().ask(max(0, min(n, 3 - self.pending)))
        self.pending += len(asked)
        return asked

    def tell(self, trials):
        self.pending -= sum(trial.status == "ok" for trial in trials)  # a failed one is waited for for ever
        super().tell(trials)


class Stranger(Faulty):
    def ask(self, n):
        return [Candidate(self.space.sample(rng_for(0, "x")).__class__("elsewhere", (0,))) for _ in range(n)]


class Deaf(Faulty):
    def best(self, k):
        return [self.space.unrank(0)][:k]


class Crashing(Faulty):
    def tell(self, trials):
        for trial in trials:
            trial.metrics["error"]
        super().tell(trials)


class Repeating(Faulty):
    def best(self, k):
        return [architecture for architecture in super().best(k) for _ in range(2)][:k]


class ByIdentity(Faulty):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.mine = {}

    def ask(self, n):
        asked = super().ask(n)
        self.mine.update((id(candidate), candidate) for candidate in asked)
        return asked

    def tell(self, trials):
        self._asked += sum(id(trial.candidate) not in self.mine for trial in trials)
        super().tell(trials)


def suite_of(kind):
    class Suite(StrategyConformance):
        def make(self, space, seed, objectives):
            return kind(space, seed=seed, objectives=objectives)

    return Suite()


@pytest.mark.parametrize(
    ("kind", "law"),
    [
        (GlobalGenerator, "test_the_same_seed_asks_the_same"),
        (GlobalGenerator, "test_one_strategy_does_not_move_another_nor_the_global_generators"),
        (BatchDependent, "test_asking_for_two_is_asking_twice_for_one"),
        (Waiting, "test_goes_on_when_everything_fails"),
        (Stranger, "test_asks_lie_in_the_space_and_are_no_more_than_wanted"),
        (Deaf, "test_the_best_are_distinct_and_the_first_is_not_dominated"),
        (Deaf, "test_asks_before_any_result"),
        (Crashing, "test_failed_infeasible_and_nan_trials_are_survived"),
        (Repeating, "test_the_best_are_distinct_and_the_first_is_not_dominated"),
        (ByIdentity, "test_trials_are_known_by_content"),
    ],
)
def test_a_fault_is_found(kind, law):
    with pytest.raises((AssertionError, KeyError)):
        getattr(suite_of(kind), law)()
    getattr(suite_of(RandomSearch), law)()  # and the sound one passes
