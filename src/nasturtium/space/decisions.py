"""Decisions, and the conditions under which they exist.

A decision exists in an architecture when one of its places does: a place is a conjunction of options taken
further up (this option of that choice, at least three copies of that stage). Decisions come after those they
depend on.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, TypeAlias

Literal: TypeAlias = tuple[int, frozenset[int]]  # a decision, and the options of it that satisfy
Place: TypeAlias = tuple[Literal, ...]  # all of them must hold

LARGEST_CACHE = 10_000


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision of a space.

    Attributes:
        path: Its name, for example ``stage2.block1.kernel``.
        labels: What its options are called, in order.
        options: The options themselves: numbers, strings or blocks.
        places: Where it is used; it exists when every literal (decision, options that satisfy) of any one
            place holds. An empty place always holds.
    """

    path: str
    labels: tuple[str, ...]
    options: tuple[Any, ...]
    places: tuple[Place, ...]

    @property
    def always(self) -> bool:
        """Whether it exists in every architecture."""
        return () in self.places

    @property
    def ordered(self) -> bool:
        """Whether the options are numbers, three or more, that only rise or only fall."""
        numbers = [o for o in self.options if isinstance(o, int | float) and not isinstance(o, bool)]
        if len(numbers) < len(self.options) or len(numbers) < 3:
            return False
        rises = [later > earlier for earlier, later in itertools.pairwise(numbers)]
        falls = [later < earlier for earlier, later in itertools.pairwise(numbers)]
        return all(rises) or all(falls)


def exists(places: tuple[Place, ...], choices: Sequence[int]) -> bool:
    """Whether one of the places exists, given the options taken before (0 where there is no decision)."""
    return any(all(choices[index] in options for index, options in place) for place in places)


def reader(indices: Sequence[int]) -> Callable[[Sequence[int]], Hashable]:
    """Returns the fastest function that picks those choices out of all of them, to look something up by."""
    return itemgetter(*indices) if indices else lambda _: ()


def as_one(cases: list[Place]) -> list[Place]:
    """Writes cases that concern one decision as one literal."""
    if {len(case) for case in cases} != {1}:
        return cases
    index = cases[0][0][0]
    return [((index, frozenset(option for (_, options), *_ in cases for option in options)),)]


def met(places: Iterable[Place], cases: list[Place]) -> tuple[Place, ...]:
    """Returns the places at which a case holds too, those left out that contradict themselves."""
    found = []
    for place, case in itertools.product(places, cases):
        both = dict(place)
        for index, options in case:
            both[index] = both[index] & options if index in both else options
        if all(both.values()):
            found.append(tuple(sorted(both.items(), key=lambda literal: literal[0])))
    return weakest(found)


def weakest(places: list[Place]) -> tuple[Place, ...]:
    """Leaves out the places that imply another one: only the weakest conditions matter."""
    kept: list[Place] = []
    for place in sorted(dict.fromkeys(places), key=len):
        taken = dict(place)
        if not any(all(i in taken and taken[i] <= options for i, options in other) for other in kept):
            kept.append(place)
    return tuple(kept)


@dataclass(frozen=True, slots=True)
class Pattern:
    """Which decisions exist together.

    Attributes:
        active: Per decision, whether it exists.
        absent: Numbers of those that do not.
        free: Numbers of those that do and have more than one option.
    """

    active: tuple[bool, ...]
    absent: tuple[int, ...]
    free: tuple[int, ...]


class Conditions:
    """The conditions of all decisions, grouped where equal, and the patterns met so far.

    Which decisions exist follows from the few that conditions ask about, so a pattern is found by those
    alone.
    """

    def __init__(self, decisions: tuple[Decision, ...]) -> None:
        self.sizes = tuple(len(decision.labels) for decision in decisions)
        groups: dict[tuple[Place, ...], list[int]] = {}
        for i, decision in enumerate(decisions):
            if not decision.always:
                groups.setdefault(decision.places, []).append(i)
        # A group stands where its first member does: all that its places ask about comes before that.
        self._groups = tuple((places, tuple(members)) for places, members in groups.items())
        self.asked = frozenset(index for places, _ in self._groups for place in places for index, _ in place)
        self._key = reader(sorted(self.asked))
        self._patterns: dict[Hashable, Pattern] = {}

    def pattern(self, choices: Sequence[int]) -> Pattern:
        """Returns which decisions exist; choices of decisions that do not are ignored."""
        key = self._key(choices)
        found = self._patterns.get(key)
        if found is None:
            if len(self._patterns) >= LARGEST_CACHE:
                self._patterns.clear()
            found = self._patterns[key] = self._make(list(choices))
        return found

    def settle(self, choices: list[int]) -> tuple[int, ...]:
        """Returns the choices with those of decisions that do not exist set to 0."""
        for index in self.pattern(choices).absent:
            choices[index] = 0
        return tuple(choices)

    def _make(self, choices: list[int]) -> Pattern:
        active = [True] * len(choices)
        for places, members in self._groups:
            if not exists(places, choices):
                for index in members:
                    active[index] = False
                    choices[index] = 0
        absent = tuple(i for i, here in enumerate(active) if not here)
        free = tuple(i for i, here in enumerate(active) if here and self.sizes[i] > 1)
        return Pattern(tuple(active), absent, free)
