"""The sandwich rule: in every step the largest network, the smallest, and some between."""

from collections.abc import Callable, Sequence

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.protocols import Candidate, Strategy, Trial
from nasturtium.space.space import Space
from nasturtium.strategy.derive import settled
from nasturtium.strategy.paths import REWARD, UniformPaths

Cost = Callable[[Architecture], float]
Method = Callable[..., Strategy]


class Sandwich:
    """Begins each round with the largest and the smallest network and fills it from another sampler.

    Yu and Huang 2019 (universally slimmable networks, arXiv:1903.05134), section 3.2, with n = 4; used again
    by BigNAS, AttentiveNAS and AlphaNet. The performance of all others lies between the two, so training
    both ends raises all. Give the training as many ``paths`` as a round has. Where the inner sampler asks for
    losses first (`Screened`), these come before the round, in asks of their own.

    Args:
        space: Of the paths.
        cost: Of a path, such as its MACs: what large and small mean.
        seed: Of the inner sampler.
        objectives: Of the inner sampler.
        inner: Makes what fills a round.
        paths: Of a round, 2 or more.

    Raises:
        ConfigError: Fewer than two paths.
    """

    def __init__(
        self,
        space: Space,
        cost: Cost,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        inner: Method = UniformPaths,
        paths: int = 4,
    ) -> None:
        if paths < 2:
            raise ConfigError(f"a sandwich of {paths} paths; it needs the largest and the smallest at least")
        self.paths = paths
        self.inner = inner(space, seed=seed, objectives=objectives)
        self.ends = tuple(Candidate(one) for one in extremes(space, cost)[::-1])
        self._round: list[Candidate] = []  # what is left of it

    def ask(self, n: int) -> list[Candidate]:
        """Returns up to `n` candidates: of every round first the ends, then what the inner sampler asks."""
        found: list[Candidate] = []
        while len(found) < n:
            self._round = self._round or self._next_round()
            # What is only looked at and what is trained cannot share a step.
            if not self._round or (found and found[0].fidelity != self._round[0].fidelity):
                break
            room = n - len(found)
            found, self._round = found + self._round[:room], self._round[room:]
        return found

    def tell(self, trials: Sequence[Trial]) -> None:
        """Tells the inner sampler of all."""
        self.inner.tell(trials)

    def best(self, k: int) -> Sequence[Architecture]:
        """Returns what the inner sampler would pick."""
        return self.inner.best(k)

    def _next_round(self) -> list[Candidate]:
        filling: list[Candidate] = []
        while len(filling) < self.paths - 2 and (some := self.inner.ask(self.paths - 2 - len(filling))):
            filling += some
        if filling and filling[0].fidelity == REWARD:
            return filling
        return [*self.ends, *filling] if filling or self.paths == 2 else []


def extremes(space: Space, cost: Cost) -> tuple[Architecture, Architecture]:
    """Returns the cheapest and the dearest architecture that changing one decision at a time leads to.

    That is the very cheapest and dearest where no option's cost depends on others in sign, as with widths,
    kernels, depths and expansions.
    """
    return _extreme(space, cost), _extreme(space, lambda one: -cost(one))


def _extreme(space: Space, cost: Cost) -> Architecture:
    best = settled(space, [0] * len(space.decisions))
    lowest = cost(best)
    while True:
        before = lowest
        for index, decision in enumerate(space.decisions):
            for option in range(len(decision.labels)):
                choices = [*best.choices[:index], option, *best.choices[index + 1 :]]
                one = settled(space, choices)
                if one != best and (value := cost(one)) < lowest:
                    best, lowest = one, value
        if lowest == before:
            return best
