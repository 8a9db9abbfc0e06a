"""An evaluator whose trials say how long they took."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from nasturtium.protocols import Candidate, Trial
from nasturtium.run.wrapped import Wrapped


class Timed(Wrapped):
    """Adds to every trial ``train_seconds``, the wall time that its evaluation took, where it has none.

    Steps of a supernet and networks that inherit from it are paid for like trainings, so that what random
    search gets beside them is what they cost.

    Args:
        inner: The evaluator; it works in this process.
    """

    def evaluate(self, batch: Sequence[Candidate]) -> Iterator[Sequence[Trial]]:
        """Yields what the inner evaluator does; a group's time is shared equally among its trials."""
        began = time.perf_counter()
        for group in self.inner.evaluate(batch):
            seconds = (time.perf_counter() - began) / max(1, len(group))
            yield [replace(one, metrics={"train_seconds": seconds, **one.metrics}) for one in group]
            began = time.perf_counter()
