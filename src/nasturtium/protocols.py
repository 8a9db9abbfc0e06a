"""The three protocols, and the data that flows between them.

space --> Strategy.ask(n) --> [Candidate] --> Evaluator.evaluate --> [Trial] --> journal --> Strategy.tell
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Architecture, Mixture

Status = Literal["ok", "failed", "infeasible"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a strategy asks to have evaluated.

    Attributes:
        point: The network, or blend of networks, in question.
        fidelity: How much to spend, in the evaluator's unit (epochs for a training); None is all of it.
        parent: Number of the trial whose weights to start from; None starts afresh.
        number: Which ask this is, counted from 0 over the whole run; given by the loop, -1 until then.
    """

    point: Architecture | Mixture
    fidelity: int | None = None
    parent: int | None = None
    number: int = -1


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a candidate.

    Attributes:
        candidate: What was asked.
        metrics: Name to value; ``error`` (share of wrong answers, 0..1), ``loss``, ``params``, ``macs``,
            ``latency_ms``, ``train_seconds`` and so on. A failed trial may have some, all or none of them.
        status: ``ok``; ``failed`` (it raised, diverged or was killed); ``infeasible`` (it breaks a constraint
            and was not evaluated).
        error: Why it is not ``ok``, in words.
        gradient: d loss / d mixture, [decisions][options] flattened; None where the evaluator has none.
        weights: Path of the trained weights, relative to the run folder; None where none were kept.
    """

    candidate: Candidate
    metrics: Mapping[str, float] = field(default_factory=dict)
    status: Status = "ok"
    error: str | None = None
    gradient: NDArray[np.float64] | None = None
    weights: str | None = None

    @property
    def architecture(self) -> Architecture:
        """The network that was evaluated; a TypeError for a mixture."""
        if not isinstance(self.candidate.point, Architecture):
            raise TypeError("this trial evaluated a mixture, not one architecture")
        return self.candidate.point


class Strategy(Protocol):
    """Decides what to evaluate next. It never waits and never evaluates."""

    def ask(self, n: int) -> Sequence[Candidate]:
        """Returns up to `n` candidates; none means nothing now (or, with none pending, finished)."""
        ...

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results, in any order and any grouping; failed, infeasible and NaN ones included."""
        ...

    def best(self, k: int) -> Sequence[Architecture]:
        """Returns up to `k` architectures that it would pick now, best first."""
        ...


class Evaluator(Protocol):
    """Finds out how good candidates are."""

    @property
    def slots(self) -> int:
        """How many candidates it can take now."""
        ...

    @property
    def pending(self) -> int:
        """How many candidates it still works on."""
        ...

    def evaluate(self, batch: Sequence[Candidate]) -> Iterable[Sequence[Trial]]:
        """Starts on `batch` and yields groups of trials that belong together, as they finish.

        An empty batch waits for the next of the pending ones. A candidate that fails is a Trial, not an
        exception.
        """
        ...


class CostModel(Protocol):
    """Finds out what an architecture costs, without training it."""

    @property
    def names(self) -> frozenset[str]:
        """The metrics that it can give."""
        ...

    def __call__(self, architecture: Architecture, names: Iterable[str]) -> dict[str, float]:
        """Returns the metrics called `names` of one architecture."""
        ...


class Task(Protocol):
    """Data, loss and metrics, as a search needs them; see `nasturtium.tasks`."""

    @property
    def name(self) -> str:
        """Name that finds it again, for example ``digits`` or ``folder:photos``."""
        ...

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input, without the batch: [channels, height, width] for images."""
        ...

    @property
    def outputs(self) -> int:
        """Number of values the network gives: classes, for classification."""
        ...

    def describe(self) -> dict[str, Any]:
        """Returns what a report and a model card say of the data: sizes, classes, licence, digest."""
        ...
