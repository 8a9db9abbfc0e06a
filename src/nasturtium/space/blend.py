"""A network in which several options of a decision run and are mixed: what a mixture means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import product
from typing import TYPE_CHECKING, Any, TypeAlias

from nasturtium.errors import ShapeError, SpaceError
from nasturtium.space.block import Block, sequence
from nasturtium.space.layers import Network, Term
from nasturtium.space.plan import Built, Chain, Chosen, Computed, Constant, Plan
from nasturtium.space.wiring import Blend, Value, Wiring

if TYPE_CHECKING:
    from nasturtium.space.space import Space

Active: TypeAlias = Sequence[Sequence[int]]  # the options that run, per decision

LARGEST_VARIANTS = 512


def blended(space: Space, active: Active) -> Network:
    """Returns the network in which all `active` options run, joined by `Mix` layers.

    An option of a choice of blocks is the whole of its blocks; numbers of one block (kernel, expansion) make
    a variant of the block for each of their combinations, whose weight is the product of theirs; later copies
    of a repeat are mixed with the output of earlier ones. A block that can mix (`Block.mixes`: a cell) writes
    its own sums.

    Args:
        space: Bound to a task.
        active: Per decision, the options that run, at least one of each decision that exists in them.

    Raises:
        ShapeError: Options of one decision give different shapes, so no sum of them is defined.
        SpaceError: A block has more than 512 variants and cannot mix by itself.
    """
    return Network(space.input_shape or (), tuple(wired(space, active).layers), ())


def wired(space: Space, active: Active) -> Wiring:
    """Returns what `blended` writes, with the conditions under which each layer is there; raises as that."""
    if space.input_shape is None:
        raise ShapeError(
            f"{space.name} does not know its input: say space.bind(input_shape=(3, 32, 32), outputs=10)"
        )
    net = Wiring(space.outputs or 0)
    _write(net, space.plan, Value(-1, space.input_shape), active)
    return net


def variants(plan: Plan, active: Active, *, most: int = LARGEST_VARIANTS) -> list[tuple[Term, Any]]:
    """Returns what a part of the tree can be with these options, each with the options that make it so.

    Raises:
        SpaceError: There are more than `most`.
    """
    found: list[tuple[Term, Any]]
    match plan:
        case Constant():
            found = [((), plan.value)]
        case Chosen():
            found = [
                (term, value)
                for option in active[plan.index]
                for inner, value in variants(plan.options[option], active, most=most)
                if (term := joined([((plan.index, option),), inner])) is not None
            ]
        case Computed():
            found = _computed(plan, active)
        case Built() if _mixes(plan.kind):
            found = [((), plan.kind(**_named(plan, [_mixed(value, active) for value in plan.values])))]
        case Built():
            found = [
                (term, plan.kind(**_named(plan, values)) if plan.names else tuple(values))
                for term, values in _combined(plan, plan.values, active, most)
            ]
        case Chain():
            found = [
                (term, sequence(**dict(zip(plan.names, values, strict=False))))
                for term, values in _sequences(plan, active, most)
            ]
        case _:
            raise SpaceError(f"{plan.key}: {type(plan).__name__} has no variants")
    if not found:
        raise SpaceError(f"{plan.key}: none of its options runs; a mixture needs one at least")
    if len(found) > most:
        raise _too_many(plan, len(found), most)
    return found


def joined(terms: Iterable[Term]) -> Term | None:
    """Returns the options of all terms together; None where they contradict each other."""
    both: dict[int, int] = {}
    for term in terms:
        for decision, option in term:
            if both.setdefault(decision, option) != option:
                return None
    return tuple(sorted(both.items()))


def _write(net: Wiring, plan: Plan, x: Value, active: Active) -> Value:
    """Writes a part of the chain of blocks."""
    if isinstance(plan, Chain):
        return _write_chain(net, plan, x, active)
    if isinstance(plan, Chosen):
        options: list[tuple[Term, Value]] = []
        for option in active[plan.index]:
            term: Term = ((plan.index, option),)
            with net.when(term):
                options.append((term, _write(net, plan.options[option], x, active)))
        return _mix(net, plan, options)
    written = []
    for term, block in variants(plan, active):
        with net.scope(plan.key), net.variant(), net.when(term):
            written.append((term, block.write(net, x)))
    return _mix(net, plan, written)


def _write_chain(net: Wiring, plan: Chain, x: Value, active: Active) -> Value:
    if plan.times is None:
        return reduce(lambda y, child: _write(net, child, y, active), plan.children, x)
    counts = variants(plan.times, active)
    made = [x]
    for number, child in enumerate(plan.children[: max(count for _, count in counts)]):
        with net.when(*(term for term, count in counts if count > number)):
            made.append(_write(net, child, made[-1], active))
    return _mix(net, plan, [(term, made[count]) for term, count in counts])


def _mix(net: Wiring, plan: Plan, values: list[tuple[Term, Value]]) -> Value:
    with net.scope(plan.key):
        mixed = net.mix(values)
    if mixed is None:
        raise SpaceError(f"{plan.key}: none of its options runs; a mixture needs one at least")
    return mixed


def _mixed(plan: Plan, active: Active) -> Any:
    """A field of a block that can mix: its value, or a blend of several; a tuple field by field."""
    if isinstance(plan, Built) and not plan.names:
        return tuple(_mixed(value, active) for value in plan.values)
    found = variants(plan, active)
    if len(found) == 1 and not found[0][0]:
        return found[0][1]
    return Blend(tuple(found))


def _computed(plan: Computed, active: Active) -> list[tuple[Term, Any]]:
    indices = sorted(set(plan.indices.values()))
    choices = [0] * (indices[-1] + 1)
    found = []
    for taken in product(*(active[index] for index in indices)):
        for index, option in zip(indices, taken, strict=True):
            choices[index] = option
        found.append((tuple(zip(indices, taken, strict=True)), plan.take(tuple(choices))))
    return found


def _combined(plan: Plan, parts: Sequence[Plan], active: Active, most: int) -> list[tuple[Term, list[Any]]]:
    found: list[tuple[Term, list[Any]]] = [((), [])]
    for part in parts:
        longer: list[tuple[Term, list[Any]]] = []
        options = variants(part, active, most=most)
        for (before, values), (own, value) in product(found, options):
            if (term := joined([before, own])) is not None:
                longer.append((term, [*values, value]))
                if len(longer) > most:
                    raise _too_many(plan, len(longer), most)
        found = longer
    return found


def _sequences(plan: Chain, active: Active, most: int) -> Iterator[tuple[Term, list[Any]]]:
    """Yields blocks one after another in a field of a block: as many, and such, as options say."""
    counts = [((), len(plan.children))] if plan.times is None else variants(plan.times, active, most=most)
    for own, count in counts:
        for inner, values in _combined(plan, plan.children[:count], active, most):
            if (term := joined([own, inner])) is not None:
                yield term, values


def _named(plan: Built, values: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(plan.names, values, strict=True))


def _mixes(kind: type) -> bool:
    return issubclass(kind, Block) and kind.mixes


def _too_many(plan: Plan, count: int, most: int) -> SpaceError:
    return SpaceError(
        f"{plan.key or 'the space'}: a mixture would run {count} or more variants of one block, over {most}; "
        "give the mixture fewer options, or write the block so that it mixes by itself (Block.mixes)"
    )
