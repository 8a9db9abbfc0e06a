"""How many architectures a space has, and which number each of them is.

Decisions are taken in order; how many ways there are to finish depends only on those earlier decisions that a
later condition still asks about. Counting from the back (dynamic programming over those) needs no
enumeration.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from nasturtium.errors import SpaceError
from nasturtium.space.decisions import Decision, exists

State: TypeAlias = tuple[int, ...]

LARGEST_LEVEL = 50_000


@dataclass(frozen=True, slots=True)
class Census:
    """Ways to finish, per decision and state.

    Attributes:
        live: Per decision number i (and one past the last), which decisions before i are still asked about.
        ways: Per decision number, from the options taken by the live ones to the number of ways to finish.
    """

    decisions: tuple[Decision, ...]
    live: tuple[tuple[int, ...], ...]
    ways: tuple[dict[State, int], ...]

    @property
    def total(self) -> int:
        """Number of architectures."""
        return self.ways[0][()]

    def rank(self, choices: tuple[int, ...]) -> int:
        """Number of an architecture in lexicographic order of its choices."""
        number = 0
        for i, decision in enumerate(self.decisions):
            if exists(decision.places, choices):
                number += sum(self._after(i, choices, option) for option in range(choices[i]))
        return number

    def unrank(self, number: int) -> tuple[int, ...]:
        """Choices of the architecture with that number."""
        choices = [0] * len(self.decisions)
        for i, decision in enumerate(self.decisions):
            if not exists(decision.places, choices):
                continue
            for option in range(len(decision.labels)):
                below = self._after(i, choices, option)
                if number < below:
                    choices[i] = option
                    break
                number -= below
        return tuple(choices)

    def _after(self, i: int, choices: Sequence[int], option: int) -> int:
        return self.ways[i + 1][tuple(option if index == i else choices[index] for index in self.live[i + 1])]


def take_census(decisions: tuple[Decision, ...]) -> Census:
    """Counts the ways to finish from every state that can be reached.

    Raises:
        SpaceError: So many early decisions are asked about by later ones that the states cannot be listed.
    """
    live = _live(decisions)
    levels: list[dict[State, dict[State, int]]] = []
    states: set[State] = {()}
    for i, decision in enumerate(decisions):
        moves: dict[State, dict[State, int]] = {}
        for state in states:
            known = dict(zip(live[i], state, strict=True))
            lookup = _Lookup(known)
            options = range(len(decision.labels)) if exists(decision.places, lookup) else range(1)
            after: dict[State, int] = {}
            for option in options:
                known[i] = option
                following = tuple(known[index] for index in live[i + 1])
                after[following] = after.get(following, 0) + 1
            moves[state] = after
        levels.append(moves)
        states = {following for after in moves.values() for following in after}
        if len(states) > LARGEST_LEVEL:
            raise SpaceError(
                f"the space cannot be counted: over {LARGEST_LEVEL} combinations of the choices "
                f"before {decision.path} matter to those after it; use fewer choices that others depend on"
            )
    ways: list[dict[State, int]] = [dict.fromkeys(states, 1)]
    for moves in reversed(levels):
        later = ways[-1]
        ways.append(
            {state: sum(times * later[s] for s, times in after.items()) for state, after in moves.items()}
        )
    return Census(decisions, live, tuple(reversed(ways)))


class _Lookup(Sequence[int]):
    """The options taken by the live decisions, read by decision number as from a list of all."""

    def __init__(self, known: dict[int, int]) -> None:
        self.known = known

    def __getitem__(self, index: int) -> int:  # type: ignore[override]
        return self.known[index]

    def __len__(self) -> int:
        return len(self.known)


def _live(decisions: tuple[Decision, ...]) -> tuple[tuple[int, ...], ...]:
    last_use = {
        index: i for i, decision in enumerate(decisions) for place in decision.places for index, _ in place
    }
    return tuple(
        tuple(index for index in range(i) if last_use.get(index, -1) >= i) for i in range(len(decisions) + 1)
    )
