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


@dataclass(frozen=True, slots=True)
class Sentence:
    """One architecture as the policy writes it.

    Attributes:
        architecture: What is written.
        log_prob: Logarithm of its probability, the sum over the decisions that exist in it, [].
        entropy: Sum of the entropies of the distributions that those were drawn from, [].
    """

    architecture: Architecture
    log_prob: Tensor
    entropy: Tensor


class Policy(nn.Module):
    """A stacked LSTM with a token per option, and a softmax per decision (Zoph and Le 2017, section 3.1).

    Only decisions that exist are written, in the order of the space; the token of each is the next input.

    A decision of two options that says whether layer i takes the output of layer j can be a set-selection
    attention instead of a softmax (section 3.3): P(second option) = sigmoid(v . tanh(W_prev h_j + W_curr
    h_i)), where h_i is the present state and h_j that at the anchor of layer j, any decision of it; an anchor
    that does not exist has the state 0.

    Args:
        space: Of the architectures.
        layers: Of the LSTM.
        units: Of each layer, and of the embedding of a token.
        seed: Of the weights, U(-0.08, 0.08) as in the paper.
        skips: Path of each such decision to the path of its anchor, which comes before it.

    Raises:
        UnknownName: A path that the space does not have.
        ConfigError: A skip that has not two options, or an anchor that does not come before it.
    """

    def __init__(
        self, space: Space, *, layers: int, units: int, seed: int, skips: Mapping[str, str] | None = None
    ) -> None:
        super().__init__()
        self.space = space
        sizes = [len(decision.labels) for decision in space.decisions]
        self.starts = [1 + sum(sizes[:i]) for i in range(len(sizes))]
        self.anchors = _anchors(space, skips or {})
        with torch.device("meta"):  # so that no global generator is drawn from
            self.embedding = nn.Embedding(1 + sum(sizes), units)
            self.cells = nn.ModuleList(nn.LSTMCell(units, units) for _ in range(layers))
            self.heads = nn.ModuleList(nn.Linear(units, size) for size in sizes)
            self.previous = nn.Linear(units, units, bias=False)
            self.current = nn.Linear(units, units, bias=False)
            self.vector = nn.Linear(units, 1, bias=False)
        self.to_empty(device="cpu")
        generator = torch.Generator().manual_seed(seed_for(seed, "policy"))
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.uniform_(-0.08, 0.08, generator=generator)

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

    def _write(self, choose: Callable[[int, Tensor], int]) -> Sentence:
        decisions = self.space.decisions
        choices, states, token = [0] * len(decisions), dict[int, Tensor](), START
        memory = [(torch.zeros(self.width), torch.zeros(self.width)) for _ in self.cells]
        log_prob, entropy = torch.zeros(()), torch.zeros(())
        for index, decision in enumerate(decisions):
            if not exists(decision.places, choices):
                continue
            states[index] = self._step(token, memory)
            log_p = torch.log_softmax(self._logits(index, states), dim=0)  # [options]
            choices[index] = choose(index, log_p)
            token = self.starts[index] + choices[index]
            log_prob = log_prob + log_p[choices[index]]
            entropy = entropy - (log_p.exp() * log_p).sum()
        return Sentence(Architecture(self.space.fingerprint, tuple(choices)), log_prob, entropy)

    @property
    def width(self) -> int:
        """Units of each layer."""
        return self.embedding.embedding_dim

    def _step(self, token: int, memory: list[tuple[Tensor, Tensor]]) -> Tensor:
        """Reads a token, and returns the state of the uppermost layer, [units]."""
        state: Tensor = self.embedding.weight[token]
        for i, cell in enumerate(self.cells):
            memory[i] = cell(state, memory[i])
            state = memory[i][0]
        return state

    def _logits(self, index: int, states: dict[int, Tensor]) -> Tensor:
        state = states[index]
        if index not in self.anchors:
            logits: Tensor = self.heads[index](state)
            return logits
        anchor = states.get(self.anchors[index], torch.zeros(self.width))
        chosen = self.vector(torch.tanh(self.previous(anchor) + self.current(state)))
        return torch.cat([torch.zeros(1), chosen])  # the softmax of 0 and q is the sigmoid of q


class Learner:
    """A policy and its optimiser.

    Args:
        policy: What learns.
        learning_rate: Of Adam.
        entropy: Weight of the entropy of the policy in what is made large.
    """

    def __init__(self, policy: Policy, *, learning_rate: float, entropy: float) -> None:
        self.policy = policy
        self.entropy = entropy
        self._adam = torch.optim.Adam(policy.parameters(), lr=learning_rate)

    def reinforce(self, lessons: Sequence[Lesson]) -> None:
        """Takes one step along the policy gradient."""
        self._step([reinforce_loss(self.policy, lesson, self.entropy) for lesson in lessons])

    def ppo(self, lessons: Sequence[Lesson], clip: float, epochs: int) -> None:
        """Takes `epochs` steps along the clipped surrogate, each over all lessons."""
        for _ in range(epochs):
            self._step([ppo_loss(self.policy, lesson, self.entropy, clip) for lesson in lessons])

    def _step(self, losses: Sequence[Tensor]) -> None:
        loss = torch.stack(list(losses)).mean()
        if loss.requires_grad:  # it does not where a space has no decision
            self._adam.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._adam.step()


def reinforce_loss(policy: Policy, lesson: Lesson, entropy: float) -> Tensor:
    """Returns -advantage log p(a) - entropy H (Zoph and Le 2017, section 3.2), []."""
    said = policy.read(lesson.architecture)
    return -lesson.advantage * said.log_prob - entropy * said.entropy


def ppo_loss(policy: Policy, lesson: Lesson, entropy: float, clip: float) -> Tensor:
    """Returns the clipped surrogate of Schulman et al. 2017, eq. 7 (arXiv:1707.06347), to be made small, [].

    The ratio is that of the probabilities of whole architectures, now and when it was drawn.
    """
    said = policy.read(lesson.architecture)
    ratio = torch.exp(said.log_prob - lesson.log_prob)
    least = torch.minimum(ratio * lesson.advantage, ratio.clamp(1 - clip, 1 + clip) * lesson.advantage)
    return -least - entropy * said.entropy


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
