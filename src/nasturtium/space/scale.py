"""A network made deeper, wider and finer: compound scaling (Tan and Le 2019, arXiv:1905.11946)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, floor
from typing import TYPE_CHECKING, Any

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError, ShapeError
from nasturtium.space.block import Block, Sequence, repeat, with_stride
from nasturtium.space.blocks import Resize
from nasturtium.space.mobile import divisible
from nasturtium.space.plan import Chain, Chosen, Plan

if TYPE_CHECKING:
    from nasturtium.space.space import Space


@dataclass(slots=True)
class _Factors:
    depth: float
    width: float
    multiple: int
    spread: bool
    seen: int = 0  # blocks of repeats so far, before they are scaled

    def times(self, count: int) -> int:
        """Returns how many blocks the next repeat has that had `count`."""
        if not self.spread:
            return ceil(round(self.depth * count, 6))  # 1.2 x 5 is 6, not a little more
        before, self.seen = self.seen, self.seen + count
        ends = (floor(self.depth * blocks + 0.5) for blocks in (self.seen, before))
        return max(1, next(ends) - next(ends))


def scaled(
    space: Space,
    architecture: Architecture | None = None,
    *,
    depth: float = 1,
    width: float = 1,
    side: int | None = None,
    multiple: int = 8,
    spread: bool = False,
    name: str | None = None,
) -> Space:
    """Returns a network with more blocks, wider ones and larger pictures, as a space of one architecture.

    Every `repeat` has ceil(depth x times) blocks: what is added is like the last one, with a stride of 1.
    Every width of a block (`Block.widths`) is multiplied and rounded to a multiple of 8, never below 90 %, as
    the authors' released code does. Pictures are resized as the first thing that the network does.

    Args:
        space: Of the base network.
        architecture: The base network; None where the space has only one.
        depth: Factor of the depth.
        width: Factor of the width.
        side: Of the picture; None leaves it as it is.
        multiple: What widths are rounded to; a small network takes fewer than 8, or its factors are rough.
        spread: Whether the number of all blocks is what is rounded, to the nearest, and not that of each
            repeat, upwards: short repeats then grow by turns, and costs follow the factor.
        name: Of the space that is returned.

    Raises:
        ConfigError: A factor is not positive, or no architecture is given and there are several; or nothing
            in the network has a depth, or a width, and it is to be scaled.
    """
    if min(depth, width, side or 1) <= 0:
        raise ConfigError(f"depth {depth}, width {width} and side {side} must be positive")
    if architecture is None:
        if space.count != 1:
            raise ConfigError(
                f"{space.name} has {space.count} architectures; say which one of them is to be scaled"
            )
        architecture = space.unrank(0)
    elif architecture not in space:
        raise ConfigError(f"the architecture to be scaled is not one of {space.name}")
    base, deeper, wider, tree = (
        _deeper(space.plan, architecture.choices, _Factors(by_depth, by_width, multiple, spread))
        for by_depth, by_width in ((1.0, 1.0), (2.0, 1.0), (1.0, 2.0), (depth, width))
    )
    if (depth != 1 and deeper == base) or (width != 1 and wider == base):
        raise ConfigError(
            f"{space.name} has nothing to scale by depth {depth} and width {width}: depth is that of "
            "repeat(...), width that of fields named in the `widths` of a block"
        )
    assert isinstance(tree, Sequence)
    blocks = dict(zip(tree.names or (), tree.blocks, strict=True))
    if side is not None:
        blocks = _finer(blocks, side)
    return type(space)(
        name=name or f"{space.name}-scaled",
        input_shape=space.input_shape,
        outputs=space.outputs,
        **blocks,
    )


def side_of(space: Space, architecture: Architecture | None = None) -> int:
    """Returns the shorter side of the pictures that a network works on: what `scaled` takes as `side`.

    Raises:
        ShapeError: The network resizes nothing, and the space is not bound to pictures.
    """
    for _, block in space.blocks(architecture or space.unrank(0)):
        if isinstance(block, Resize):
            return block.side
    if space.input_shape is None or len(space.input_shape) != 3:
        raise ShapeError(f"{space.name} does not know the size of its pictures: bind it to a task")
    return min(space.input_shape[1:])


def _finer(blocks: dict[str, Block], side: int) -> dict[str, Block]:
    resizes = [name for name, block in blocks.items() if isinstance(block, Resize)]
    if resizes:
        return blocks | {resizes[0]: replace(blocks[resizes[0]], side=side)}  # type: ignore[call-arg]
    return {"resolution": Resize(side), **blocks}


def _deeper(plan: Plan, choices: tuple[int, ...], by: _Factors) -> Block:
    """Takes the choices of a part of the tree, and scales what it finds."""
    if isinstance(plan, Chosen):
        return _deeper(plan.options[choices[plan.index]], choices, by)
    if not isinstance(plan, Chain):
        block: Block = _wider(plan.take(choices), by)
        return block
    blocks = [_deeper(child, choices, by) for child in plan.existing(choices)]
    if plan.times is None:
        return Sequence(tuple(blocks), plan.names)
    return _repeated(blocks, by.times(len(blocks)))


def _repeated(blocks: list[Block], times: int) -> Block:
    """Returns so many blocks; where they are alike as a `Repeat`, which can be scaled again."""
    if not blocks:
        return Sequence(())
    more = blocks[-1] if len(blocks) > 1 else _unstrided(blocks[-1])
    blocks = (blocks + [more] * times)[:times]
    first, *rest = blocks
    if all(block == more for block in rest):
        if first == more:
            return repeat(more, times)
        if _unstrided(first) == more and hasattr(first, "stride"):
            return repeat(more, times, stride=first.stride)
    return Sequence(tuple(blocks), tuple(f"block{i}" for i in range(1, times + 1)))


def _unstrided(block: Block) -> Block:
    if isinstance(block, Sequence) and block.blocks:
        return replace(block, blocks=(_unstrided(block.blocks[0]), *block.blocks[1:]))
    return with_stride(block, 1)


def _wider(block: Any, by: _Factors) -> Any:
    """Multiplies the widths of a block and of the blocks in its fields."""
    if isinstance(block, Sequence):
        return replace(block, blocks=tuple(_wider(one, by) for one in block.blocks))
    changed: dict[str, Any] = {}
    for field in getattr(block, "__dataclass_fields__", {}):
        value = getattr(block, field)
        if isinstance(value, Block):
            changed[field] = _wider(value, by)
        elif field in block.widths and value > 0:
            changed[field] = divisible(value * by.width, by.multiple)
    return replace(block, **changed) if changed and by.width != 1 else block
