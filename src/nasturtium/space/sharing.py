"""Which weights the architectures of a space share, and how large each has to be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice, product
from typing import TYPE_CHECKING, TypeAlias

from nasturtium.errors import ShapeError, SpaceError
from nasturtium.seeds import rng_for
from nasturtium.space.blend import LARGEST_VARIANTS, Active, variants
from nasturtium.space.block import Block
from nasturtium.space.decisions import Decision
from nasturtium.space.layers import BatchNorm, Conv2d, Custom, Embed, Layer, LayerNorm, Linear, Op, Shape
from nasturtium.space.plan import Chain, Chosen, Plan
from nasturtium.space.wiring import Value, Wiring

if TYPE_CHECKING:
    from nasturtium.space.space import Space

WITH_WEIGHTS = (Conv2d, BatchNorm, LayerNorm, Linear, Embed, Custom)
See: TypeAlias = Callable[[Sequence[Layer], Value], None]  # the layers of a block alone, and its output

_SHAPES = 256  # different inputs of one block; more than a space of widths and resolutions has
_CONDITIONS = 64  # combinations of what others depend on, such as the number of nodes of a cell
_LEAST, _SAMPLES = 100, 3000  # random ones of a block with too many combinations
_LAYERS = 50_000  # after which no more than the least are drawn: about a second


def shared_layers(space: Space) -> dict[tuple[str, type], tuple[Op, ...]]:
    """Returns all layers with weights that architectures of a space can have, by the key of their weights.

    They are those of `each_block`, with all options.

    Args:
        space: Bound to a task.

    Raises:
        ShapeError: The space is not bound, or none of its blocks fits what comes before.
    """
    found: dict[tuple[str, type], dict[Op, None]] = {}  # by key and kind, all sizes that occur

    def see(layers: Sequence[Layer], _: Value) -> None:
        for layer in layers:
            if isinstance(layer.op, WITH_WEIGHTS):
                found.setdefault((layer.key, type(layer.op)), {})[layer.op] = None

    each_block(space, see)
    return {place: tuple(ops) for place, ops in found.items()}


def each_block(space: Space, see: See, active: Active | None = None) -> None:
    """Shows every block that architectures of a space can have, in every form that it can have, alone.

    Shapes are followed through the tree: each block is written for every shape that can reach it and for
    every combination of its own decisions. So nothing is left out, and what is there may be too much only
    where a decision is used in two blocks. A block with more combinations than can be written that mixes
    (`Block.mixes`) is written once with all options; of one that does not, a sample of architectures is
    written that has every pair of options of its decisions.

    Args:
        space: Bound to a task.
        see: Is given the layers of a block, whose input is value -1, and its output.
        active: Per decision, the options that there are; None is all.

    Raises:
        ShapeError: The space is not bound, or none of its blocks fits what comes before.
    """
    if space.input_shape is None:
        raise ShapeError(
            f"{space.name} does not know its input: say space.bind(input_shape=(3, 32, 32), outputs=10)"
        )
    active = active or [range(len(decision.labels)) for decision in space.decisions]
    walk = _Walk(space.decisions, space.outputs or 0, see, active)
    if not walk.through(space.plan, {space.input_shape: None}):
        raise ShapeError(
            f"{space.name}: no architecture can be built for inputs of {list(space.input_shape)}"
        )


class _Walk:
    def __init__(self, decisions: Sequence[Decision], outputs: int, see: See, active: Active) -> None:
        self.decisions, self.outputs, self.see = decisions, outputs, see
        self.active = tuple(map(tuple, active))
        self.layers = 0  # written so far

    def through(self, plan: Plan, shapes: dict[Shape, None]) -> dict[Shape, None]:
        """Shows the blocks of a part for all shapes that reach it; returns those that leave it."""
        if len(shapes) > _SHAPES:
            raise ShapeError(f"{plan.key}: inputs of over {_SHAPES} different shapes; use fewer widths")
        if isinstance(plan, Chain):
            return self._chain(plan, shapes)
        if isinstance(plan, Chosen):
            options = [plan.options[option] for option in self.active[plan.index]]
            return {shape: None for option in options for shape in self.through(option, shapes)}
        made: dict[Shape, None] = {}
        for block in self._ways(plan):
            for shape in shapes:
                if (given := self._written(plan, block, shape)) is not None:
                    made[given] = None
        return made

    def _chain(self, plan: Chain, shapes: dict[Shape, None]) -> dict[Shape, None]:
        reached = [shapes]
        for child in plan.children:
            reached.append(self.through(child, reached[-1]))
        if plan.times is None:
            return reached[-1]
        counts = {count for _, count in variants(plan.times, self.active, most=10**6)}
        return {shape: None for count in sorted(counts) for shape in reached[count]}

    def _ways(self, plan: Plan) -> Iterable[Block]:
        try:
            return [block for _, block in variants(plan, self.active, most=8 * LARGEST_VARIANTS)]
        except SpaceError:
            return self._sample(plan)

    def _sample(self, plan: Plan) -> Iterator[Block]:
        """Yields the block with all decisions alike, with pairs of options of any two, and at random.

        Decision i takes option u + i v (modulo a prime p) of an orthogonal array of p * p rows, so that any
        two decisions of which p does not divide the distance show all pairs of their options (Bose 1938).
        Where decisions exist beside some options only, that is done for the options beside which most exist.
        """
        sizes = [len(options) for options in self.active]
        prime = _prime(max(sizes[i] for i in plan.decisions))
        for fixed, most in self._conditions(plan):
            for option in range(prime):
                yield self._taken(plan, [min(option, size - 1) for size in sizes], fixed)
            for u, v in product(range(prime), repeat=2) if most else ():
                row = [(u + i * v) % prime % size for i, size in enumerate(sizes)]
                yield self._taken(plan, row, fixed)
                # A yes or no is often about a width (side by side, or summed), which meets every such pair.
                for answer in (0, 1) if 2 in sizes else ():
                    answered = [answer if size == 2 else i for i, size in zip(row, sizes, strict=True)]
                    yield self._taken(plan, answered, fixed)
        rng = rng_for(0, "sharing", 0)
        before = self.layers
        for number in range(_SAMPLES):
            if number >= _LEAST and self.layers - before > _LAYERS:
                return
            draws = rng.random(len(sizes))
            yield self._taken(plan, [int(draw * size) for draw, size in zip(draws, sizes, strict=True)], {})

    def _taken(self, plan: Plan, row: Sequence[int], fixed: Mapping[int, int]) -> Block:
        """Returns the block of some options, given by their places among the active ones, or `fixed`."""
        options = (active[place] for active, place in zip(self.active, row, strict=True))
        block: Block = plan.take(tuple(fixed.get(i, option) for i, option in enumerate(options)))
        return block

    def _conditions(self, plan: Plan) -> Iterator[tuple[dict[int, int], bool]]:
        """Yields options of the decisions that others depend on, and whether no options make more exist."""
        places = [place for i in plan.decisions for place in self.decisions[i].places]
        asked = sorted({i for place in places for i, _ in place} & {*plan.decisions})
        taken = islice(product(*(self.active[i] for i in asked)), _CONDITIONS)
        rows = [dict(zip(asked, options, strict=True)) for options in taken]
        exist = [
            frozenset(
                i
                for i in plan.decisions
                if any(
                    all(j not in row or row[j] in options for j, options in place)
                    for place in self.decisions[i].places
                )
            )
            for row in rows
        ]
        for row, here in zip(rows, exist, strict=True):
            yield row, not any(here < other for other in exist)

    def _written(self, plan: Plan, block: Block, shape: Shape) -> Shape | None:
        """Writes the block alone; None where it does not fit that shape, which so cannot be its input."""
        net = Wiring(self.outputs)
        try:
            with net.scope(plan.key):
                value = block.write(net, Value(-1, shape))
        except ShapeError:
            return None
        self.layers += len(net.layers)
        self.see(net.layers, value)
        return value.shape


def _prime(least: int) -> int:
    """Returns the least prime of at least `least`."""
    number = max(2, least)
    while any(number % factor == 0 for factor in range(2, int(number**0.5) + 1)):
        number += 1
    return number
