"""An evaluator that is stopped where its first trial shows that a metric is missing."""

from collections.abc import Callable, Collection, Iterator, Sequence

from nasturtium.errors import unknown
from nasturtium.protocols import Candidate, Evaluator, Trial
from nasturtium.run.wrapped import Wrapped


class Checked(Wrapped):
    """Passes on the trials of a user's evaluator, and looks at the first that was evaluated in full.

    A metric that no trial has would else be noticed when the whole budget is spent.

    Args:
        inner: The evaluator.
        lacking: Of the metrics that a trial has, tells which are missing.

    Raises:
        UnknownName: An objective or constraint speaks of a metric that the evaluator does not give.
    """

    def __init__(self, inner: Evaluator, lacking: Callable[[Collection[str]], Collection[str]]) -> None:
        super().__init__(inner)
        self.lacking = lacking
        self._checked = False

    def evaluate(self, batch: Sequence[Candidate]) -> Iterator[Sequence[Trial]]:
        """Yields what the inner evaluator does."""
        for group in self.inner.evaluate(batch):
            whole = [trial for trial in group if trial.status == "ok" and trial.candidate.fidelity is None]
            if whole and not self._checked:
                self._checked = True
                for name in sorted(self.lacking(whole[0].metrics)):
                    raise unknown("metric", name, whole[0].metrics, where="the evaluator does not give it")
            yield group
