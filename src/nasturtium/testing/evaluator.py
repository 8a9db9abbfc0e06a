"""The laws of an evaluator."""

# ruff: noqa: D102 - the name of each test says its law

import math
from collections.abc import Sequence

from nasturtium.protocols import Candidate, Evaluator, Trial

PATIENCE = 10_000  # empty batches before an evaluator counts as stuck


class EvaluatorConformance:
    """Laws that every evaluator keeps; subclass it, name it Test..., and give `make` and `candidates`.

    Attributes:
        metrics: Names that every successful trial has.
        varying: Names that differ from one evaluation to the next, such as measured times.
    """

    metrics: frozenset[str] = frozenset({"error"})
    varying: frozenset[str] = frozenset({"train_seconds", "latency_ms", "latency_onnx_ms", "energy_mj"})

    def make(self) -> Evaluator:
        """Returns a fresh evaluator; any two are alike."""
        raise NotImplementedError

    def candidates(self) -> Sequence[Candidate]:
        """Returns a few different candidates that it can evaluate, numbered from 0."""
        raise NotImplementedError

    def impossible(self) -> Candidate | None:
        """Returns a candidate that it cannot evaluate, if there is such a thing."""
        return None

    def test_every_candidate_comes_back_once(self) -> None:
        asked = list(self.candidates())
        told = evaluate_all(self.make(), asked)
        numbers = sorted(trial.candidate.number for trial in told)
        assert numbers == sorted(candidate.number for candidate in asked)
        by_number = {candidate.number: candidate for candidate in asked}
        for trial in told:
            assert trial.candidate == by_number[trial.candidate.number], "the candidate was changed"

    def test_trials_have_the_metrics_and_errors_are_shares(self) -> None:
        for trial in evaluate_all(self.make(), list(self.candidates())):
            assert trial.status == "ok", f"failed: {trial.error}"
            assert set(trial.metrics) >= self.metrics, f"only {sorted(trial.metrics)}"
            assert all(type(value) in (int, float) for value in trial.metrics.values()), f"{trial.metrics}"
            assert 0 <= trial.metrics.get("error", 0.0) <= 1, f"not a share: {trial.metrics}"

    def test_the_same_candidate_gives_the_same_trial(self) -> None:
        first, second = (evaluate_all(self.make(), list(self.candidates())) for _ in range(2))
        again = {trial.candidate.number: self._lasting(trial) for trial in second}
        for trial in first:
            assert self._lasting(trial) == again[trial.candidate.number]

    def test_the_order_of_the_candidates_does_not_matter(self) -> None:
        forth = evaluate_all(self.make(), list(self.candidates()))
        back = evaluate_all(self.make(), list(self.candidates())[::-1])
        results = {trial.candidate.number: self._lasting(trial) for trial in back}
        for trial in forth:
            assert self._lasting(trial) == results[trial.candidate.number]

    def test_nothing_given_is_nothing_told(self) -> None:
        evaluator = self.make()
        assert evaluator.slots > 0, "a fresh evaluator takes nothing"
        assert evaluator.pending == 0
        assert [trial for group in evaluator.evaluate([]) for trial in group] == []

    def test_a_candidate_that_cannot_be_evaluated_is_a_failed_trial(self) -> None:
        candidate = self.impossible()
        for trial in evaluate_all(self.make(), [candidate]) if candidate else ():
            assert trial.status == "failed"
            assert trial.error, "it does not say why"

    def _lasting(self, trial: Trial) -> dict[str, float]:
        return {
            name: value
            for name, value in trial.metrics.items()
            if name not in self.varying and not math.isnan(value)
        }


def evaluate_all(evaluator: Evaluator, candidates: Sequence[Candidate]) -> list[Trial]:
    """Returns the trials of all candidates, in the order they finish; an AssertionError if some never do."""
    told: list[Trial] = []
    waiting = list(candidates)
    for _ in range(PATIENCE):
        if not waiting and not evaluator.pending:
            return told
        taken = evaluator.slots
        assert taken > 0 or evaluator.pending, "it has neither free slots nor pending candidates"
        batch, waiting = waiting[:taken], waiting[taken:]
        told += [trial for group in evaluator.evaluate(batch) for trial in group]
    raise AssertionError(f"{len(candidates) - len(told)} of {len(candidates)} candidates never came back")
