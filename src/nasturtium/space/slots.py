"""Blocks with their choices taken, each made once per combination of its own decisions.

Two architectures share most of their blocks: to resolve, name and count one is a look-up after the first
time.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from nasturtium.space.block import Block, Identity, Sequence
from nasturtium.space.decisions import reader
from nasturtium.space.plan import Chosen, Plan, leaves, structure
from nasturtium.space.text import spelled, spelled_plan

LARGEST_CACHE = 200_000


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """One block, its choices taken. Compared by identity: a space keeps one per combination.

    Attributes:
        block: The block.
        canonical: Text that is equal for blocks that compute the same; empty for one that does nothing.
    """

    block: Block
    canonical: str


class _Leaf:
    """A place for a block; those that resolve alike (copies that share their choices) share what was made."""

    __slots__ = ("key", "made", "plan")

    def __init__(self, plan: Plan, made: dict[Hashable, Slot]) -> None:
        self.plan = plan
        self.key = reader(plan.decisions)
        self.made = made

    def resolve(self, choices: tuple[int, ...]) -> Slot:
        block = self.plan.take(choices)
        if len(self.made) >= LARGEST_CACHE:
            self.made.clear()
        slot = self.made[self.key(choices)] = Slot(block, canonical_text(block))
        return slot


class Slots:
    """The slots of any architecture; which leaves exist follows from a few decisions, looked up first."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._key = reader(sorted(structure(plan)))
        self._existing: dict[Hashable, tuple[_Leaf, ...]] = {}
        self._leaves: dict[int, _Leaf] = {}  # by id of the plan, which lives as long as this
        self._made: dict[str, dict[Hashable, Slot]] = {}  # by the text of the plan

    def __call__(self, choices: tuple[int, ...]) -> list[Slot]:
        """Returns the slots of the blocks that exist, in order."""
        return [leaf.made.get(leaf.key(choices)) or leaf.resolve(choices) for leaf in self._exist(choices)]

    def paths(self, choices: tuple[int, ...]) -> list[str]:
        """Returns the dotted path of the layers of each slot, for example ``stage1.block2``."""
        return [leaf.plan.path for leaf in self._exist(choices)]

    def keys(self, choices: tuple[int, ...]) -> list[str]:
        """Returns what the weights of each slot are known by: its path with the options taken on the way."""
        return [_taken(leaf.plan, choices).key for leaf in self._exist(choices)]

    def _exist(self, choices: tuple[int, ...]) -> tuple[_Leaf, ...]:
        key = self._key(choices)
        existing = self._existing.get(key)
        if existing is None:
            if len(self._existing) >= LARGEST_CACHE // 10:
                self._existing.clear()
            existing = self._existing[key] = tuple(map(self._leaf, leaves(self._plan, choices)))
        return existing

    def _leaf(self, plan: Plan) -> _Leaf:
        if id(plan) not in self._leaves:
            self._leaves[id(plan)] = _Leaf(plan, self._made.setdefault(spelled_plan(plan), {}))
        return self._leaves[id(plan)]


def _taken(plan: Plan, choices: tuple[int, ...]) -> Plan:
    """The part that stands there once the choices of blocks are taken."""
    while isinstance(plan, Chosen):
        plan = plan.options[choices[plan.index]]
    return plan


def canonical_text(block: Block) -> str:
    """Returns a text that is equal for blocks that compute the same, as far as the block knows."""
    if isinstance(block, Identity):
        return ""
    if isinstance(block, Sequence):
        return "\n".join(filter(None, map(canonical_text, block.blocks)))
    same = block.canonical()
    if same is None:
        return ""
    return spelled(same) if same is block else f"{type(block).__qualname__} as {spelled(same)}"
