"""A tree of blocks with choices becomes an ordered list of decisions with conditions, and a plan that takes them.

A decision exists in an architecture when one of its places does: a place is a conjunction of options taken further up
(this option of that choice, at least three copies of that stage). Decisions come after those that they depend on.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, TypeAlias, TypeVar

from nasturtium.errors import SpaceError
from nasturtium.space.blocks import Block, Identity, Repeat, Sequence, child_names, first_stride
from nasturtium.space.choice import Choice, Expression

Literal: TypeAlias = tuple[int, frozenset[int]]  # a decision, and the options of it that satisfy
Place: TypeAlias = tuple[Literal, ...]  # all of them must hold


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision of a space.

    Attributes:
        path: Its name, for example ``stage2.block1.kernel``.
        labels: What its options are called, in order.
        options: The options themselves: numbers, strings or blocks.
        places: Where it is used; it exists when every literal (decision, options taken) of any one place holds.
            An empty place always holds.
    """

    path: str
    labels: tuple[str, ...]
    options: tuple[Any, ...]
    places: tuple[Place, ...]

    @property
    def always(self) -> bool:
        """Whether it exists in every architecture."""
        return any(not place for place in self.places)


@dataclass(slots=True)
class Plan:
    """A part of the tree with its decisions numbered.

    Attributes:
        path: Dotted path.
        decisions: Numbers of all the decisions inside, ascending.
    """

    path: str
    decisions: tuple[int, ...] = ()

    def take(self, choices: tuple[int, ...]) -> Any:
        """Returns the part with its choices taken: a block, or a field's value."""
        raise NotImplementedError

    def parts(self) -> tuple[Plan, ...]:
        """Returns the plans directly inside."""
        return ()

    def renumber(self, order: dict[int, int]) -> None:
        """Gives decisions new numbers, here and inside."""
        self.decisions = tuple(sorted(order[index] for index in self.decisions))
        for part in self.parts():
            part.renumber(order)


@dataclass(slots=True)
class Constant(Plan):
    """A value without choices."""

    value: Any = None

    def take(self, choices: tuple[int, ...]) -> Any:
        """Returns the value."""
        return self.value


@dataclass(slots=True)
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

    def renumber(self, order: dict[int, int]) -> None:
        """Gives decisions new numbers."""
        self.index = order[self.index]
        Plan.renumber(self, order)


@dataclass(slots=True)
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

    def renumber(self, order: dict[int, int]) -> None:
        """Gives decisions new numbers."""
        self.indices = {key: order[index] for key, index in self.indices.items()}
        Plan.renumber(self, order)


@dataclass(slots=True)
class Built(Plan):
    """A block, or a tuple, whose fields hold plans."""

    make: Callable[[tuple[Any, ...]], Any] = tuple
    values: tuple[Plan, ...] = ()

    def take(self, choices: tuple[int, ...]) -> Any:
        """Returns the block with its fields filled."""
        return self.make(tuple(value.take(choices) for value in self.values))

    def parts(self) -> tuple[Plan, ...]:
        """Returns the fields."""
        return self.values


@dataclass(slots=True)
class Chain(Plan):
    """Blocks one after another; a repeat has a plan for how many of them exist."""

    names: tuple[str, ...] = ()
    children: tuple[Plan, ...] = ()
    times: Plan | None = None

    def take(self, choices: tuple[int, ...]) -> Sequence:
        """Returns the sequence of those that exist."""
        names, children = self.existing(choices)
        return Sequence(tuple(child.take(choices) for child in children), names)

    def existing(self, choices: tuple[int, ...]) -> tuple[tuple[str, ...], tuple[Plan, ...]]:
        """Returns names and plans of the blocks that exist."""
        if self.times is None:
            return self.names, self.children
        count = self.times.take(choices)
        return self.names[:count], self.children[:count]

    def parts(self) -> tuple[Plan, ...]:
        """Returns the blocks, and the number of them."""
        return self.children if self.times is None else (self.times, *self.children)


@dataclass(frozen=True, slots=True)
class Compiled:
    """What `compile_tree` returns: the decisions in order, and the plan that takes them."""

    decisions: tuple[Decision, ...]
    plan: Chain


def compile_tree(tree: Sequence) -> Compiled:
    """Numbers the decisions of a tree of blocks.

    Raises:
        SpaceError: Two choices of one name, a value that is no block where one is needed, or choices that depend on
            each other in a circle.
    """
    scopes: dict[int, tuple[int, ...]] = {}
    _find_scopes(tree, (), scopes)
    compiler = _Compiler(scopes)
    plan = compiler.visit(tree, "", (), ((),))
    assert isinstance(plan, Chain)
    return _in_order(compiler.decisions, plan)


def _find_scopes(value: Any, chain: tuple[int, ...], scopes: dict[int, tuple[int, ...]]) -> None:
    """Notes, per choice, the innermost repeat around all of its uses: its copies share what is used outside them."""
    if isinstance(value, Expression):
        for one in value.choices():
            known = scopes.get(id(one), chain)
            common = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(known, chain, strict=False))
            scopes[id(one)] = () if one.name else tuple(left for left, _ in common)
            for option in one.options:
                _find_scopes(option, chain, scopes)
    elif isinstance(value, Repeat):
        _find_scopes(value.times, chain, scopes)
        _find_scopes(value.block, (*chain, id(value)), scopes)
    elif is_dataclass(value) and isinstance(value, Block):
        for one_field in fields(value):
            _find_scopes(getattr(value, one_field.name), chain, scopes)
    elif isinstance(value, tuple):
        for part in value:
            _find_scopes(part, chain, scopes)


@dataclass(slots=True)
class _Draft:
    choice: Choice
    path: str
    places: list[Place] = field(default_factory=list)


@dataclass(slots=True)
class _Compiler:
    scopes: dict[int, tuple[int, ...]]
    decisions: list[_Draft] = field(default_factory=list)
    bound: dict[tuple[int, tuple[tuple[int, int], ...]], int] = field(default_factory=dict)
    paths: dict[str, Choice] = field(default_factory=dict)

    def visit(
        self,
        value: Any,
        path: str,
        copies: tuple[tuple[int, int], ...],
        places: tuple[Place, ...],
        stride: int | None = None,
    ) -> Plan:
        """Returns the plan of a value found at `path`, inside `copies` of repeats, existing at `places`."""
        if isinstance(value, Choice):
            return self._choice(value, path, copies, places, stride)
        if isinstance(value, Expression):
            return self._expression(value, path, copies, places)
        if isinstance(value, Repeat):
            return self._repeat(value, path, copies, places, stride)
        if stride is not None and isinstance(value, Block):
            value = first_stride(value, stride)
        if isinstance(value, Sequence):
            return self._sequence(value, path, copies, places)
        if isinstance(value, Block):
            return self._block(value, path, copies, places)
        if isinstance(value, tuple):
            parts = [self.visit(part, f"{path}{i}", copies, places) for i, part in enumerate(value)]
            return _joined(Built(path, make=tuple, values=tuple(parts)))
        if isinstance(value, type) or callable(value):
            raise SpaceError(
                f"{path}: {value!r} is not a block or a value; did you forget to call it, as in conv(16)?"
            )
        return Constant(path, value=value)

    def _choice(
        self,
        one: Choice,
        path: str,
        copies: tuple[tuple[int, int], ...],
        places: tuple[Place, ...],
        stride: int | None,
    ) -> Plan:
        index = self._bind(one, path, copies, places)
        labels = option_labels(one)
        options = []
        for i, option in enumerate(one.options):
            inside = tuple((*place, (index, frozenset([i]))) for place in places)
            options.append(
                self.visit(option, f"{self.decisions[index].path}.{labels[i]}", copies, inside, stride)
            )
        return _joined(Chosen(path, index=index, options=tuple(options)), index)

    def _expression(
        self, value: Expression, path: str, copies: tuple[tuple[int, int], ...], places: tuple[Place, ...]
    ) -> Plan:
        indices = {}
        options = {}
        for one in value.choices():
            if any(isinstance(option, Block | Expression) for option in one.options):
                raise SpaceError(
                    f"{path}: {value!r} calculates with {one!r}, whose options are not all numbers"
                )
            indices[id(one)] = self._bind(one, path, copies, places)
            options[id(one)] = one.options
        return _joined(Computed(path, expression=value, indices=indices, options=options), *indices.values())

    def _repeat(
        self,
        value: Repeat,
        path: str,
        copies: tuple[tuple[int, int], ...],
        places: tuple[Place, ...],
        stride: int | None,
    ) -> Plan:
        times = self.visit(value.times, f"{path}.times" if path else "times", copies, places)
        cases = self._cases(times)
        for number, _ in cases:
            if isinstance(number, bool) or not isinstance(number, int) or number < 0:
                raise SpaceError(f"{path}: repeat(times={number!r}); it must be a whole number, 0 or more")
        first = stride if stride is not None else value.stride
        rest = 1 if first is not None else None
        children = []
        for copy in range(max(number for number, _ in cases)):
            inside = _and(places, [literals for number, literals in cases if number > copy], len(cases))
            name = f"{path}.block{copy + 1}" if path else f"block{copy + 1}"
            nested = (*copies, (id(value), copy))
            children.append(self.visit(value.block, name, nested, inside, first if copy == 0 else rest))
        names = tuple(f"block{copy + 1}" for copy in range(len(children)))
        return _joined(Chain(path, names=names, children=tuple(children), times=times))

    def _sequence(
        self, value: Sequence, path: str, copies: tuple[tuple[int, int], ...], places: tuple[Place, ...]
    ) -> Plan:
        names = child_names(value)
        children = []
        for name, block in zip(names, value.blocks, strict=True):
            if not isinstance(block, Block | Choice):
                raise SpaceError(
                    f"{path or 'space'}: {block!r} is not a block; blocks are made by conv(...), repeat(...), choice(...)"
                )
            children.append(self.visit(block, f"{path}.{name}" if path else name, copies, places))
        return _joined(Chain(path, names=names, children=tuple(children)))

    def _block(
        self, value: Block, path: str, copies: tuple[tuple[int, int], ...], places: tuple[Place, ...]
    ) -> Plan:
        values = [
            self.visit(getattr(value, one.name), f"{path}.{one.name}", copies, places)
            for one in fields(value)
            if one.init
        ]
        if all(isinstance(part, Constant) for part in values):
            return Constant(path, value=value)
        kind = type(value)
        return _joined(Built(path, make=lambda filled: kind(*filled), values=tuple(values)))

    def _bind(
        self, one: Choice, path: str, copies: tuple[tuple[int, int], ...], places: tuple[Place, ...]
    ) -> int:
        depth = len(self.scopes[id(one)])
        key = (id(one), copies[:depth])
        if key not in self.bound:
            name = one.name or path
            if name in self.paths:
                raise SpaceError(
                    f"two different choices are called {name!r}: {self.paths[name]!r} and {one!r}; "
                    "use one object in both places to share a decision, or give them different names"
                )
            self.paths[name] = one
            self.bound[key] = len(self.decisions)
            self.decisions.append(_Draft(one, name))
        index = self.bound[key]
        draft = self.decisions[index]
        if () in places or () in draft.places:
            draft.places = [()]  # it exists in every architecture, whatever its other places ask for
        else:
            draft.places.extend(place for place in places if place not in draft.places)
        return index

    def _cases(self, times: Plan) -> list[tuple[Any, Place]]:
        """Every value that `times` can have, with the options that give it."""
        if isinstance(times, Constant):
            return [(times.value, ())]
        counts = [len(self.decisions[index].choice.options) for index in times.decisions]
        cases = []
        for taken in itertools.product(*map(range, counts)):
            choices = [0] * len(self.decisions)
            for index, option in zip(times.decisions, taken, strict=True):
                choices[index] = option
            literals = tuple((i, frozenset([o])) for i, o in zip(times.decisions, taken, strict=True))
            cases.append((times.take(tuple(choices)), literals))
        return cases


def option_labels(one: Choice) -> tuple[str, ...]:
    """Returns what the options of a choice are called: as short as they differ, without spaces."""
    if one.labels is not None:
        return one.labels
    short = [option.kind() if isinstance(option, Block) else str(option) for option in one.options]
    if len(set(short)) < len(short):
        short = [
            option.label if isinstance(option, Block) and not isinstance(option, Identity) else text
            for option, text in zip(one.options, short, strict=True)
        ]
    if len(set(short)) < len(short):
        short = [f"{text}#{i}" for i, text in enumerate(short)]
    return tuple("_".join(text.replace("=", ":").split()) for text in short)


def _and(places: tuple[Place, ...], cases: list[Place], total: int) -> tuple[Place, ...]:
    """Joins places with the cases under which a copy exists, as one literal where one decision is concerned."""
    if len(cases) == total:
        return places
    decisions = {index for case in cases for index, _ in case}
    if len(decisions) == 1:
        merged = (
            decisions.pop(),
            frozenset(option for case in cases for _, options in case for option in options),
        )
        return tuple((*place, merged) for place in places)
    return tuple((*place, *case) for place in places for case in cases)


AnyPlan = TypeVar("AnyPlan", bound=Plan)


def _joined(plan: AnyPlan, *own: int) -> AnyPlan:
    plan.decisions = tuple(sorted({*own, *(i for part in plan.parts() for i in part.decisions)}))
    return plan


def _in_order(drafts: list[_Draft], plan: Chain) -> Compiled:
    """Sorts the decisions so that each comes after those that it depends on, as near to the reading order as can be."""
    waits = [{index for place in draft.places for index, _ in place} for draft in drafts]
    done: list[int] = []
    placed: set[int] = set()
    while len(done) < len(drafts):
        ready = next((i for i in range(len(drafts)) if i not in placed and waits[i] <= placed), None)
        if ready is None:
            circle = ", ".join(drafts[i].path for i in range(len(drafts)) if i not in placed)
            raise SpaceError(f"these choices depend on each other in a circle: {circle}")
        done.append(ready)
        placed.add(ready)
    order = {old: new for new, old in enumerate(done)}
    plan.renumber(order)
    decisions = tuple(
        Decision(
            drafts[old].path,
            option_labels(drafts[old].choice),
            drafts[old].choice.options,
            tuple(tuple((order[i], options) for i, options in place) for place in drafts[old].places),
        )
        for old in done
    )
    return Compiled(decisions, plan)
