"""The tree of blocks with its decisions numbered: given the options taken, it gives the blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from nasturtium.space.block import Sequence
from nasturtium.space.choice import Expression


@dataclass(slots=True, eq=False)
class Plan:
    """A part of the tree.

    Attributes:
        path: Dotted path of its layers, for example ``stage1.block2``.
        decisions: Numbers of all the decisions inside, ascending.
        key: Like `path`, with the options taken on the way, ``stage1.block2.se``: names its weights.
    """

    path: str
    decisions: tuple[int, ...] = ()
    key: str = field(default="", kw_only=True)

    def take(self, choices: tuple[int, ...]) -> Any:
        """Returns the part with its choices taken: a block, or a field's value."""
        raise NotImplementedError

    def parts(self) -> tuple[Plan, ...]:
        """Returns the plans directly inside."""
        return ()

    def own(self) -> tuple[int, ...]:
        """Returns the decisions that it takes itself, outside its parts."""
        return ()

    def renumber(self, order: dict[int, int]) -> None:
        """Gives decisions new numbers, here and inside."""
        self.decisions = tuple(sorted(order[index] for index in self.decisions))
        for part in self.parts():
            part.renumber(order)

    def gather(self) -> None:
        """Fills in `decisions` from the plan itself and its parts, which have theirs already."""
        self.decisions = tuple(sorted({*self.own(), *(i for part in self.parts() for i in part.decisions)}))


@dataclass(slots=True, eq=False)
class Constant(Plan):
    """A value without choices."""

    value: Any = None

    def take(self, choices: tuple[int, ...]) -> Any:
        """Returns the value."""
        return self.value


@dataclass(slots=True, eq=False)
class Chosen(Plan):
    """A choice: one decision, and a plan for each option."""

    index: int = 0
    options: tuple[Plan, ...] = ()

    def take(self, choices: tuple[int, ...]) -> Any:
        """Returns what the option taken gives."""
        return self.options[choices[self.index]].take(choices)

    def parts(self) -> tuple[Plan, ...]:
        """Returns the options."""
        return self.options

    def own(self) -> tuple[int, ...]:
        """Returns the one decision."""
        return (self.index,)

    def renumber(self, order: dict[int, int]) -> None:
        """Gives decisions new numbers."""
        self.index = order[self.index]
        Plan.renumber(self, order)


@dataclass(slots=True, eq=False)
class Computed(Plan):
    """An arithmetic expression of choices."""

    expression: Expression | None = None
    indices: dict[int, int] = field(default_factory=dict)  # id(choice) -> decision
    options: dict[int, tuple[Any, ...]] = field(default_factory=dict)  # id(choice) -> its options

    def take(self, choices: tuple[int, ...]) -> Any:
        """Returns the number; a whole float becomes an integer, since widths are integers."""
        assert self.expression is not None
        value = self.expression.value({key: self.options[key][choices[i]] for key, i in self.indices.items()})
        return int(value) if isinstance(value, float) and value.is_integer() else value

    def own(self) -> tuple[int, ...]:
        """Returns the decisions that it calculates with."""
        return tuple(self.indices.values())

    def renumber(self, order: dict[int, int]) -> None:
        """Gives decisions new numbers."""
        self.indices = {key: order[index] for key, index in self.indices.items()}
        Plan.renumber(self, order)


@dataclass(slots=True, eq=False)
class Built(Plan):
    """A block, or a tuple, whose fields hold plans."""

    kind: type = tuple
    names: tuple[str, ...] = ()  # of the fields; a tuple has none
    values: tuple[Plan, ...] = ()

    def take(self, choices: tuple[int, ...]) -> Any:
        """Returns the block with its fields filled."""
        values = tuple(value.take(choices) for value in self.values)
        return self.kind(**dict(zip(self.names, values, strict=True))) if self.names else values

    def parts(self) -> tuple[Plan, ...]:
        """Returns the fields."""
        return self.values


@dataclass(slots=True, eq=False)
class Chain(Plan):
    """Blocks one after another; a repeat has a plan for how many of them exist."""

    names: tuple[str, ...] = ()
    children: tuple[Plan, ...] = ()
    times: Plan | None = None

    def take(self, choices: tuple[int, ...]) -> Sequence:
        """Returns the sequence of those that exist."""
        children = self.existing(choices)
        return Sequence(tuple(child.take(choices) for child in children), self.names[: len(children)])

    def existing(self, choices: tuple[int, ...]) -> tuple[Plan, ...]:
        """Returns the plans of the blocks that exist."""
        return self.children if self.times is None else self.children[: self.times.take(choices)]

    def parts(self) -> tuple[Plan, ...]:
        """Returns the blocks, and the number of them."""
        return self.children if self.times is None else (self.times, *self.children)


def leaves(plan: Plan, choices: tuple[int, ...]) -> Iterator[Plan]:
    """Yields the plans of the blocks that exist, in order, seen through sequences and repeats."""
    if isinstance(plan, Chain):
        for child in plan.existing(choices):
            yield from leaves(child, choices)
    elif _chosen_chain(plan):
        yield from leaves(plan.options[choices[plan.index]], choices)
    else:
        yield plan


def structure(plan: Plan) -> frozenset[int]:
    """Returns the decisions on which `leaves` depends."""
    if isinstance(plan, Chain):
        times = plan.times.decisions if plan.times is not None else ()
        return frozenset(times).union(*map(structure, plan.children))
    if _chosen_chain(plan):
        return frozenset([plan.index]).union(*map(structure, plan.options))
    return frozenset()


def _chosen_chain(plan: Plan) -> TypeGuard[Chosen]:
    return isinstance(plan, Chosen) and any(
        isinstance(option, Chain) or _chosen_chain(option) for option in plan.options
    )
