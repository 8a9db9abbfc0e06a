"""Selection by perturbation (DARTS-PT): an option is worth what the supernet loses without it."""

import math
from collections import deque
from collections.abc import Sequence

from nasturtium.architecture import Architecture, Mixture
from nasturtium.errors import ConfigError
from nasturtium.front.objectives import ERROR, Objective, values
from nasturtium.protocols import Candidate, Trial
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space
from nasturtium.strategy.derive import NEVER_MIXED, derived, edges_of
from nasturtium.strategy.relaxed import content

EDGES = 2  # that a node keeps


class Perturbation:
    """Settles a trained supernet decision by decision, by what it loses when an option is taken away.

    Wang et al. 2021, Algorithm 1 (arXiv:2108.04392): of a decision drawn at random, the mixture is evaluated
    without each option in turn (the rest is not made to sum to 1); the option without which the validation
    error is highest stays alone, and the supernet is tuned for some steps. Where nodes sum their edges
    (`derive.edges_of`), these are settled last: the edge without which the error is lowest is taken away
    until two are left.

    Asks for mixtures of fidelity 0 (evaluated, nothing is trained) and, to tune, of fidelity 1. It goes on
    with the supernet of the search before, in a `Training` of ``tune * strategy.questions`` steps, whose
    `rewards` are ``same``: what options are compared on must be the same images, since the differences
    between options are smaller than those between minibatches. The paper's: 5 epochs of tuning after each,
    with a fresh optimiser and a tenth of the learning rate; an option is judged on the whole validation
    split; metric: accuracy.

    Args:
        space: Of the supernet.
        seed: Of the order of decisions.
        objectives: The first tells how good a mixture is.
        start: The mixture that the search ended with; None is uniform, for a supernet that was trained so
            ("fix alpha").
        tune: Training steps after each decision.

    Attributes:
        questions: How many things there are to settle.
        settled: How many are.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        start: Mixture | None = None,
        tune: int = 0,
    ) -> None:
        if tune < 0:
            raise ConfigError(f"tune is {tune}; it must be 0 or more")
        self.space, self.seed, self.objectives, self.tune = space, seed, objectives[:1], tune
        self._rows = [list(row) for row in (start or uniform(space)).weights]
        self._decisions = [
            i for i, d in enumerate(space.decisions) if len(d.labels) > 1 and not d.path.endswith(".edges")
        ]
        nodes = edges_of(space).values()
        self._edges = {edge.decision: edge for incoming in nodes for edge in incoming}
        self._nodes = [[edge.decision for edge in one] for one in nodes if len(one) > EDGES]
        self.questions = len(self._decisions) + len(self._nodes)
        self.settled = 0
        self._queue: deque[Candidate] = deque()
        self._waiting: dict[Candidate, deque[int]] = {}
        self._found: dict[int, float | None] = {}  # by part: option of a decision, or edge of a node
        self._decision: int | None = None  # in question, else a node's edges
        self._node: list[int] = []
        self._told = False

    def ask(self, n: int) -> list[Candidate]:
        """Returns up to `n` mixtures; none while the answers to a question are awaited, or at the end."""
        asked: list[Candidate] = []
        while len(asked) < n:
            if not self._queue and not self._found:
                self._open()
            if not self._queue:
                break
            asked.append(self._queue.popleft())
        return asked

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes answers; the last one of a question settles it."""
        for trial in trials:
            parts = self._waiting.get(content(trial.candidate))
            if parts:
                self._told = True
                self._found[parts.popleft()] = values(self.objectives, trial)[0]
                if None not in self._found.values():
                    self._close()

    def best(self, k: int) -> list[Architecture]:
        """Returns the architecture of what is settled, and of the largest weights in the rest."""
        return [derived(self.space, self.mixture())][:k] if self._told else []

    def mixture(self) -> Mixture:
        """Returns the mixture in which what is settled is settled."""
        return Mixture(self.space.fingerprint, tuple(tuple(row) for row in self._rows))

    def _open(self) -> None:
        """Asks the next question: all decisions in a random order, then all nodes in another."""
        left = self._decisions or self._nodes
        if not left:
            return
        place = int(rng_for(self.seed, "perturbation", self.settled).integers(len(left)))
        if self._decisions:
            self._decision = self._decisions.pop(place)
            edge, size = self._edges.get(self._decision), len(self._rows[self._decision])
            self._put(range(size) if edge is None else edge.operations)
        else:
            self._decision, self._node = None, self._nodes.pop(place)
            self._put(self._node)

    def _put(self, parts: Sequence[int]) -> None:
        self._found = dict.fromkeys(parts)
        for part in parts:
            candidate = Candidate(self._without(part), fidelity=0)
            self._waiting.setdefault(candidate, deque()).append(part)
            self._queue.append(candidate)

    def _without(self, part: int) -> Mixture:
        rows = [tuple(row) for row in self._rows]
        if self._decision is not None:
            row = rows[self._decision]
            rows[self._decision] = (*row[:part], 0.0, *row[part + 1 :])
        else:
            rows[part] = self._one_hot(part, self._edges[part].absent)
        return Mixture(self.space.fingerprint, tuple(rows))

    def _close(self) -> None:
        """Settles what is in question, and queues the tuning."""
        # A part without which nothing could be evaluated is worth most.
        worth = {
            part: found if found is not None and math.isfinite(found) else math.inf
            for part, found in self._found.items()
        }
        self._found, self._waiting = {}, {}
        if self._decision is not None:
            taken = max(worth, key=worth.__getitem__)
            self._rows[self._decision] = list(self._one_hot(self._decision, taken))
        else:
            least = min(worth, key=worth.__getitem__)
            self._rows[least] = list(self._one_hot(least, self._edges[least].absent))
            self._node = [edge for edge in self._node if edge != least]
            if len(self._node) > EDGES:
                self._put(self._node)
                return
        self.settled += 1
        self._queue.extend([Candidate(self.mixture(), fidelity=1)] * self.tune)

    def _one_hot(self, decision: int, option: int) -> tuple[float, ...]:
        return tuple(float(i == option) for i in range(len(self._rows[decision])))


def uniform(space: Space) -> Mixture:
    """Returns the mixture of all options alike, besides those that are never mixed."""
    rows = []
    for decision in space.decisions:
        mixed = [label not in NEVER_MIXED for label in decision.labels]
        rows.append(tuple(float(one) / sum(mixed) for one in mixed))
    return Mixture(space.fingerprint, tuple(rows))
