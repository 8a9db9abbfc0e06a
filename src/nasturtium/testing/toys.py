"""Small spaces, and an evaluator that knows the answer: for tests, examples and documentation."""

from collections.abc import Callable, Iterable, Sequence

from nasturtium.architecture import Architecture
from nasturtium.protocols import Candidate, Trial
from nasturtium.seeds import rng_for
from nasturtium.space.blocks import classifier, conv, identity, optional, repeat, settings
from nasturtium.space.choice import choice
from nasturtium.space.space import Space


def flat_space() -> Space:
    """Returns 81 architectures of four decisions that are always there."""
    return Space(
        conv(choice(4, 8, 12), kernel=choice(1, 3, 5)),
        conv(choice(4, 8, 12), kernel=choice(1, 3, 5)),
        classifier(),
        name="flat",
        input_shape=(1, 8, 8),
        outputs=10,
    )


def conditional_space() -> Space:
    """Returns 312 architectures of ten decisions, most of which are there only beside certain options."""
    width = choice(4, 8, name="width")
    return Space(
        conv(width),
        repeat(choice(conv(width, kernel=choice(3, 5)), identity()), times=choice(1, 2, 3)),
        optional(conv(choice(4, 8, 12))),
        classifier(),
        name="conditional",
        input_shape=(1, 8, 8),
        outputs=10,
    )


def joint_space() -> Space:
    """Returns 108 architectures of seven decisions, five of which are of the training, some conditional."""
    sgd = settings(optimizer="sgd", lr=choice(0.05, 0.1, 0.2), momentum=choice(0.0, 0.9))
    adamw = settings(optimizer="adamw", lr=choice(0.001, 0.005, 0.01))
    return Space(
        conv(choice(4, 8), kernel=choice(1, 3)),
        choice(sgd, adamw, labels=("sgd", "adamw")),
        settings(batch_size=choice(16, 32, 64)),
        classifier(),
        name="joint",
        input_shape=(1, 8, 8),
        outputs=10,
    )


def single_space() -> Space:
    """Returns a space of one architecture, with no decision to take."""
    return Space(conv(4), classifier(), name="single", input_shape=(1, 8, 8), outputs=10)


def toy_metrics(space: Space, architecture: Architecture) -> dict[str, float]:
    """Returns ``error`` and ``params`` in conflict: later options have less error and more parameters.

    error = 0.05 + 0.8 mean (1 - option / last option)^2 over all decisions, with 0 for option where a
    decision does not exist; params = 1000 + 100 sum (option + 1) over those that exist.
    """
    error, params = 0.05, 1000.0
    rows = zip(space.decisions, architecture.choices, space.active(architecture), strict=True)
    for decision, option, exists in rows:
        share = option / max(len(decision.labels) - 1, 1)
        error += 0.8 * (1 - share) ** 2 / len(space.decisions)
        params += 100 * (option + 1) if exists else 0
    return {"error": error, "params": params}


class ToyCosts:
    """A cost model that gives the ``params`` of `toy_metrics`, and counts how often it was called."""

    names = frozenset({"params"})

    def __init__(self, space: Space) -> None:
        self.space = space
        self.calls = 0

    def __call__(self, architecture: Architecture, names: Iterable[str]) -> dict[str, float]:
        """Returns the metrics called `names`."""
        self.calls += 1
        metrics = toy_metrics(self.space, architecture)
        return {name: metrics[name] for name in names}


class ToyEvaluator:
    """Evaluates by `toy_metrics`, on workers that finish in any order.

    Args:
        space: Of the architectures.
        workers: Candidates that it works on at once; with more than one, a random one of them finishes next.
        seed: Of the order in which they finish and of which ones fail.
        failing: Share of the architectures whose training fails, always the same ones.
        metrics: What is told of an architecture, instead of `toy_metrics`.
    """

    def __init__(
        self,
        space: Space,
        *,
        workers: int = 1,
        seed: int = 0,
        failing: float = 0.0,
        metrics: Callable[[Architecture], dict[str, float]] | None = None,
    ) -> None:
        self.space = space
        self.workers = workers
        self.seed = seed
        self.failing = failing
        self.metrics = metrics or (lambda architecture: toy_metrics(space, architecture))
        self._running: list[Candidate] = []
        self._finished = 0

    @property
    def slots(self) -> int:
        """Workers that are free."""
        return self.workers - len(self._running)

    @property
    def pending(self) -> int:
        """Workers that are not."""
        return len(self._running)

    def evaluate(self, batch: Sequence[Candidate]) -> Iterable[Sequence[Trial]]:
        """Starts on `batch`; one of the running ones finishes when no worker is free or nothing was given."""
        self._running += batch
        if self._running and (not batch or self.slots <= 0):
            rng = rng_for(self.seed, "toy", self._finished)
            self._finished += 1
            yield [self._trial(self._running.pop(int(rng.random() * len(self._running))))]

    def _trial(self, candidate: Candidate) -> Trial:
        if not isinstance(candidate.point, Architecture) or candidate.point not in self.space:
            return Trial(candidate, {}, "failed", f"{candidate.point} is not in {self.space.name}")
        rank = self.space.rank(candidate.point)
        if rng_for(self.seed, "toy failure", rank).random() < self.failing:
            return Trial(candidate, {}, "failed", "the toy was told to fail on this one")
        return Trial(candidate, self.metrics(candidate.point))
