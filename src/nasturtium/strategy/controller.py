"""The controller of Zoph and Le: an LSTM that writes architectures and is taught by REINFORCE."""

from collections.abc import Mapping, Sequence

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.protocols import Candidate, Trial
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space
from nasturtium.strategy.lessons import Lessons
from nasturtium.strategy.transfer import earlier_tasks, rounds

SKIP = "skip"  # what a field of a block is called that says whether its input is added to its output
PRETRAINING_RATE = 0.01  # of Adam
PRETRAINING_ENTROPY = 0.1  # in standard deviations of the reward


class Controller:
    """Writes architectures with an LSTM, and makes likelier what was better than usual.

    Zoph and Le 2017, Neural Architecture Search with Reinforcement Learning (arXiv:1611.01578). The network
    is that of the paper: two layers of 35 units, a softmax per decision, weights from U(-0.08, 0.08), reward
    the third power of the accuracy, Adam at 6e-4.

    Differs: one result per step by default, not 8 (times 100 replicas, asynchronously), as budgets here are
    hundreds of trials, not 12,800; the entropy is rewarded a little, as in ENAS; the depth of networks does
    not grow in the course of the search, since it is a decision of the space where it is searched. A skip
    comes from the block before, as spaces here have it, or from where `skips` says.

    With a prior, the policy is taught by the earlier tasks before it is asked: it is shared by all of them,
    each has an embedding of its own, and so has the new one, which it learns as it searches (Wong, Houlsby,
    Lu and Gesmundo 2018, Transfer learning with neural AutoML, arXiv:1803.02780). Differs: the earlier
    tasks are not searched anew by the shared policy, but replayed from what was recorded of them, by
    importance weights; their rewards are standardised by the mean and the deviation of all of them, those of
    the new task by moving averages.

    Args:
        space: Where to search.
        seed: The same seed and the same tells give the same asks.
        objectives: What is made small.
        learning_rate: Of Adam. The paper's is for thousands of trials; for hundreds 0.003 with an entropy of
            0.01 may serve better (three seeds of three tables). The default entropy does not hold larger
            rates: at 0.01 the policy writes the same network again and again after some fifty.
        layers: Of the LSTM.
        units: Of each layer.
        decay: How much of the baseline stays at each reward.
        entropy: Weight of the policy's entropy, summed over the decisions of an architecture.
        power: Of the reward; see `Lessons`.
        batch: Results per step.
        skips: Decisions that say whether an earlier layer is an input, with a decision of that layer; see
            `Policy`. None is what `skips_of` finds in the space.
        prior: Trials of earlier tasks, a sequence for each, with the metrics of the objectives.
        pretraining: Steps on each of them before the first ask.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        learning_rate: float = 6e-4,
        layers: int = 2,
        units: int = 35,
        decay: float = 0.95,
        entropy: float = 1e-4,
        power: float = 3.0,
        batch: int = 1,
        skips: Mapping[str, str] | None = None,
        prior: Sequence[Sequence[Trial]] = (),
        pretraining: int = 50,
    ) -> None:
        from nasturtium.strategy.policy import Learner, Policy  # torch

        if learning_rate <= 0 or entropy < 0 or layers < 1 or units < 1:
            raise ConfigError(
                f"learning_rate is {learning_rate}, entropy {entropy}, layers {layers} and units {units}; "
                "they must be above 0, 0 or more, 1 or more, and 1 or more"
            )
        self.space = space
        self.seed = seed
        tasks = earlier_tasks(space, objectives, prior, power)
        self.policy = Policy(
            space,
            layers=layers,
            units=units,
            seed=seed,
            skips=skips_of(space) if skips is None else skips,
            tasks=len(tasks),
        )
        if tasks:
            teacher = Learner(self.policy, learning_rate=PRETRAINING_RATE, entropy=PRETRAINING_ENTROPY)
            for task, lessons in rounds(tasks, pretraining, seed):
                teacher.replay(lessons, task)
        self._learner = Learner(self.policy, learning_rate=learning_rate, entropy=entropy)
        self._lessons = Lessons(
            objectives, seed=seed, power=power, decay=decay, batch=batch, standard=bool(tasks)
        )
        self._asked = 0

    def ask(self, n: int) -> list[Candidate]:
        """Returns `n` samples of the policy."""
        return [self._next() for _ in range(n)]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results; each batch of those that were asked for is a step."""
        for trial in trials:
            if lessons := self._lessons.tell(trial):
                self._learner.reinforce(lessons)

    def best(self, k: int) -> list[Architecture]:
        """Returns up to `k` distinct architectures of the whole history, best first."""
        return self._lessons.best(k)

    def _next(self) -> Candidate:
        rng = rng_for(self.seed, "controller", self._asked)
        self._asked += 1
        said = self.policy.sample(rng)
        self._lessons.ask(said.architecture, float(said.log_prob))
        return Candidate(said.architecture)


def skips_of(space: Space) -> dict[str, str]:
    """Returns the skip decisions of a space, each with its anchor: the nearest decision of a block before.

    A skip is a decision called ``skip``, a field of its block, between False and True, like that of
    `chain`: whether the input of the block, which is the output of the one before, joins its output.
    """
    found, paths = {}, [decision.path for decision in space.decisions]
    for number, decision in enumerate(space.decisions):
        block, dot, name = decision.path.rpartition(".")
        if name != SKIP or decision.options != (False, True):
            continue
        before = (path for path in reversed(paths[:number]) if not path.startswith(block + dot))
        if (anchor := next(before, None)) is not None:
            found[decision.path] = anchor
    return found
