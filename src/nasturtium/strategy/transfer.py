"""Earlier tasks as lessons for a policy that several tasks share."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.front.objectives import Objective, values
from nasturtium.protocols import Trial
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space
from nasturtium.strategy.lessons import SMALLEST, Lesson, reward_of
from nasturtium.strategy.scalar import scalar

BATCH = 64  # architectures that one step learns from


class Earlier:
    """The trials of one earlier task, of which batches of lessons are drawn.

    The advantage is (R - mean) / standard deviation over the task, so that tasks of different scales can
    share a policy (Wong, Houlsby, Lu and Gesmundo 2018, Transfer learning with neural AutoML).

    Args:
        objectives: What is made small.
        trials: Those without values teach nothing; of an architecture told several times the last counts.
        power: Of the reward; see `Lessons`.
    """

    def __init__(self, objectives: Sequence[Objective], trials: Sequence[Trial], power: float) -> None:
        worths = {trial.architecture: values(objectives, trial) for trial in trials}
        known = {one: worth for one, worth in worths.items() if np.isfinite(worth).all()}
        self.architectures: list[Architecture] = list(known)
        self.worths: NDArray[np.float64] = np.array(list(known.values())).reshape(-1, len(objectives))
        self.power = power

    def lessons(self, rng: np.random.Generator) -> list[Lesson]:
        """Returns up to `BATCH` lessons; several objectives make one under new weights each time."""
        scores = scalar(self.worths, rng).tolist()
        rewards = np.array([reward_of(score, self.power) for score in scores])
        advantages = (rewards - rewards.mean()) / max(float(rewards.std()), SMALLEST)
        some = rng.permutation(len(rewards))[:BATCH]
        return [Lesson(self.architectures[i], 0.0, float(advantages[i])) for i in some]


def earlier_tasks(
    space: Space, objectives: Sequence[Objective], prior: Sequence[Sequence[Trial]], power: float
) -> list[Earlier]:
    """Returns the earlier tasks that can teach anything: two architectures or more.

    Raises:
        ConfigError: An earlier trial is not of the space.
    """
    if strangers := sum(trial.architecture not in space for trials in prior for trial in trials):
        raise ConfigError(
            f"{strangers} trials of the prior are not of {space.name}; carry them over by their text: "
            "nasturtium.strategy.warmstart.carried"
        )
    tasks = [Earlier(objectives, trials, power) for trials in prior]
    return [task for task in tasks if len(task.architectures) > 1]


def rounds(tasks: Sequence[Earlier], count: int, seed: int) -> Iterator[tuple[int, list[Lesson]]]:
    """Yields number and lessons of one task after the other, `count` times each."""
    for turn in range(count):
        for number, task in enumerate(tasks):
            yield number, task.lessons(rng_for(seed, "transfer", turn * len(tasks) + number))
