"""What evaluators around another one share."""

from nasturtium.protocols import Evaluator


class Wrapped:
    """Takes as much as the inner evaluator, and waits for as much; `evaluate` is left to a subclass."""

    def __init__(self, inner: Evaluator) -> None:
        self.inner = inner

    @property
    def slots(self) -> int:
        """Those of the inner evaluator."""
        return self.inner.slots

    @property
    def pending(self) -> int:
        """Those of the inner evaluator."""
        return self.inner.pending
