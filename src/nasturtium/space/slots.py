"""Blocks with their choices taken, each made once per combination of its own decisions.

Two architectures share most of their blocks; resolving, naming and counting one is a look-up after the first time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nasturtium.space.blocks import Block, Identity, Sequence
from nasturtium.space.compile import Chain, Plan
from nasturtium.space.layers import Value, Wiring

LARGEST_CACHE = 200_000


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """One block of a network, its choices taken. Compared by identity: a space keeps one object per combination.

    Attributes:
        path: Dotted path, for example ``stage1.block2``.
        block: The block.
        canonical: Text that is equal for blocks that compute the same; empty for one that does nothing.
    """

    path: str
    block: Block
    canonical: str

    def write(self, net: Wiring, x: Value) -> Value:
        """Writes the block's layers under its path."""
        with net.scope(self.path):
            return self.block.wire(net, x)


def walk(plan: Plan, choices: tuple[int, ...], kept: dict[tuple[Any, ...], Slot]) -> Iterator[Slot]:
    """Yields the slots of the blocks that exist, in order; `kept` holds those made before."""
    if isinstance(plan, Chain):
        for child in plan.existing(choices)[1]:
            yield from walk(child, choices, kept)
        return
    key = (id(plan), *[choices[index] for index in plan.decisions])
    slot = kept.get(key)
    if slot is None:
        block = plan.take(choices)
        slot = Slot(plan.path, block, canonical_text(block))
        if len(kept) >= LARGEST_CACHE:
            kept.clear()
        kept[key] = slot
    yield slot


def canonical_text(block: Block) -> str:
    """Returns a text that is equal for blocks that compute the same function, as far as the block knows."""
    if isinstance(block, Identity):
        return ""
    if isinstance(block, Sequence):
        return "\n".join(filter(None, map(canonical_text, block.blocks)))
    same = block.canonical()
    return "" if same is None else repr(same)
