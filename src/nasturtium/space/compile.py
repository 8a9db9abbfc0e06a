"""A tree of blocks with choices becomes an ordered list of decisions, and a plan that takes them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, fields, replace
from typing import Any, NoReturn

from nasturtium.errors import SpaceError
from nasturtium.space.block import Block, Repeat, Sequence, child_names, with_stride
from nasturtium.space.choice import Choice, Expression
from nasturtium.space.decisions import Decision, Literal, Place, as_one, met, weakest
from nasturtium.space.plan import Built, Chain, Chosen, Computed, Constant, Plan
from nasturtium.space.settings import Settings
from nasturtium.space.text import option_labels, spelled

LARGEST_CASES = 4096


@dataclass(frozen=True, slots=True)
class Compiled:
    """What `compile_tree` returns: the decisions in order, and the plan that takes them."""

    decisions: tuple[Decision, ...]
    plan: Chain


def compile_tree(tree: Sequence) -> Compiled:
    """Numbers the decisions of a tree of blocks.

    Raises:
        SpaceError: Two choices of one name, a value that is no block where one is needed, or choices that
            depend on each other in a circle.
    """
    scopes: dict[int, tuple[int, ...]] = {}
    _find_scopes(tree, (), scopes)
    compiler = _Compiler(scopes)
    plan = compiler.visit(tree, _Where("", "", (), ((),)))
    assert isinstance(plan, Chain)
    return _in_order(compiler.decisions, plan)


def _find_scopes(value: Any, chain: tuple[int, ...], scopes: dict[int, tuple[int, ...]]) -> None:
    """Notes, per choice, the repeats around all of its uses; copies share what is used outside them."""
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
    elif isinstance(value, Block):
        for one_field in fields(value):
            _find_scopes(getattr(value, one_field.name), chain, scopes)
    elif isinstance(value, tuple):
        for part in value:
            _find_scopes(part, chain, scopes)


@dataclass(frozen=True, slots=True)
class _Where:
    """Where in the tree a value stands.

    Attributes:
        path: Of decisions: with the options taken on the way.
        name: Of layers: without them.
        copies: The repeats around it, each by id, and which copy of each.
        places: When it exists.
    """

    path: str
    name: str
    copies: tuple[tuple[int, int], ...]
    places: tuple[Place, ...]

    def at(self, part: str) -> _Where:
        return replace(self, path=_dotted(self.path, part), name=_dotted(self.name, part))

    def under(self, option: str, literal: Literal) -> _Where:
        return replace(self, path=_dotted(self.path, option), places=met(self.places, [(literal,)]))

    def copy(self, repeat: Repeat, number: int, cases: list[Place]) -> _Where:
        copies = (*self.copies, (id(repeat), number))
        return replace(self.at(f"block{number + 1}"), copies=copies, places=met(self.places, cases))

    def wrong(self, problem: str) -> NoReturn:
        raise SpaceError(f"{self.path or 'space'}: {problem}")


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
    kinds: dict[str, type] = field(default_factory=dict)

    def visit(self, value: Any, where: _Where, stride: int | None = None) -> Plan:
        """Returns the plan of a block or of a field; `stride` is a repeat's, for the block it reaches."""
        plan: Plan
        match value:
            case Choice():
                plan = self._choice(value, where, stride)
            case Expression():
                plan = self._expression(value, where)
            case Repeat():
                plan = self._repeat(value, where, stride)
            case Sequence():
                plan = self._sequence(value, where, stride)
            case Settings():
                plan = self._settings(value if stride is None else with_stride(value, stride), where)
            case Block():
                plan = self._block(value if stride is None else with_stride(value, stride), where)
            case tuple():
                parts = [
                    self.visit(part, replace(where, path=f"{where.path}{i}")) for i, part in enumerate(value)
                ]
                plan = Built(where.name, kind=tuple, values=tuple(parts))
            case _:
                plan = self._constant(value, where)
        plan.gather()
        plan.key = where.path
        return plan

    def _constant(self, value: Any, where: _Where) -> Constant:
        if isinstance(value, type) and issubclass(value, Block):
            where.wrong(f"{value.__name__} is a class; call it to make a block, as in {value.kind()}(...)")
        if type(value).__hash__ is None:
            where.wrong(
                f"{value!r} can be changed later ({type(value).__name__}); give a tuple, or choice(...)"
            )
        try:
            spelled(value)
        except SpaceError as error:
            where.wrong(str(error))
        return Constant(where.name, value=value)

    def _choice(self, one: Choice, where: _Where, stride: int | None) -> Plan:
        index = self._bind(one, where)
        options: list[Plan] = []
        for i, (label, option) in enumerate(zip(option_labels(one), one.options, strict=True)):
            under = where.under(label, (index, frozenset([i])))
            # An option that can never be taken here (the same decision excludes it further up) has no plan.
            options.append(self.visit(option, under, stride) if under.places else Constant(where.name))
        return Chosen(where.name, index=index, options=tuple(options))

    def _expression(self, value: Expression, where: _Where) -> Plan:
        indices = {}
        options = {}
        for one in value.choices():
            odd = [o for o in one.options if isinstance(o, bool) or not isinstance(o, int | float)]
            if odd:
                where.wrong(f"{value!r} calculates with {one!r}, but its option {odd[0]!r} is not a number")
            indices[id(one)] = self._bind(one, where)
            options[id(one)] = one.options
        self._try_out(value, options, where)
        return Computed(where.name, expression=value, indices=indices, options=options)

    def _try_out(self, value: Expression, options: dict[int, tuple[Any, ...]], where: _Where) -> None:
        for taken in itertools.islice(itertools.product(*options.values()), LARGEST_CASES):
            try:
                value.value(dict(zip(options, taken, strict=True)))
            except (TypeError, ZeroDivisionError) as error:
                where.wrong(f"{value!r} cannot be calculated where its choices are {taken}: {error}")

    def _repeat(self, value: Repeat, where: _Where, stride: int | None) -> Plan:
        self._need_block(value.block, where)
        times = self.visit(value.times, where.at("times"))
        cases = self._cases(times, where)
        for number, _ in cases:
            if isinstance(number, bool) or not isinstance(number, int) or number < 0:
                where.wrong(f"repeat(times={number!r}); it must be a whole number, 0 or more")
        first = stride if stride is not None else value.stride
        children: list[Plan] = []
        for copy in range(max(number for number, _ in cases)):
            reached = [literals for number, literals in cases if number > copy]
            inside = where.copy(value, copy, [()] if len(reached) == len(cases) else as_one(reached))
            if not inside.places:
                break
            rest = 1 if first is not None else None
            children.append(self.visit(value.block, inside, first if copy == 0 else rest))
        names = tuple(f"block{copy + 1}" for copy in range(len(children)))
        return Chain(where.name, names=names, children=tuple(children), times=times)

    def _sequence(self, value: Sequence, where: _Where, stride: int | None) -> Plan:
        if stride is not None and stride != 1 and not value.blocks:
            where.wrong(
                f"repeat(..., stride={stride}) needs a block with a field `stride`, not an empty sequence"
            )
        names = child_names(value)
        children = []
        for name, block in zip(names, value.blocks, strict=True):
            self._need_block(block, where)
            children.append(self.visit(block, where.at(name), stride))
            stride = None  # the first block has it
        return Chain(where.name, names=names, children=tuple(children))

    def _need_block(self, value: Any, where: _Where) -> None:
        if isinstance(value, Block):
            return
        if isinstance(value, Choice):
            for option in value.options:
                if not isinstance(option, Block | Choice):
                    where.wrong(f"{value!r} stands where a block must stand, but {option!r} is not a block")
                self._need_block(option, where)
            return
        hint = "blocks are made by conv(...), repeat(...), choice(...)"
        if isinstance(value, list | tuple):
            hint = "give blocks one by one, or joined by sequence(*blocks)"
        elif isinstance(value, type) and issubclass(value, Block):
            hint = f"it is a class: call it to make one, as in {value.kind()}(...)"
        elif callable(value):
            hint = "it is a function: call it; a torch module goes into a CustomBlock"
        where.wrong(f"{value!r} is not a block; {hint}")

    def _block(self, value: Block, where: _Where) -> Plan:
        kind = type(value)
        known = self.kinds.setdefault(kind.__qualname__, kind)
        if known is not kind:
            where.wrong(
                f"two classes are called {kind.__qualname__} ({known.__module__}, {kind.__module__}); "
                "no text could tell them apart: rename one; after editing a class, make all blocks anew"
            )
        names = tuple(one.name for one in fields(value) if one.init)
        values = [self.visit(getattr(value, name), where.at(name)) for name in names]
        if all(isinstance(part, Constant) for part in values):
            return Constant(where.name, value=value)
        return Built(where.name, kind=kind, names=names, values=tuple(values))

    def _settings(self, value: Block, where: _Where) -> Plan:
        """Like a block whose fields are the settings: each is called by its name in paths."""
        assert isinstance(value, Settings)
        pairs = zip(value.names, value.values, strict=True)
        parts = [self.visit(part, where.at(name)) for name, part in pairs]
        if all(isinstance(part, Constant) for part in parts):
            return Constant(where.name, value=value)
        values = Built(where.name, kind=tuple, values=tuple(parts))
        values.gather()
        names = Constant(where.name, value=value.names)
        return Built(where.name, kind=Settings, names=("names", "values"), values=(names, values))

    def _bind(self, one: Choice, where: _Where) -> int:
        depth = len(self.scopes[id(one)])
        key = (id(one), where.copies[:depth])
        if key not in self.bound:
            path = one.name or self._free(where.path)
            if path in self.paths:
                where.wrong(
                    f"two different choices are called {path!r}: {self.paths[path]!r} and {one!r}; "
                    "use one object in both places to share a decision, or give them different names"
                )
            self.paths[path] = one
            self.bound[key] = len(self.decisions)
            self.decisions.append(_Draft(one, path))
        index = self.bound[key]
        self.decisions[index].places.extend(where.places)
        return index

    def _free(self, path: str) -> str:
        """Returns a path for a choice without a name: a sum of two choices has two of them at one place."""
        numbered = (f"{path}{number}" for number in itertools.count(2))
        return next(one for one in itertools.chain([path], numbered) if one not in self.paths)

    def _cases(self, times: Plan, where: _Where) -> list[tuple[Any, Place]]:
        """Every value that `times` can have there, with the options that give it."""
        sizes = [len(self.decisions[index].choice.options) for index in times.decisions]
        cases: list[tuple[Any, Place]] = []
        for taken in itertools.product(*map(range, sizes)):
            if len(cases) >= LARGEST_CASES:
                where.wrong(
                    f"repeat(times=...) depends on over {LARGEST_CASES} combinations of choices; use fewer"
                )
            choices = [0] * len(self.decisions)
            for index, option in zip(times.decisions, taken, strict=True):
                choices[index] = option
            literals = tuple((i, frozenset([o])) for i, o in zip(times.decisions, taken, strict=True))
            if met(where.places, [literals]):  # else something further up excludes it
                cases.append((times.take(tuple(choices)), literals))
        return cases


def _dotted(path: str, part: str) -> str:
    return f"{path}.{part}" if path else part


def _in_order(drafts: list[_Draft], plan: Chain) -> Compiled:
    """Sorts the decisions: each after those it depends on, as near to the reading order as can be."""
    places = [weakest(draft.places) for draft in drafts]
    waits = [{index for place in rows for index, _ in place} for rows in places]
    done: list[int] = []
    placed: set[int] = set()
    while len(done) < len(drafts):
        ready = next((i for i in range(len(drafts)) if i not in placed and waits[i] <= placed), None)
        if ready is None:
            circle = ", ".join(drafts[i].path for i in range(len(drafts)) if i not in placed)
            raise SpaceError(
                f"these choices depend on each other in a circle: {circle}; give one use a choice of its own"
            )
        done.append(ready)
        placed.add(ready)
    order = {old: new for new, old in enumerate(done)}
    plan.renumber(order)
    decisions = tuple(
        Decision(
            drafts[old].path,
            option_labels(drafts[old].choice),
            drafts[old].choice.options,
            tuple(
                tuple(sorted(((order[i], options) for i, options in place), key=lambda literal: literal[0]))
                for place in places[old]
            ),
        )
        for old in done
    )
    return Compiled(decisions, plan)
