"""The toy evaluator keeps the laws of evaluators, and the suite finds one that does not."""

import pytest

from nasturtium.architecture import Architecture
from nasturtium.protocols import Candidate, Trial
from nasturtium.testing.evaluator import EvaluatorConformance, evaluate_all
from nasturtium.testing.toys import ToyEvaluator, conditional_space, flat_space


class TestToyEvaluator(EvaluatorConformance):
    metrics = frozenset({"error", "params"})

    def make(self):
        return ToyEvaluator(flat_space())

    def candidates(self):
        return [Candidate(flat_space().unrank(7 * i), number=i) for i in range(10)]

    def impossible(self):
        return Candidate(Architecture("elsewhere", (0,)), number=0)


class TestToyEvaluatorOfManyWorkers(TestToyEvaluator):
    def make(self):
        return ToyEvaluator(flat_space(), workers=4)


def test_workers_finish_in_another_order():
    space = conditional_space()
    asked = [Candidate(space.unrank(i), number=i) for i in range(20)]
    told = [trial.candidate.number for trial in evaluate_all(ToyEvaluator(space, workers=5), asked)]
    assert sorted(told) == list(range(20)) != told


def test_the_same_architectures_fail_each_time():
    space = flat_space()
    asked = [Candidate(architecture, number=i) for i, architecture in enumerate(space)]

    def failed():
        told = evaluate_all(ToyEvaluator(space, failing=0.5, workers=3), asked)
        return {trial.candidate.number for trial in told if trial.status == "failed"}

    assert failed() == failed()
    assert 20 < len(failed()) < 60


class Losing(ToyEvaluator):
    def evaluate(self, batch):
        for group in super().evaluate(batch):
            yield [trial for trial in group if trial.candidate.number != 3]


class Percent(ToyEvaluator):
    def evaluate(self, batch):
        for group in super().evaluate(batch):
            yield [Trial(trial.candidate, {"error": 100 * trial.metrics["error"]}) for trial in group]


class Wandering(ToyEvaluator):
    told = 0

    def evaluate(self, batch):
        for group in super().evaluate(batch):
            Wandering.told += 1
            yield [Trial(trial.candidate, {"error": 1 / (1 + Wandering.told)}) for trial in group]


class Raising(ToyEvaluator):
    def evaluate(self, batch):
        for candidate in batch:
            assert candidate.point in self.space
        yield from super().evaluate(batch)


@pytest.mark.parametrize(
    ("kind", "law"),
    [
        (Losing, "test_every_candidate_comes_back_once"),
        (Percent, "test_trials_have_the_metrics_and_errors_are_shares"),
        (Wandering, "test_the_same_candidate_gives_the_same_trial"),
        (Wandering, "test_the_order_of_the_candidates_does_not_matter"),
        (Raising, "test_a_candidate_that_cannot_be_evaluated_is_a_failed_trial"),
    ],
)
def test_a_fault_is_found(kind, law):
    class Suite(TestToyEvaluator):
        metrics = frozenset({"error"})

        def make(self):
            return kind(flat_space())

    with pytest.raises(AssertionError):
        getattr(Suite(), law)()
