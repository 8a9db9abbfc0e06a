"""REINFORCE with one softmax per decision: the reinforcement learning of NAS-Bench-201."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.protocols import Candidate, Trial
from nasturtium.seeds import rng_for
from nasturtium.space.decisions import exists
from nasturtium.space.space import Space
from nasturtium.strategy.lessons import Lessons


class Adam:
    """Step sizes from running moments of the gradient (Kingma and Ba 2015, Algorithm 1, arXiv:1412.6980).

    Args:
        rate: Learning rate.
        shape: Of the parameters.
    """

    def __init__(self, rate: float, shape: tuple[int, ...]) -> None:
        self.rate = rate
        self._first = np.zeros(shape)
        self._second = np.zeros(shape)
        self._steps = 0

    def step(self, gradient: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns what to take from the parameters."""
        self._steps += 1
        self._first = 0.9 * self._first + 0.1 * gradient
        self._second = 0.999 * self._second + 0.001 * gradient**2
        first = self._first / (1 - 0.9**self._steps)
        second = self._second / (1 - 0.999**self._steps)
        change: NDArray[np.float64] = self.rate * first / (np.sqrt(second) + 1e-8)
        return change


class Softmaxes:
    """A policy of independent decisions: a probability for each option of each.

    A decision that does not exist in an architecture is neither drawn nor counted in its probability.

    Args:
        space: Of the architectures.

    Attributes:
        logits: [decisions, options of the largest decision]; what is beyond a decision's options counts
            nothing.
        probabilities: Of the options, same shape, 0 beyond them.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self._sizes = np.array([len(decision.labels) for decision in space.decisions], dtype=np.int64)
        self._there = np.arange(self._sizes.max(initial=1)) < self._sizes[:, None]
        self._last = np.arange(self._sizes.max(initial=1)) >= self._sizes[:, None] - 1
        self._conditional = [
            (i, decision.places) for i, decision in enumerate(space.decisions) if not decision.always
        ]
        self.move(np.zeros(self._there.shape))

    def sample(self, rng: np.random.Generator) -> Architecture:
        """Draws an architecture, decision after decision."""
        return self._taking((self._upto < rng.random(len(self._sizes))[:, None]).sum(axis=1))

    def mode(self) -> Architecture:
        """Returns the architecture of the likeliest options."""
        return self._taking(self.probabilities.argmax(axis=1))

    def log_prob(self, architecture: Architecture) -> float:
        """Returns the logarithm of its probability: the sum over the decisions that exist in it."""
        taken, active = self._taken(architecture)
        return float(self._logs[taken & active].sum())

    def gradient(
        self, architecture: Architecture, advantage: float, entropy: float = 0.0
    ) -> NDArray[np.float64]:
        """Returns d loss / d logits, [decisions, options].

        The loss is -advantage log p(architecture) - entropy H. Its first part has, for an option of a
        decision that exists, the derivative advantage (p - taken), where taken is 1 or 0 (Williams 1992). H
        is the sum of the entropies of the softmaxes of the decisions that exist: -p (log p + H) for one.
        """
        taken, active = self._taken(architecture)
        slope = advantage * (self.probabilities - taken)
        if entropy:
            mean_log = (self.probabilities * self._logs).sum(axis=1, keepdims=True)
            slope += entropy * self.probabilities * (self._logs - mean_log)
        result: NDArray[np.float64] = slope * active
        return result

    def move(self, logits: NDArray[np.float64]) -> None:
        """Takes other logits."""
        self.logits = logits
        shifted = np.where(self._there, logits, -np.inf)
        shifted -= shifted.max(axis=1, keepdims=True)
        weights = np.exp(shifted)
        total = weights.sum(axis=1, keepdims=True)
        self.probabilities: NDArray[np.float64] = weights / total
        self._logs = np.where(self._there, shifted - np.log(total), 0.0)
        # The last option takes what rounding leaves, so that no draw below 1 is beyond it.
        self._upto = np.where(self._last, 1.0, self.probabilities.cumsum(axis=1))

    def _taking(self, options: NDArray[np.int64]) -> Architecture:
        """Returns the architecture of these options; those of decisions that do not exist are passed over."""
        choices: list[int] = options.tolist()
        for i, places in self._conditional:  # each comes after those that it depends on
            if not exists(places, choices):
                choices[i] = 0
        return Architecture(self.space.fingerprint, tuple(choices))

    def _taken(self, architecture: Architecture) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Returns which options an architecture takes, [decisions, options], and decides, [decisions, 1]."""
        options = np.array(architecture.choices, dtype=np.int64)
        active = np.array(self.space.active(architecture), dtype=bool)
        return np.arange(self._there.shape[1]) == options[:, None], active[:, None]


class Reinforce:
    """Draws each decision from its own softmax, and makes likelier what was better than usual.

    Williams 1992; as a search of architectures Dong and Yang 2020, NAS-Bench-201, section 4
    (arXiv:2001.00326), from whose published code the defaults are. One Adam step per result, whatever the
    order in which results come: the gradient is that of the policy of the moment it is told.

    Differs: the baseline is the average of the rewards before, not of these and the present one, and is 0
    at first; the softmaxes start uniform. The benchmark's rewards are in percent and ours are shares: Adam
    makes the scale immaterial.

    Args:
        space: Where to search.
        seed: The same seed and the same tells give the same asks.
        objectives: What is made small.
        learning_rate: Of Adam; 0.1 suits a hundred trials better than the published 0.01.
        decay: How much of the baseline stays at each reward.
        entropy: Weight of the policy's entropy, which keeps it from settling early.
        power: Of the reward; see `Lessons`.
        batch: Results per step.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        learning_rate: float = 0.01,
        decay: float = 0.9,
        entropy: float = 0.0,
        power: float = 1.0,
        batch: int = 1,
    ) -> None:
        if learning_rate <= 0 or entropy < 0:
            raise ConfigError(
                f"learning_rate is {learning_rate} and entropy {entropy}; they must be above 0, and 0 or more"
            )
        self.space = space
        self.seed = seed
        self.entropy = entropy
        self.policy = Softmaxes(space)
        self._lessons = Lessons(objectives, seed=seed, power=power, decay=decay, batch=batch)
        self._adam = Adam(learning_rate, self.policy.logits.shape)
        self._asked = 0

    def ask(self, n: int) -> list[Candidate]:
        """Returns `n` samples of the policy."""
        return [self._next() for _ in range(n)]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results; each batch of those that were asked for is a step."""
        for trial in trials:
            if lessons := self._lessons.tell(trial):
                slopes = [
                    self.policy.gradient(lesson.architecture, lesson.advantage, self.entropy)
                    for lesson in lessons
                ]
                change = self._adam.step(np.mean(slopes, axis=0))
                self.policy.move(self.policy.logits - change)

    def best(self, k: int) -> list[Architecture]:
        """Returns up to `k` distinct architectures of the whole history, best first."""
        return self._lessons.best(k)

    def _next(self) -> Candidate:
        rng = rng_for(self.seed, "reinforce", self._asked)
        self._asked += 1
        architecture = self.policy.sample(rng)
        self._lessons.ask(architecture)
        return Candidate(architecture)
