"""Local search: go to a better neighbour until there is none, then start again elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.front.dominance import dominates, order
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.protocols import Candidate, Trial
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space
from nasturtium.strategy.archive import Archive


@dataclass(slots=True)
class Climb:
    """One descent to a local optimum.

    Attributes:
        centre: Where it stands; None until its start was told.
        worth: Values of the centre.
        queue: Neighbours of the centre that were not asked yet; the next is the last.
        pending: How many were asked and not told.
        target: The neighbour to go to once all are told, with its values (best improvement only).
    """

    centre: Architecture | None = None
    worth: tuple[float, ...] = ()
    queue: list[Architecture] = field(default_factory=list)
    pending: int = 0
    target: tuple[Architecture, tuple[float, ...]] | None = None


class LocalSearch:
    """Descends by one-decision changes from random starts (White, Nolen and Savani 2021, arXiv:2005.02960).

    Neighbours are tried in random order. When more is asked than the descents under way have neighbours to
    try (they wait for results), another descent starts, so any number can be asked at any time.

    With several objectives a better neighbour is one that dominates, and a descent starts from a network of
    the front whose neighbours were not tried yet, as long as there is one, the least crowded first (Paquete,
    Chiarandini and Stuetzle 2004, Pareto local search).

    Differs: a descent that is stuck is followed by one from a random start, not by the next best neighbour; a
    start is one random network, not the best of ten. Neighbours known from before are asked again; compose
    with `Distinct`, which answers them at no cost.

    Args:
        space: Where to search.
        seed: The same seed and the same tells give the same asks.
        objectives: What is made small.
        improvement: ``first`` goes to a better neighbour as soon as it is told; ``best`` waits for all of
            them and goes to the best.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        improvement: Literal["first", "best"] = "first",
    ) -> None:
        if improvement not in ("first", "best"):
            raise ConfigError(f"improvement is {improvement!r}; it must be 'first' or 'best'")
        self.space = space
        self.seed = seed
        self.improvement = improvement
        self._archive = Archive(objectives)
        self._climbs: list[Climb] = []  # oldest first
        self._waiting: dict[Architecture, list[Climb]] = {}  # who asked for it
        self._front: dict[Architecture, tuple[float, ...]] = {}  # with one objective, the incumbent
        self._explored: set[Architecture] = set()  # whose neighbours were tried, or are
        self._starts = 0
        self._moves = 0

    def ask(self, n: int) -> list[Candidate]:
        """Returns `n` neighbours of where the descents stand, oldest descent first, or new starts."""
        return [self._next() for _ in range(n)]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results; a descent moves, or ends when no neighbour was better."""
        for trial in trials:
            worth = self._archive.record(trial)
            if worth is not None:
                self._note(trial.architecture, worth)
            for climb in self._waiting.pop(trial.architecture, ()):
                climb.pending -= 1
                if worth is not None:
                    self._consider(climb, trial.architecture, worth)
                self._settle(climb)

    def best(self, k: int) -> list[Architecture]:
        """Returns up to `k` distinct architectures, best first."""
        return self._archive.best(k)

    def _next(self) -> Candidate:
        climb = next((climb for climb in self._climbs if climb.queue), None) or self._started()
        architecture = climb.queue.pop()
        climb.pending += 1
        self._waiting.setdefault(architecture, []).append(climb)
        return Candidate(architecture)

    def _started(self) -> Climb:
        climb = Climb()
        self._climbs.append(climb)
        front = list(self._front.items())
        least_crowded_first = (front[i] for i in order([worth for _, worth in front]))
        promising = next((item for item in least_crowded_first if item[0] not in self._explored), None)
        if promising is not None:
            self._move(climb, *promising)
        if not climb.queue:
            climb.queue = [self.space.sample(rng_for(self.seed, "start", self._starts))]
            self._starts += 1
        return climb

    def _note(self, architecture: Architecture, worth: tuple[float, ...]) -> None:
        if any(dominates(other, worth) or other == worth for other in self._front.values()):
            return
        self._front = {known: other for known, other in self._front.items() if not dominates(worth, other)}
        self._front[architecture] = worth

    def _consider(self, climb: Climb, architecture: Architecture, worth: tuple[float, ...]) -> None:
        if climb.centre is None:
            self._move(climb, architecture, worth)
        elif self.improvement == "first":
            if dominates(worth, climb.worth):
                self._move(climb, architecture, worth)
        elif dominates(worth, climb.target[1] if climb.target else climb.worth):
            climb.target = architecture, worth

    def _settle(self, climb: Climb) -> None:
        """Moves a descent that has heard all it asked for, or ends it."""
        if climb.queue or climb.pending:
            return
        if climb.target is None:
            self._climbs.remove(climb)
        else:
            self._move(climb, *climb.target)

    def _move(self, climb: Climb, centre: Architecture, worth: tuple[float, ...]) -> None:
        around = list(self.space.neighbours(centre))
        shuffle = rng_for(self.seed, "neighbours", self._moves).permutation(len(around))
        self._moves += 1
        climb.centre, climb.worth, climb.target = centre, worth, None
        self._explored.add(centre)
        climb.queue = [around[i] for i in shuffle]
