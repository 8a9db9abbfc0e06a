"""An evaluator whose trials get their costs in this process."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from nasturtium.architecture import Architecture
from nasturtium.protocols import Candidate, CostModel, Evaluator, Trial
from nasturtium.run.wrapped import Wrapped


class Costed(Wrapped):
    """Adds costs to the trials of an evaluator, as they come.

    For evaluators that work in other processes: what is measured is then measured in one place, one network
    at a time, and kept in the journal of the run. And for a user's evaluator beside a user's model of costs.

    Args:
        inner: The evaluator.
        costs: Gives the metrics of `measure`.
        measure: Names of cost metrics to add to each trial.
    """

    def __init__(self, inner: Evaluator, costs: CostModel, measure: Sequence[str]) -> None:
        super().__init__(inner)
        self.costs = costs
        self.measure = tuple(measure)

    def evaluate(self, batch: Sequence[Candidate]) -> Iterator[Sequence[Trial]]:
        """Yields what the inner evaluator does, with the costs of each network."""
        for group in self.inner.evaluate(batch):
            yield [self._with_costs(trial) for trial in group]

    def _with_costs(self, trial: Trial) -> Trial:
        point = trial.candidate.point
        if not isinstance(point, Architecture):
            return trial
        try:
            found = self.costs(point, self.measure)
        except Exception as problem:
            text = trial.error or f"{type(problem).__name__}: {problem}".strip()
            return replace(trial, status="failed", error=text)
        return replace(trial, metrics={**found, **trial.metrics})
