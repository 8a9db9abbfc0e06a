"""Progressive shrinking: networks are trained from the largest on, a dimension opened after another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.protocols import Candidate, Trial
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space
from nasturtium.strategy.derive import settled
from nasturtium.strategy.sandwich import extremes

Cost = Callable[[Architecture], float]


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the training, from which on more is open.

    Attributes:
        share: Of all steps.
        opens: Kinds of decisions that open, by the last word of their paths, such as ``kernel``; empty is
            whatever was not opened before.
        options: How many of their options, the ones next to the largest network's first; None is all.
    """

    share: float
    opens: tuple[str, ...]
    options: int | None = None


# OFA's epochs after the largest network is trained: 125, 25, 125, 25 and 125 (Cai et al. 2020, appendix).
PHASES = (
    Phase(125 / 425, ("kernel", "side")),
    Phase(25 / 425, ("times",), 2),
    Phase(125 / 425, ("times",)),
    Phase(25 / 425, (), 2),
    Phase(125 / 425, ()),
)


class ProgressiveShrinking:
    """Draws networks uniformly from what is open: kernels and resolutions, then depths, then widths.

    Cai et al. 2020 (Once-for-all, arXiv:1908.09791), section 3.3 and appendix B. What is not open yet is as
    in the largest network, which is trained alone first and then teaches the others (`Distillation`).

    Args:
        space: Of the networks.
        cost: Of a network: what large means.
        steps: Of all phases.
        seed: Of the draws.
        objectives: Not used.
        alone: Steps before them, each of the largest network and of nothing else.
        paths: Networks of a step of the phases.
        phases: In order; what they leave closed opens never.

    Raises:
        ConfigError: Fewer than a path or a step, or no phase.
    """

    def __init__(
        self,
        space: Space,
        cost: Cost,
        steps: int,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        alone: int = 0,
        paths: int = 4,
        phases: Sequence[Phase] = PHASES,
    ) -> None:
        if min(steps, paths, len(phases)) < 1:
            raise ConfigError(
                f"{steps} steps of {paths} paths in {len(phases)} phases; each must be 1 or more"
            )
        self.space, self.seed, self.steps, self.alone, self.paths = space, seed, steps, alone, paths
        self.phases = tuple(phases)
        self.largest = extremes(space, cost)[1]
        self._asked = 0

    def ask(self, n: int) -> list[Candidate]:
        """Returns `n` networks."""
        first, self._asked = self._asked, self._asked + n
        return [Candidate(self._drawn(number)) for number in range(first, self._asked)]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Learns nothing."""

    def best(self, k: int) -> list[Architecture]:
        """Returns nothing: which network is best is found by another search, with the trained weights."""
        return []

    def open_at(self, step: int) -> tuple[tuple[int, ...], ...]:
        """Returns the options of every decision that may be drawn at a step."""
        found: list[tuple[int, ...]] = [(choice,) for choice in self.largest.choices]
        done = 0.0
        for phase in self.phases:
            if phase is not self.phases[0] and step < done * self.steps:
                break
            for index, decision in enumerate(self.space.decisions):
                kind = decision.path.rpartition(".")[2]
                if kind in phase.opens or not phase.opens:
                    found[index] = max(found[index], self._nearest(index, phase.options), key=len)
            done += phase.share
        return tuple(found)

    def _nearest(self, index: int, count: int | None) -> tuple[int, ...]:
        largest, options = self.largest.choices[index], range(len(self.space.decisions[index].labels))
        return tuple(sorted(options, key=lambda option: abs(option - largest))[:count])

    def _drawn(self, number: int) -> Architecture:
        if number < self.alone:
            return self.largest
        rng = rng_for(self.seed, "progressive shrinking", number)
        step = (number - self.alone) // self.paths
        choices = [options[int(rng.random() * len(options))] for options in self.open_at(step)]
        return settled(self.space, choices)
