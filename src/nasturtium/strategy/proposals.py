"""Where multi-fidelity methods get new architectures from."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Protocol, TypeAlias

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.front.objectives import Objective
from nasturtium.protocols import Candidate, Strategy, Trial
from nasturtium.seeds import seed_for
from nasturtium.space.space import Space
from nasturtium.strategy.distinct import Distinct

TRIES = 100  # known architectures in a row after which a strategy counts as having nothing to propose now

Method: TypeAlias = Callable[..., Strategy]  # called with the space, seed= and objectives=


class Proposals(Protocol):
    """Proposes the architectures that start on a lowest rung."""

    def propose(self, fidelity: int) -> Architecture | None:
        """Returns an architecture to start at this fidelity; None where there is none now."""
        ...

    def tell(self, trial: Trial, fidelity: int) -> None:
        """Takes any result of that fidelity, whether or not it proposed the architecture."""
        ...


class Inner:
    """Proposes what ordinary strategies ask for, one strategy for each fidelity where brackets start.

    The strategy of a fidelity is told every result of that fidelity, promoted candidates included, and no
    other: values of different fidelities are never mixed. No architecture is proposed twice at a fidelity.

    Args:
        space: Where to search.
        method: Makes a strategy, for example a class or a `functools.partial` of it.
        starts: Fidelities where brackets start.
        seed: The same seed and the same tells give the same proposals. Where brackets start at one fidelity
            only, the strategy has this very seed: it asks what it would ask alone.
        objectives: What is made small.

    Raises:
        ConfigError: The method cannot be called.
    """

    def __init__(
        self,
        space: Space,
        method: Method,
        starts: Iterable[int],
        *,
        seed: int,
        objectives: Sequence[Objective],
    ) -> None:
        if not callable(method):
            raise ConfigError(
                f"inner is {method!r}; give a class or function that makes a strategy, such as RandomSearch"
            )
        levels = sorted(set(starts))
        seeds = (
            {level: seed_for(seed, "inner", level) for level in levels} if levels[1:] else {levels[0]: seed}
        )
        self._strategies = {
            level: Distinct(
                method(space, seed=seeds[level], objectives=objectives), space.canonical, tries=TRIES
            )
            for level in levels
        }

    def propose(self, fidelity: int) -> Architecture | None:
        """Returns what the strategy of this fidelity asks for; None where it has nothing to ask now."""
        asked = self._strategies[fidelity].ask(1)
        if not asked:
            return None
        point = asked[0].point
        if not isinstance(point, Architecture):
            raise ConfigError("the inner strategy asks for mixtures; a rung compares single architectures")
        return point

    def tell(self, trial: Trial, fidelity: int) -> None:
        """Tells the strategy of this fidelity, if there is one."""
        if fidelity in self._strategies:
            # Known to the inner strategy by the architecture alone: it knows nothing of rungs.
            plain = Candidate(trial.architecture, number=trial.candidate.number)
            self._strategies[fidelity].tell([replace(trial, candidate=plain)])
