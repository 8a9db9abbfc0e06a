"""The search of NASNet: an LSTM that writes architectures and is taught by proximal policy optimisation."""

from collections.abc import Sequence

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.protocols import Candidate, Trial
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space
from nasturtium.strategy.lessons import Lessons


class PPO:
    """Writes architectures with an LSTM that may learn from a batch several times, but not far at once.

    Zoph, Vasudevan, Shlens and Le 2018, NASNet, appendix A.2 (arXiv:1707.07012), with the clipped surrogate
    of Schulman et al. 2017, eq. 7 (arXiv:1707.06347): one layer of 100 units, Adam at 3.5e-4, baseline 0.95,
    20 results per update. An architecture that is told late is weighed against the policy that drew it.

    Differs: the ratio is clipped for whole architectures, not for each of their tokens; each batch is learnt
    from in four steps, a number that the paper does not give.

    Args:
        space: Where to search.
        seed: The same seed and the same tells give the same asks.
        objectives: What is made small.
        learning_rate: Of Adam. The paper's is for 20,000 trials; for hundreds 0.003 with an entropy of 0.01
            may serve better. At 0.01 with the default entropy the policy has settled after 150 or so.
        layers: Of the LSTM.
        units: Of each layer.
        decay: How much of the baseline stays at each reward.
        entropy: Weight of the policy's entropy, summed over the decisions of an architecture.
        power: Of the reward; see `Lessons`.
        batch: Results per update.
        clip: How far a ratio of probabilities may go from 1.
        epochs: Steps per update.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        learning_rate: float = 3.5e-4,
        layers: int = 1,
        units: int = 100,
        decay: float = 0.95,
        entropy: float = 1e-5,
        power: float = 1.0,
        batch: int = 20,
        clip: float = 0.2,
        epochs: int = 4,
    ) -> None:
        from nasturtium.strategy.policy import Learner, Policy  # torch

        if learning_rate <= 0 or entropy < 0 or clip <= 0 or min(layers, units, epochs) < 1:
            raise ConfigError(
                f"learning_rate is {learning_rate}, clip {clip}, entropy {entropy}, layers {layers}, units "
                f"{units} and epochs {epochs}; the first two must be above 0, entropy 0 or more, the rest 1 "
                "or more"
            )
        self.space = space
        self.seed = seed
        self.clip = clip
        self.epochs = epochs
        self.policy = Policy(space, layers=layers, units=units, seed=seed)
        self._learner = Learner(self.policy, learning_rate=learning_rate, entropy=entropy)
        self._lessons = Lessons(objectives, seed=seed, power=power, decay=decay, batch=batch)
        self._asked = 0

    def ask(self, n: int) -> list[Candidate]:
        """Returns `n` samples of the policy."""
        return [self._next() for _ in range(n)]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results; each batch of those that were asked for is an update."""
        for trial in trials:
            if lessons := self._lessons.tell(trial):
                self._learner.ppo(lessons, self.clip, self.epochs)

    def best(self, k: int) -> list[Architecture]:
        """Returns up to `k` distinct architectures of the whole history, best first."""
        return self._lessons.best(k)

    def _next(self) -> Candidate:
        rng = rng_for(self.seed, "ppo", self._asked)
        self._asked += 1
        said = self.policy.sample(rng)
        self._lessons.ask(said.architecture, float(said.log_prob))
        return Candidate(said.architecture)
