"""P-DARTS: stages of deeper supernets with fewer operations, and few skip connections in the end.

Chen, Xie, Wu and Tian 2019 (arXiv:1904.12760). The recipe that strings all together is in
`recipes/p_darts.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil, exp
from typing import Any

from nasturtium.architecture import Architecture, Mixture
from nasturtium.errors import ConfigError
from nasturtium.protocols import Strategy
from nasturtium.seeds import seed_for
from nasturtium.space.space import Space
from nasturtium.space.zoo.darts_stages import resized
from nasturtium.strategy.darts import DARTS
from nasturtium.strategy.derive import NEVER_MIXED, NONE, OFF, derived, edges_of
from nasturtium.strategy.succession import Succession

SKIP = "skip_connect"


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the search.

    Attributes:
        cells: Depth of its supernet.
        ops: Operations of each edge, of 8.
        skip_dropout: Share of values zeroed behind skips at the start, and again when the mixture begins to
            be learned; see `faded`.
    """

    cells: int
    ops: int
    skip_dropout: float

    def space(self, space: Space, epoch: int, epochs: int) -> Space:
        """Returns a space of 17 cells, or of others in proportion, as an epoch of this stage has it."""
        return resized(space, self.cells / STAGES[-1].cells, self.faded(epoch, epochs))

    def faded(self, epoch: int, epochs: int) -> float:
        """Returns the share of values zeroed behind skips in an epoch, the first of which is 0.

        Section 3.3, as the released code does it: by a line while the mixture is frozen, and then anew by
        exp(-0.2) in each of 25 epochs, or as far in fewer.
        """
        frozen = int(FROZEN * epochs)
        if epoch < frozen:
            return self.skip_dropout * (epochs - epoch - 1) / epochs
        return self.skip_dropout * exp(-FADING * (epoch - frozen) / epochs)


# Section 4.1.2 and the released command.
STAGES = (Stage(5, 8, 0.1), Stage(11, 5, 0.4), Stage(17, 3, 0.7))
FROZEN = 0.4  # of a stage, before the mixture is learned: 10 of 25 epochs
FADING = 5.0  # of skip dropout, in logarithms: 0.2 an epoch of 25


@dataclass(eq=False, kw_only=True)
class PDARTS(DARTS):
    """A stage of P-DARTS: DARTS, whose normal cell ends with few skip connections.

    The paper's: alpha lr 6e-4, decay 1e-3; the mixture stays as it is for the first 10 of 25 epochs.

    Args:
        skips: The most that the normal cell may have.

    The others are those of `Relaxed`.
    """

    skips: int = 2
    learning_rate: float = 6e-4

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.skips < 0:
            raise ConfigError(f"skips is {self.skips}; it must be 0 or more")

    def best(self, k: int) -> list[Architecture]:
        """Returns the architecture that the mixture stands for when skips are few; see `with_few_skips`."""
        return [with_few_skips(self.space, self.mixture(), self.skips)][:k] if self._told else []


def staged(space: Space, steps: int, *, seed: int = 0, skips: int = 2, **settings: Any) -> Strategy:
    """Returns the search in stages, each among the options that were strongest in the one before.

    Of 8 options of a decision 8, 5 and 3 are mixed, of others no fewer in proportion. Every stage begins with
    fresh numbers.

    Args:
        space: Of the mixtures.
        steps: Asks of each stage.
        seed: Of the first numbers.
        skips: The most skip connections that the normal cell may have.
        settings: Of `PDARTS`.
    """
    made = partial(PDARTS, space, skips=skips, warmup=int(FROZEN * steps), **settings)

    def stage(number: int, options: Sequence[Sequence[int]] | None) -> Strategy:
        search = made(seed=seed_for(seed, "p-darts", number))
        if options is not None:
            search.narrow(options)
        if number == len(STAGES) - 1:
            return search
        share = STAGES[number + 1].ops / STAGES[0].ops
        return Succession(search, steps, lambda: stage(number + 1, kept(space, search.mixture(), share)))

    return stage(0, None)


def kept(space: Space, mixture: Mixture, share: float) -> tuple[tuple[int, ...], ...]:
    """Returns the strongest options of every decision, no less than a share of them, in their order.

    ``none`` counts like any other. The weights of a node's edges are all kept: which edges stay is decided in
    the end. Options that are never mixed are left out.

    Args:
        space: Of the mixture.
        mixture: Weights, of which only the order counts.
        share: Of the options that can be mixed, above 0 and up to 1.

    Raises:
        ConfigError: The share is out of range.
    """
    if not 0 < share <= 1:
        raise ConfigError(f"a share of {share} of the options is to be kept; it must be above 0 and up to 1")
    rows = []
    for decision, row in zip(space.decisions, mixture.weights, strict=True):
        there = [i for i, label in enumerate(decision.labels) if label not in NEVER_MIXED]
        count = len(there) if decision.path.endswith(".edges") else ceil(share * len(there) - 1e-9)
        rows.append(tuple(sorted(sorted(there, key=row.__getitem__, reverse=True)[:count])))
    return tuple(rows)


def with_few_skips(space: Space, mixture: Mixture, most: int = 2, *, cell: str = "normal") -> Architecture:
    """Returns what is derived when a cell may have at most so many skip connections.

    While it has more, the weakest of them is taken out of the mixture, and the cell derived again (section
    3.3).
    """
    rows = [list(row) for row in mixture.weights]
    edges = {edge.decision for one in edges_of(space).values() for edge in one}
    within = [i for i in sorted(edges) if space.decisions[i].path.startswith(f"{cell}.")]
    while True:
        now = Mixture(mixture.space, tuple(tuple(row) for row in rows))
        architecture = derived(space, now)
        skips = [i for i in within if space.decisions[i].labels[architecture.choices[i]] == SKIP]
        others = [i for i in skips if set(space.decisions[i].labels) - {SKIP, NONE, OFF}]
        if len(skips) <= most or not others:  # an edge that has nothing else keeps its skip
            return architecture
        weakest = min(others, key=lambda i: rows[i][space.decisions[i].labels.index(SKIP)])
        rows[weakest][
            space.decisions[weakest].labels.index(SKIP)
        ] = -1.0  # below what an earlier stage dropped
