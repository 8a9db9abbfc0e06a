"""P-DARTS: stages of deeper supernets with fewer operations, and few skip connections in the end.

Chen, Xie, Wu and Tian 2019 (arXiv:1904.12760). Each stage is a search by `DARTS` (alpha lr 6e-4, warm-up of
10 of 25 epochs; batch 96, weights lr 0.025 to 0) of a space and supernet of its own; `kept` narrows the
operations of the next. The recipe that strings them together is in `recipes/`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from nasturtium.architecture import Architecture, Mixture
from nasturtium.errors import ConfigError
from nasturtium.space.space import Space
from nasturtium.strategy.derive import NONE, OFF, derived, edges_of

SKIP = "skip_connect"


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the search.

    Attributes:
        cells: Depth of its supernet.
        ops: Operations of each edge.
        skip_dropout: Share of values zeroed behind skips.
    """

    cells: int
    ops: int
    skip_dropout: float


# Section 4.1.2 and the released command. Differs: the dropout of a stage stays; the paper's falls within it.
STAGES = (Stage(5, 8, 0.1), Stage(11, 5, 0.4), Stage(17, 3, 0.7))


def kept(space: Space, mixture: Mixture, count: int) -> Mapping[str, tuple[str, ...]]:
    """Returns the `count` strongest operations of every edge, by its path, in the order of the space.

    ``none`` counts like any other: `darts_search_of` gives an edge without it the option ``off`` instead.

    Raises:
        ConfigError: An edge has fewer.
    """
    found = {}
    for incoming in edges_of(space).values():
        for edge in incoming:
            decision, row = space.decisions[edge.decision], mixture.weights[edge.decision]
            there = [i for i, label in enumerate(decision.labels) if label != OFF]
            if not 1 <= count <= len(there):
                raise ConfigError(
                    f"{count} operations of {decision.path} are to be kept; it has {len(there)}"
                )
            strongest = sorted(there, key=row.__getitem__, reverse=True)[:count]
            found[decision.path] = tuple(decision.labels[i] for i in sorted(strongest))
    return found


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
        rows[weakest][space.decisions[weakest].labels.index(SKIP)] = 0.0
