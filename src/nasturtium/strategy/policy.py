"""An LSTM that writes an architecture as a sentence, decision after decision, and what teaches it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError, unknown
from nasturtium.seeds import seed_for
from nasturtium.space.decisions import exists
from nasturtium.space.space import Space
from nasturtium.strategy.lessons import Lesson

START = 0  # the token before the first
LARGEST_WEIGHT = 5.0  # of one architecture among those that a step replays


@dataclass(frozen=True, slots=True)
class Sentence:
    """One architecture as the policy writes it.

    Attributes:
        architecture: What is written.
        log_prob: Logarithm of its probability, the sum over the decisions that exist in it, [].
        entropy: Sum of the entropies of the distributions that those were drawn from, [].
        divergence: How far the probabilities of skips are from the wanted share of skips, summed over the
            skips of a layer, the mean over the layers, [].
    """

    architecture: Architecture
    log_prob: Tensor
    entropy: Tensor
    divergence: Tensor


class Policy(nn.Module):
    """A stacked LSTM with a token per option, and a softmax per decision (Zoph and Le 2017, section 3.1).

    Only decisions that exist are written, in the order of the space; the token of each is the next input.

    A decision of two options that says whether layer i takes the output of layer j can be a set-selection
    attention instead of a softmax (section 3.3): P(second option) = sigmoid(v . tanh(W_prev h_j + W_curr
    h_i)), where h_i is the present state and h_j that at the anchor of layer j, any decision of it; an anchor
    that does not exist has the state 0. Where logits are squashed, both -q and q are, as in the release of
    ENAS, so that a policy can come as close to never and to always: to within 5 % where they stay below 1.5.

    With earlier tasks, an embedding of the task stands beside each token, one that is learnt like the other
    weights (Wong et al. 2018, arXiv:1803.02780). What is sampled and read is of the last task, the new one.

    Args:
        space: Of the architectures.
        layers: Of the LSTM.
        units: Of each layer, and of the embedding of a token.
        seed: Of the weights, U(-spread, spread).
        skips: Path of each such decision to the path of its anchor, which comes before it.
        tasks: Earlier tasks.
        features: Of the embedding of a task.
        spread: Largest weight at the start; the paper's.
        temperature: That the logits are divided by.
        tanh: Of logits beyond the reach of a policy, as they are squashed to tanh * tanh(logit) (Bello et al.
            2017, arXiv:1611.09940, section 5.1); None leaves them.
        skip_share: Wanted probability of a skip, see `Sentence.divergence`.

    Raises:
        UnknownName: A path that the space does not have.
        ConfigError: A skip that has not two options, or an anchor that does not come before it.
    """

    def __init__(
        self,
        space: Space,
        *,
        layers: int,
        units: int,
        seed: int,
        skips: Mapping[str, str] | None = None,
        tasks: int = 0,
        features: int = 8,
        spread: float = 0.08,
        temperature: float = 1.0,
        tanh: float | None = None,
        skip_share: float = 0.4,
    ) -> None:
        super().__init__()
        if temperature <= 0 or (tanh is not None and tanh <= 0) or not 0 < skip_share < 1:
            raise ConfigError(
                f"temperature is {temperature}, tanh {tanh} and skip_share {skip_share}; the first two must "
                "be above 0, the last between 0 and 1"
            )
        self.space, self.temperature, self.tanh = space, temperature, tanh
        self.wanted = torch.tensor([1 - skip_share, skip_share])
        sizes = [len(decision.labels) for decision in space.decisions]
        self.starts = [1 + sum(sizes[:i]) for i in range(len(sizes))]
        self.anchors = _anchors(space, skips or {})
        self.skipping = len({path.rpartition(".")[0] for path in skips or ()})  # layers that decide on skips
        beside = features if tasks else 0
        with torch.device("meta"):  # so that no global generator is drawn from
            self.embedding = nn.Embedding(1 + sum(sizes), units)
            inputs = [units + beside, *[units] * (layers - 1)]
            self.cells = nn.ModuleList(nn.LSTMCell(size, units) for size in inputs)
            self.heads = nn.ModuleList(nn.Linear(units, size) for size in sizes)
            self.previous = nn.Linear(units, units, bias=False)
            self.current = nn.Linear(units, units, bias=False)
            self.vector = nn.Linear(units, 1, bias=False)
            self.tasks = nn.Embedding(tasks + 1, beside) if tasks else None
        self.to_empty(device="cpu")
        generator = torch.Generator().manual_seed(seed_for(seed, "policy"))
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.uniform_(-spread, spread, generator=generator)

    @torch.no_grad()
    def sample(self, rng: np.random.Generator) -> Sentence:
        """Draws an architecture."""
        draws = rng.random(len(self.space.decisions)).tolist()

        def choose(index: int, log_p: Tensor) -> int:
            upto = log_p.double().exp().cumsum(0)[:-1]  # the last option takes what rounding leaves
            return int((upto < draws[index]).sum())

        return self._write(choose)

    def read(self, architecture: Architecture) -> Sentence:
        """Returns the probability of an architecture, to be differentiated."""
        return self._write(lambda index, _: architecture.choices[index])

    def read_all(self, architectures: Sequence[Architecture], task: int = -1) -> tuple[Tensor, Tensor]:
        """Returns log-probabilities and entropies as `read` does, each [architectures], by one batch.

        Args:
            architectures: Of the space.
            task: Number of the task that they are read for; -1 is the new one.
        """
        choices = torch.tensor([a.choices for a in architectures]).reshape(len(architectures), -1)
        there = torch.tensor([self.space.active(a) for a in architectures]).reshape(choices.shape)
        zeros = torch.zeros(len(architectures), self.width)
        memory, states = [(zeros, zeros) for _ in self.cells], dict[int, Tensor]()
        token = torch.full((len(architectures),), START)
        log_prob, entropy = zeros.sum(1), zeros.sum(1)
        for index in range(choices.shape[1]):
            here, before = there[:, index], list(memory)
            state = self._step(token, memory, task)
            for i, (now, then) in enumerate(zip(memory, before, strict=True)):
                h, c = (torch.where(here[:, None], a, b) for a, b in zip(now, then, strict=True))
                memory[i] = h, c
            states[index] = torch.where(here[:, None], state, 0.0)
            log_p = torch.log_softmax(self._logits(index, states), dim=-1)  # [architectures, options]
            taken = log_p.gather(1, choices[:, index, None])[:, 0]
            log_prob = log_prob + torch.where(here, taken, 0.0)
            entropy = entropy - torch.where(here, (log_p.exp() * log_p).sum(1), 0.0)
            token = torch.where(here, self.starts[index] + choices[:, index], token)
        return log_prob, entropy

    def _write(self, choose: Callable[[int, Tensor], int]) -> Sentence:
        decisions = self.space.decisions
        choices, states, token = [0] * len(decisions), dict[int, Tensor](), torch.tensor(START)
        memory = [(torch.zeros(self.width), torch.zeros(self.width)) for _ in self.cells]
        log_prob, entropy, divergence = torch.zeros(()), torch.zeros(()), torch.zeros(())
        for index, decision in enumerate(decisions):
            if not exists(decision.places, choices):
                continue
            states[index] = self._step(token, memory)
            log_p = torch.log_softmax(self._logits(index, states), dim=0)  # [options]
            choices[index] = choose(index, log_p)
            token = torch.tensor(self.starts[index] + choices[index])
            log_prob = log_prob + log_p[choices[index]]
            entropy = entropy - (log_p.exp() * log_p).sum()
            if index in self.anchors:  # Kullback-Leibler, from the wanted share
                divergence = divergence + (log_p.exp() * (log_p - self.wanted.log())).sum()
        architecture = Architecture(self.space.fingerprint, tuple(choices))
        return Sentence(architecture, log_prob, entropy, divergence / max(1, self.skipping))

    @property
    def width(self) -> int:
        """Units of each layer."""
        return self.embedding.embedding_dim

    def _step(self, token: Tensor, memory: list[tuple[Tensor, Tensor]], task: int = -1) -> Tensor:
        """Reads a token of each architecture, and returns the state of the uppermost layer, [..., units]."""
        state: Tensor = self.embedding.weight[token]
        if self.tasks is not None:
            state = torch.cat([state, self.tasks.weight[task].expand(*state.shape[:-1], -1)], dim=-1)
        for i, cell in enumerate(self.cells):
            memory[i] = cell(state, memory[i])
            state = memory[i][0]
        return state

    def _logits(self, index: int, states: dict[int, Tensor]) -> Tensor:
        state = states[index]
        if index not in self.anchors:
            return self._squashed(self.heads[index](state))
        anchor = states.get(self.anchors[index], torch.zeros_like(state))
        chosen = self.vector(torch.tanh(self.previous(anchor) + self.current(state)))
        # The softmax of 0 and q is the sigmoid of q.
        other = torch.zeros_like(chosen) if self.tanh is None else -chosen
        return self._squashed(torch.cat([other, chosen], dim=-1))

    def _squashed(self, logits: Tensor) -> Tensor:
        logits = logits / self.temperature
        return logits if self.tanh is None else self.tanh * torch.tanh(logits)


class Learner:
    """A policy and its optimiser.

    Args:
        policy: What learns.
        learning_rate: Of Adam.
        entropy: Weight of the entropy of the policy in what is made large.
        divergence: Weight of the divergence of the skips in what is made small.
    """

    def __init__(
        self, policy: Policy, *, learning_rate: float, entropy: float, divergence: float = 0.0
    ) -> None:
        self.policy = policy
        self.entropy, self.divergence = entropy, divergence
        self._adam = torch.optim.Adam(policy.parameters(), lr=learning_rate)

    def reinforce(self, lessons: Sequence[Lesson]) -> None:
        """Takes one step along the policy gradient."""
        self._step([reinforce_loss(self.policy, one, self.entropy, self.divergence) for one in lessons])

    def ppo(self, lessons: Sequence[Lesson], clip: float, epochs: int) -> None:
        """Takes `epochs` steps along the clipped surrogate, each over all lessons."""
        for _ in range(epochs):
            self._step([ppo_loss(self.policy, lesson, self.entropy, clip) for lesson in lessons])

    def replay(self, lessons: Sequence[Lesson], task: int) -> None:
        """Takes one step along the gradient of an earlier task, from architectures that it knows."""
        self._step([replay_loss(self.policy, lessons, task, self.entropy)])

    def _step(self, losses: Sequence[Tensor]) -> None:
        loss = torch.stack(list(losses)).mean()
        if loss.requires_grad:  # it does not where a space has no decision
            self._adam.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._adam.step()


def reinforce_loss(policy: Policy, lesson: Lesson, entropy: float, divergence: float = 0.0) -> Tensor:
    """Returns -advantage log p(a) - entropy H (Zoph and Le 2017, section 3.2), [].

    A weight of the divergence adds that of the skips (Pham et al. 2018, arXiv:1802.03268).
    """
    said = policy.read(lesson.architecture)
    loss = -lesson.advantage * said.log_prob - entropy * said.entropy
    return loss + divergence * said.divergence if divergence else loss


def ppo_loss(policy: Policy, lesson: Lesson, entropy: float, clip: float) -> Tensor:
    """Returns the clipped surrogate of Schulman et al. 2017, eq. 7 (arXiv:1707.06347), to be made small, [].

    The ratio is that of the probabilities of whole architectures, now and when it was drawn.
    """
    said = policy.read(lesson.architecture)
    ratio = torch.exp(said.log_prob - lesson.log_prob)
    least = torch.minimum(ratio * lesson.advantage, ratio.clamp(1 - clip, 1 + clip) * lesson.advantage)
    return -least - entropy * said.entropy


def replay_loss(policy: Policy, lessons: Sequence[Lesson], task: int, entropy: float) -> Tensor:
    """Returns -E[advantage] - entropy H of an earlier task, over architectures that the policy did not draw.

    Each counts by its probability under the policy over that of having been recorded, taken as equal for all
    of them: normalised importance weights, of mean 1, cut off at `LARGEST_WEIGHT`.
    """
    log_prob, entropies = policy.read_all([lesson.architecture for lesson in lessons], task)
    weights = torch.softmax(log_prob.detach(), dim=0) * len(lessons)
    advantages = torch.tensor([lesson.advantage for lesson in lessons])
    gain = (weights.clamp(max=LARGEST_WEIGHT) * advantages * log_prob).mean()
    return -gain - entropy * entropies.mean()


def _anchors(space: Space, skips: Mapping[str, str]) -> dict[int, int]:
    """Returns the number of the anchor of each skip."""
    numbers = {decision.path: i for i, decision in enumerate(space.decisions)}
    found = {}
    for path, anchor in skips.items():
        for name in (path, anchor):
            if name not in numbers:
                raise unknown("decision", name, numbers, where="skips")
        options = space.decisions[numbers[path]].labels
        if len(options) != 2 or numbers[anchor] >= numbers[path]:
            raise ConfigError(
                f"skip {path!r} with anchor {anchor!r}: it must have two options (it has {len(options)}), "
                "and its anchor must come before it"
            )
        found[numbers[path]] = numbers[anchor]
    return found
