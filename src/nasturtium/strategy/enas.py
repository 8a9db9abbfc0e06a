"""ENAS: an LSTM that is taught by rewards of shared weights, in turn with the training of those weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.protocols import Candidate, Trial
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space
from nasturtium.strategy.archive import Archive
from nasturtium.strategy.controller import skips_of
from nasturtium.strategy.lessons import Lessons
from nasturtium.strategy.paths import REWARD
from nasturtium.strategy.random import RandomSearch

if TYPE_CHECKING:
    from nasturtium.strategy.policy import Policy


class ENAS:
    """Asks in turn for paths to train and for paths to reward, all drawn from its policy.

    Pham, Guan, Zoph, Le and Dean 2018, Efficient neural architecture search via parameter sharing
    (arXiv:1802.03268). With the policy fixed, each of `weight_steps` asks (one pass over the training images)
    is one path, whose weights take a step. With the weights fixed, `controller_steps` steps of REINFORCE
    follow, each on `aggregate` paths whose reward is the accuracy on one validation minibatch: their
    candidates have fidelity 0. The baseline is a moving average. Norms of the supernet have to go by the
    batch: statistics of other paths would spoil the rewards.

    Defaults are those of the release for whole networks (melodyguan/enas, cifar10_macro_search.sh): one layer
    of 64 units from U(-0.1, 0.1), logits squashed to 1.5 tanh(logit), Adam at 1e-3, baseline 0.99, entropy
    1e-4, 50 steps of 20 rewards, skips drawn to a share of 0.4 by 0.8 KL. For cells it has 3.5e-3, 1.1 and 30
    steps of 10. The paper prints 3.5e-4, temperature 5, tanh 2.5 and entropy 0.1.

    Differs: the entropy is that of the distributions drawn from, not of the token drawn, and is added to the
    loss, not to the reward; the token of a decision is the next input, not the mean of the anchors read; a
    layer that may read the stem decides it by a softmax, since the stem has no anchor; which state a cell
    reads is a softmax too; convolutions are not favoured from the start. A run of so many weight steps ends
    with the last of them, so that the policy has one turn less.

    Ask for one path at a time: the two kinds cannot share a step.

    Args:
        space: Of the paths.
        seed: The same seed and the same tells give the same asks.
        objectives: What is made small; of metrics on a minibatch.
        weight_steps: Paths trained in a row; 0 leaves the weights alone.
        controller_steps: Steps of the policy in a row.
        aggregate: Rewards of each.
        learning_rate: Of Adam. The release's is for thousands of steps; 0.01 suits hundreds.
        units: Of the LSTM.
        decay: How much of the baseline stays at each reward.
        entropy: Weight of the policy's entropy.
        temperature: That its logits are divided by.
        tanh: Bound of its logits.
        skip_share: Wanted share of skips.
        skip_weight: Of the divergence from it, where the space has such skips; see `anchors_of`.

    Raises:
        ConfigError: A parameter is outside its range.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        weight_steps: int = 352,  # 45,000 images by 128
        controller_steps: int = 50,
        aggregate: int = 20,
        learning_rate: float = 1e-3,
        units: int = 64,
        decay: float = 0.99,
        entropy: float = 1e-4,
        temperature: float = 1.0,
        tanh: float = 1.5,
        skip_share: float = 0.4,
        skip_weight: float = 0.8,
    ) -> None:
        from nasturtium.strategy.policy import Learner, Policy  # torch

        if weight_steps < 0 or min(controller_steps, aggregate, units) < 1 or learning_rate <= 0:
            raise ConfigError(
                f"weight_steps is {weight_steps}, controller_steps {controller_steps}, aggregate {aggregate} "
                f"and units {units}; weight_steps must be 0 or more, the others 1 or more. learning_rate is "
                f"{learning_rate}; it must be above 0"
            )
        if min(entropy, skip_weight) < 0:
            raise ConfigError(f"entropy is {entropy} and skip_weight {skip_weight}; they must be 0 or more")
        self.space, self.seed, self.objectives = space, seed, tuple(objectives)
        self.weight_steps, self.rewards = weight_steps, controller_steps * aggregate
        self.policy = Policy(
            space,
            layers=1,
            units=units,
            seed=seed,
            skips=anchors_of(space),
            spread=0.1,
            temperature=temperature,
            tanh=tanh,
            skip_share=skip_share,
        )
        self._learner = Learner(
            self.policy, learning_rate=learning_rate, entropy=entropy, divergence=skip_weight
        )
        self._lessons = Lessons(objectives, seed=seed, power=1.0, decay=decay, batch=aggregate)
        self._now = self._before = Archive(objectives)  # rewards of this turn of the policy, and of the last
        self._asked = 0

    def ask(self, n: int) -> list[Candidate]:
        """Returns `n` samples of the policy, to train or to reward by whose turn it is."""
        return [self._next() for _ in range(n)]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes rewards, of which each batch is a step; what trained weights teaches nothing."""
        for trial in trials:
            if trial.candidate.fidelity != REWARD:
                continue
            self._now.record(trial)
            if lessons := self._lessons.tell(trial):
                self._learner.reinforce(lessons)

    def best(self, k: int) -> list[Architecture]:
        """Returns up to `k` samples of the policy's latest turn, the best rewarded first.

        The paper derives a network so: of some samples the one with the best reward on a minibatch. Rewards
        of earlier turns do not compare, as the weights were others.
        """
        return self._now.best(k) or self._before.best(k)

    def _next(self) -> Candidate:
        number, self._asked = self._asked, self._asked + 1
        said = self.policy.sample(rng_for(self.seed, "enas", number))
        place = number % (self.weight_steps + self.rewards)
        if place < self.weight_steps:
            return Candidate(said.architecture)
        if place == self.weight_steps:
            self._now, self._before = Archive(self.objectives), self._now
        self._lessons.ask(said.architecture, float(said.log_prob))
        return Candidate(said.architecture, REWARD)


class PolicySearch(RandomSearch):
    """Random search that draws from a policy instead: what ENAS does when the weights are trained.

    Args:
        space: Where to search, the policy's.
        policy: As it is now; nothing is learned.
        seed: Of the draws.
        objectives: What is made small.
    """

    def __init__(
        self, space: Space, policy: Policy, *, seed: int = 0, objectives: Sequence[Objective] = ERROR
    ) -> None:
        super().__init__(space, seed=seed, objectives=objectives)
        self.policy = policy

    def _next(self) -> Candidate:
        rng = rng_for(self.seed, "policy search", self._asked)
        self._asked += 1
        return Candidate(self.policy.sample(rng).architecture)


def anchors_of(space: Space) -> dict[str, str]:
    """Returns the decisions on reading an earlier layer, each with its anchor, a decision of that layer.

    Those are yes or no, and called for both layers: ``layer3.layer1`` has the anchor ``layer1.op``, as in
    `enas_macro`. Where a space has none, its skips from block to block are taken (`skips_of`).
    """
    paths = {decision.path for decision in space.decisions}
    found = {}
    for decision in space.decisions:
        anchor = f"{decision.path.rpartition('.')[2]}.op"
        if decision.options == (False, True) and anchor in paths:
            found[decision.path] = anchor
    return found or skips_of(space)
