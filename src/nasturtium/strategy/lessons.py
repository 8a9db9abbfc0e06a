"""What a policy learns from: results of what it asked for, and how much better they were than usual."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.front.objectives import Objective
from nasturtium.protocols import Trial
from nasturtium.seeds import rng_for
from nasturtium.strategy.archive import Archive
from nasturtium.strategy.scalar import scalar

SMALLEST = 1e-6  # standard deviation of rewards
BROKEN = 1e50  # an objective whose constraint is broken is above this, no real one is; see `Objective`


@dataclass(frozen=True, slots=True)
class Lesson:
    """One result of an architecture that the policy drew.

    Attributes:
        architecture: What was drawn.
        log_prob: Logarithm of its probability when it was drawn.
        advantage: Its reward less the baseline at the time it was told.
    """

    architecture: Architecture
    log_prob: float
    advantage: float


class Lessons:
    """Makes lessons of trials, in batches.

    The reward of a trial is (1 - value) ** power, so accuracy to that power where the objective is ``error``
    (the sign is kept where a value is above 1). Several objectives make one value between 0 and 1 by
    `scalar`, under new weights each time. A trial that failed, was infeasible or breaks a constraint is
    rewarded like the worst one so far, so that a policy unlearns what cannot be; before there is any other
    reward it teaches nothing. A result that was not asked for teaches nothing either, but may be the best.

    The baseline is the moving average of all rewards before, without the one that it is compared with (with
    it, the first lessons would be cut short), corrected for its start as in Adam; it is 0 at first.

    Args:
        objectives: What is made small.
        seed: Of the weights of several objectives.
        power: Of the reward; 3 favours differences near the top (Zoph and Le 2017, section 4.1).
        decay: How much of the baseline stays at each reward.
        batch: Lessons that are learnt together.
        standard: Whether advantages are in standard deviations, those of a moving average too, as where tasks
            of different scales share a policy; the first is then 0.

    Raises:
        ConfigError: A parameter is outside its range.
    """

    def __init__(
        self,
        objectives: Sequence[Objective],
        *,
        seed: int,
        power: float,
        decay: float,
        batch: int,
        standard: bool = False,
    ) -> None:
        if power <= 0 or not 0 <= decay < 1 or batch < 1:
            raise ConfigError(
                f"power is {power}, decay {decay} and batch {batch}; they must be above 0, "
                "from 0 to below 1, and 1 or more"
            )
        self.seed, self.power, self.decay, self.batch = seed, power, decay, batch
        self.standard = standard
        self._squares = self._spread = 0.0  # moving average of squared advantages, and its weight
        self._archive = Archive(objectives)
        self._asked: dict[Architecture, list[float]] = {}  # log-probabilities of those not yet told
        self._rows: list[tuple[float, ...]] = []  # values of all trials so far, where there are several
        self._worst: float | None = None
        self._sum = self._weight = 0.0
        self._told = 0
        self._lessons: list[Lesson] = []

    @property
    def baseline(self) -> float:
        """The moving average of the rewards, 0 before there is one."""
        return self._sum / self._weight if self._weight else 0.0

    def ask(self, architecture: Architecture, log_prob: float = 0.0) -> None:
        """Notes that the policy drew an architecture."""
        self._asked.setdefault(architecture, []).append(log_prob)

    def tell(self, trial: Trial) -> list[Lesson]:
        """Takes a result; returns a batch of lessons when this one completes it, else none."""
        reward = self._reward(trial)
        drawn = self._asked.get(trial.architecture)
        if not drawn:
            return []
        log_prob = drawn.pop(0)
        if not drawn:
            del self._asked[trial.architecture]
        if reward is None:
            return []
        self._lessons.append(Lesson(trial.architecture, log_prob, self._advantage(reward)))
        self._sum = self.decay * self._sum + (1 - self.decay) * reward
        self._weight = self.decay * self._weight + (1 - self.decay)
        if len(self._lessons) < self.batch:
            return []
        lessons, self._lessons = self._lessons, []
        return lessons

    def best(self, k: int) -> list[Architecture]:
        """Returns up to `k` distinct architectures of the whole history, best first."""
        return self._archive.best(k)

    def _advantage(self, reward: float) -> float:
        apart = reward - self.baseline
        if not self.standard:
            return apart
        if not self._weight:
            return 0.0
        self._squares = self.decay * self._squares + (1 - self.decay) * apart**2
        self._spread = self.decay * self._spread + (1 - self.decay)
        return apart / max(float(np.sqrt(self._squares / self._spread)), SMALLEST)

    def _reward(self, trial: Trial) -> float | None:
        """Records a trial and returns its reward; None where nothing is known to compare a failure with."""
        worth = self._archive.record(trial)
        if worth is None or max(worth) > BROKEN:
            return self._worst
        reward = reward_of(self._score(worth), self.power)
        self._worst = reward if self._worst is None else min(self._worst, reward)
        return reward

    def _score(self, worth: tuple[float, ...]) -> float:
        if len(worth) == 1:
            return worth[0]
        self._rows.append(worth)
        self._told += 1
        return float(scalar(np.array(self._rows), rng_for(self.seed, "lessons", self._told))[-1])


def reward_of(score: float, power: float) -> float:
    """Returns the reward of a score to be made small: (1 - score) ** power, with its sign."""
    share = 1 - score
    return float(np.sign(share) * abs(share) ** power)
