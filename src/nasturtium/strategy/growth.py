"""How the networks of a space grow: the smallest of them, and those that are one size larger."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Protocol

import numpy as np

from nasturtium.architecture import Architecture
from nasturtium.errors import SpaceError
from nasturtium.space.decisions import exists
from nasturtium.space.space import Space


class Growth(Protocol):
    """Knows how the networks of a space grow. Sizes are counted from 1."""

    def size(self, architecture: Architecture) -> int:
        """Returns how large a network is."""
        ...

    def smallest(self) -> Iterator[Architecture]:
        """Yields all networks of size 1; there may be more than can be listed."""
        ...

    def sample(self, rng: np.random.Generator) -> Architecture:
        """Draws a network of size 1."""
        ...

    def grow(self, architecture: Architecture) -> Iterator[Architecture]:
        """Yields all networks that have this one in them and are one size larger."""
        ...


class SizeGrowth:
    """Grows by the decisions on which others depend: copies of a stage, blocks of a cell, an optional block.

    Such a decision counts as one of size when its options, in some order, have ever more decisions under
    them: with four copies exist those of three, and more. A network grows when one of these takes its next
    option; all settings of the decisions that come to exist are then possible. Where no decision is of size,
    as in a flat space, all networks have size 1 and none grows.

    Args:
        space: Of the networks.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self.ranks = {
            index: ranks for index in range(len(space.decisions)) if (ranks := _ranks(space, index))
        }

    def size(self, architecture: Architecture) -> int:
        """Returns 1 and how often the smallest network must grow to have these options."""
        here = self.space.active(architecture)
        return 1 + sum(
            ranks[architecture.choices[index]] for index, ranks in self.ranks.items() if here[index]
        )

    def smallest(self) -> Iterator[Architecture]:
        """Yields all networks whose decisions of size take their least option."""
        yield from self._filled([0] * len(self.space.decisions), 0, frozenset())

    def sample(self, rng: np.random.Generator) -> Architecture:
        """Draws each decision uniformly, those of size among their least options."""
        choices: list[int] = []
        for index, (decision, draw) in enumerate(
            zip(self.space.decisions, rng.random(len(self.space.decisions)).tolist(), strict=True)
        ):
            options = self._least(index)
            choices.append(options[int(draw * len(options))] if exists(decision.places, choices) else 0)
        return Architecture(self.space.fingerprint, tuple(choices))

    def grow(self, architecture: Architecture) -> Iterator[Architecture]:
        """Yields the networks in which one decision of size takes its next option."""
        here = self.space.active(architecture)
        kept = frozenset(index for index, active in enumerate(here) if active)
        for index, ranks in self.ranks.items():
            if not here[index]:
                continue
            for option, rank in enumerate(ranks):
                if rank == ranks[architecture.choices[index]] + 1:
                    choices = list(architecture.choices)
                    choices[index] = option
                    yield from self._filled(choices, 0, kept)

    def _least(self, index: int) -> list[int]:
        """All options of a decision; of one of size only the least."""
        ranks = self.ranks.get(index)
        options = range(len(self.space.decisions[index].labels))
        return [option for option in options if ranks is None or ranks[option] == 0]

    def _filled(self, choices: list[int], index: int, kept: frozenset[int]) -> Iterator[Architecture]:
        """Yields every setting of the decisions from `index` on that exist and are not kept as they are."""
        while index < len(choices) and (
            index in kept or not exists(self.space.decisions[index].places, choices)
        ):
            index += 1
        if index == len(choices):
            yield Architecture(self.space.fingerprint, tuple(choices))
            return
        for option in self._least(index):
            choices[index] = option
            yield from self._filled(choices, index + 1, kept)
        choices[index] = 0


class OpGrowth:
    """Grows by filling places of a cell: the size is the number of decisions that are not empty.

    Args:
        space: A flat space, such as NAS-Bench-201.
        empty: Label of the option that leaves a place empty; all decisions with such an option are places.

    Raises:
        SpaceError: No decision has that option, or some exist only beside others.
    """

    def __init__(self, space: Space, empty: str = "none") -> None:
        self.space = space
        self.places = {
            index: one.labels.index(empty) for index, one in enumerate(space.decisions) if empty in one.labels
        }
        if not self.places or not all(one.always for one in space.decisions):
            raise SpaceError(
                f"{space.name} cannot grow by filling places: its decisions must always exist, and some must "
                f"have an option {empty!r}"
            )

    def size(self, architecture: Architecture) -> int:
        """Returns how many places are filled."""
        return sum(architecture.choices[index] != empty for index, empty in self.places.items())

    def smallest(self) -> Iterator[Architecture]:
        """Yields all networks with one place filled."""
        base = [self.places.get(index, -1) for index in range(len(self.space.decisions))]
        for choices in _settings(base, [len(one.labels) for one in self.space.decisions]):
            yield from self.grow(Architecture(self.space.fingerprint, choices))

    def sample(self, rng: np.random.Generator) -> Architecture:
        """Draws a place and what fills it, and every decision that is not a place."""
        sizes = [len(one.labels) for one in self.space.decisions]
        choices = [
            int(draw * size) for draw, size in zip(rng.random(len(sizes)).tolist(), sizes, strict=True)
        ]
        filled = list(self.places)[int(rng.random() * len(self.places))]
        for index, empty in self.places.items():
            choices[index] = empty
        empty = self.places[filled]
        choices[filled] = (empty + 1 + int(rng.random() * (sizes[filled] - 1))) % sizes[filled]
        return Architecture(self.space.fingerprint, tuple(choices))

    def grow(self, architecture: Architecture) -> Iterator[Architecture]:
        """Yields the networks with one more place filled."""
        choices = architecture.choices
        for index, empty in self.places.items():
            if choices[index] == empty:
                for option in range(len(self.space.decisions[index].labels)):
                    if option != empty:
                        yield Architecture(
                            architecture.space, (*choices[:index], option, *choices[index + 1 :])
                        )


def _ranks(space: Space, index: int) -> tuple[int, ...]:
    """Per option of a decision how large it is, 0 for the least; empty where it is not a decision of size."""
    under: list[set[int]] = [set() for _ in space.decisions[index].labels]
    for other, decision in enumerate(space.decisions):
        asked = [dict(place).get(index) for place in decision.places]
        if any(one is not None for one in asked):
            if None in asked:  # it can exist without this decision too, and so come and go with it
                return ()
            for option in frozenset().union(*(one for one in asked if one is not None)):
                under[option].add(other)
    steps = sorted({frozenset(one) for one in under}, key=len)
    nested = all(small < large for small, large in pairwise(steps))
    return tuple(steps.index(frozenset(one)) for one in under) if len(steps) > 1 and nested else ()


def _settings(base: list[int], sizes: list[int]) -> Iterator[tuple[int, ...]]:
    """Yields every setting of the decisions that are -1 in `base`."""
    if -1 not in base:
        yield tuple(base)
        return
    index = base.index(-1)
    for option in range(sizes[index]):
        yield from _settings([*base[:index], option, *base[index + 1 :]], sizes)
