"""What gradient methods share: a number for every option, asked about as mixtures, moved by Adam."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Architecture, Mixture
from nasturtium.errors import ConfigError
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.protocols import Candidate, Trial
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space
from nasturtium.strategy.adam import Adam
from nasturtium.strategy.derive import NEVER_MIXED, derived

Entries = NDArray[np.float64]  # a number for each option of each decision, one decision after the other
# From the mean mixture and a loss to d total / d loss and d total / d mixture; `cost.penalty` has it.
Price = Callable[[Mixture, float], tuple[float, Entries]]


class Rows:
    """Rows of different lengths as one array: an entry for each option of each decision of a space.

    Args:
        space: Whose decisions and options they are.

    Attributes:
        sizes: Options of each decision.
        owner: Of each entry, its decision.
        mixed: Of each entry, whether it is ever mixed; some options stand for derived cells only.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self.sizes = tuple(len(decision.labels) for decision in space.decisions)
        self.owner = np.repeat(np.arange(len(self.sizes)), self.sizes)
        self.mixed = ~np.any([self.labelled(label) for label in NEVER_MIXED], axis=0)
        self._starts = np.cumsum((0, *self.sizes))[:-1].astype(np.int64)

    def among(self, options: Sequence[Sequence[int]]) -> "Rows":
        """Returns the same rows, of which only these options are mixed, [decisions][options].

        Raises:
            ConfigError: They are not one or more of each decision.
        """
        if len(options) != len(self.sizes) or not all(options):
            raise ConfigError(
                f"{[len(row) for row in options]} options of the decisions are to be mixed; give one or more "
                f"of each of {len(self.sizes)} decisions"
            )
        kept = np.zeros(len(self.owner), dtype=bool)
        for start, row in zip(self._starts, options, strict=True):
            kept[start + np.array(row)] = True
        narrowed = copy(self)
        narrowed.mixed = self.mixed & kept
        return narrowed

    def total(self, entries: Entries) -> Entries:
        """Returns for every entry the sum of its row."""
        return np.add.reduceat(entries, self._starts)[self.owner] if self.sizes else entries

    def softmax(self, logits: Entries) -> Entries:
        """Returns probabilities; -inf has none."""
        if not self.sizes:
            return logits
        weights = np.exp(logits - np.maximum.reduceat(logits, self._starts)[self.owner])
        result: Entries = weights / self.total(weights)
        return result

    def through_softmax(self, probabilities: Entries, slope: Entries) -> Entries:
        """Returns d loss / d logits, where `slope` is d loss / d probabilities."""
        return probabilities * (slope - self.total(probabilities * slope))

    def taken(self, entries: Entries) -> NDArray[np.bool_]:
        """Returns which entry of each row is the largest, the first of several."""
        mask = np.zeros(len(entries), dtype=bool)
        for start, size in zip(self._starts, self.sizes, strict=True):
            mask[start + int(entries[start : start + size].argmax())] = True
        return mask

    def labelled(self, label: str) -> NDArray[np.bool_]:
        """Returns which entries are options of that name."""
        return np.array([one == label for d in self.space.decisions for one in d.labels], dtype=bool)

    def split(self, entries: NDArray[Any]) -> list[NDArray[Any]]:
        """Returns the rows."""
        return [entries[start : start + size] for start, size in zip(self._starts, self.sizes, strict=True)]

    def mixture(self, entries: Entries, active: NDArray[np.bool_] | None = None) -> Mixture:
        """Returns the mixture of these weights, in which options run that have weight, or that are active."""
        runs = None
        if active is not None:
            runs = tuple(tuple(np.flatnonzero(row).tolist()) for row in self.split(active))
        return Mixture(
            self.space.fingerprint, tuple(tuple(row.tolist()) for row in self.split(entries)), runs
        )


@dataclass(frozen=True, slots=True)
class Draw:
    """What is asked about, and how it hangs on the numbers that are learned.

    Attributes:
        point: The mixture or path.
        slope: From d loss / d mixture [entries] to d loss / d learned numbers [entries]; None where the
            answer teaches nothing.
    """

    point: Mixture | Architecture
    slope: Callable[[Entries], Entries] | None = None


@dataclass(eq=False)
class Relaxed(ABC):
    """A method that descends the gradient of the loss with respect to a mixture: DARTS and its successors.

    A subclass says what is drawn from the numbers (`draw`) and, where it is not their softmax, what mixture
    they stand for (`mixture`, `through_mixture`); its fields are its parameters, besides those here. Every
    trial that comes back with a gradient moves the numbers by a step of Adam; one that failed, or whose
    gradient is not finite, moves nothing. Answers may come late and in any order: each goes through the
    Jacobian of its own draw.

    Args:
        space: Of the mixtures.
        seed: Of the first numbers, and of draws.
        objectives: Not used: the evaluator's loss is what falls.
        learning_rate: Of Adam, which has betas (0.5, 0.999).
        weight_decay: Of the numbers.
        spread: Standard deviation of the numbers at the start.
        warmup: Asks at the start that train weights only: their fidelity is 1, so that no gradient is found.
        price: What the mixture costs that the numbers stand for; its gradient is exact, however noisy the
            loss's is (ProxylessNAS, eq. 5). None is nothing.

    Raises:
        ConfigError: A number that makes no sense.

    Attributes:
        alpha: The numbers, one for each option of each decision, [entries].
        rows: Of the space.
    """

    BETAS: ClassVar[tuple[float, float]] = (0.5, 0.999)

    space: Space
    _: KW_ONLY
    seed: int = 0
    objectives: Sequence[Objective] = ERROR
    learning_rate: float = 3e-4
    weight_decay: float = 1e-3
    spread: float = 1e-3
    warmup: int = 0
    price: Price | None = None

    def __post_init__(self) -> None:
        if self.learning_rate <= 0 or self.weight_decay < 0 or self.spread < 0 or self.warmup < 0:
            raise ConfigError(
                f"learning_rate {self.learning_rate} must be above 0; weight_decay {self.weight_decay}, "
                f"spread {self.spread} and warmup {self.warmup} must be 0 or more"
            )
        self.rows = Rows(self.space)
        start = rng_for(self.seed, "relaxed/start")
        self.alpha: Entries = self.spread * start.standard_normal(len(self.rows.owner))
        rate, decay = self.learning_rate, self.weight_decay
        self._adam = Adam(rate, len(self.alpha), betas=self.BETAS, weight_decay=decay)
        self._waiting: dict[Candidate, deque[Draw]] = {}
        self._asked = 0
        self._told = 0

    @property
    def logits(self) -> Entries:
        """The numbers, and -inf for options that are never mixed."""
        return np.where(self.rows.mixed, self.alpha, -np.inf)

    @abstractmethod
    def draw(self, number: int) -> Draw:
        """Returns what the ask of this number is about."""

    def mixture(self) -> Mixture:
        """Returns the mixture that the numbers stand for now: their softmax."""
        return self.rows.mixture(self.rows.softmax(self.logits))

    def through_mixture(self, slope: Entries) -> Entries:
        """Returns d loss / d alpha, where `slope` is d loss / d `mixture` [entries]."""
        return self.rows.through_softmax(self.rows.softmax(self.logits), slope)

    def corrected(self, draw: Draw, before: Entries, now: Entries) -> Entries:
        """Returns what `alpha` becomes when Adam has moved it from `before` to `now`: `now`, usually."""
        return now

    def narrow(self, options: Sequence[Sequence[int]]) -> None:
        """Mixes none but these options from now on, [decisions][options], as stages of a search want it."""
        self.rows = self.rows.among(options)

    def ask(self, n: int) -> list[Candidate]:
        """Returns `n` mixtures or paths; until something is told, the numbers behind them are the same."""
        return [self._next() for _ in range(n)]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes gradients; each of a draw that waits is a step."""
        for trial in trials:
            asked = content(trial.candidate)
            if drawn := self._waiting.get(asked):
                self._learn(drawn.popleft(), trial)
                if not drawn:
                    del self._waiting[asked]  # thousands of mixtures would add up

    def best(self, k: int) -> list[Architecture]:
        """Returns the architecture that the mixture stands for; see `derive.derived`."""
        return [derived(self.space, self.mixture())][:k] if self._told else []

    def _next(self) -> Candidate:
        number, self._asked = self._asked, self._asked + 1
        draw = self.draw(number)
        candidate = Candidate(draw.point, fidelity=1 if number < self.warmup else None)
        self._waiting.setdefault(candidate, deque()).append(draw)
        return candidate

    def _learn(self, draw: Draw, trial: Trial) -> None:
        self._told += trial.status == "ok"
        gradient = trial.gradient
        if draw.slope is None or gradient is None or trial.status != "ok" or not np.isfinite(gradient).all():
            return
        slope = draw.slope(np.asarray(gradient, dtype=np.float64))
        if self.price is not None:
            share, dearer = self.price(self.mixture(), trial.metrics["loss"])
            slope = share * slope + self.through_mixture(dearer)
        self.alpha = self.corrected(draw, self.alpha, self._adam.moved(self.alpha, slope))


def content(candidate: Candidate) -> Candidate:
    """Returns the candidate as it was asked, before the loop numbered it."""
    return Candidate(candidate.point, candidate.fidelity)
