"""Which options of a space are operations, which of those are skips, and which have no weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nasturtium.architecture import Architecture
from nasturtium.errors import ShapeError
from nasturtium.space.decisions import Decision, exists
from nasturtium.space.layers import Conv2d, Custom, Linear

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nasturtium.space.space import Space

SKIPS = frozenset({"skip_connect", "skip", "identity"})
NONE = "none"

_HEAVY = (Conv2d, Linear, Custom)  # a norm behind a pooling makes no operation with weights of it


@dataclass(frozen=True, slots=True)
class Operations:
    """The decisions of a space on operations: some options have weights of their own, some have none.

    Numbers, yes and no, and choices among blocks that all have weights are no such decisions.

    Attributes:
        decisions: Their numbers.
        skips: Per decision of the space and option, whether it passes its input on.
        weightless: Whether it has no weights of its own (skips, pooling and ``none``).
        nothing: Whether it is ``none``: nothing flows there.
    """

    decisions: tuple[int, ...]
    skips: tuple[tuple[bool, ...], ...]
    weightless: tuple[tuple[bool, ...], ...]
    nothing: tuple[tuple[bool, ...], ...]


def operations_of(space: Space) -> Operations:
    """Returns what the options of a space are, found by writing networks that differ in one of them.

    Args:
        space: Bound to a task.
    """
    weightless = [_weightless(space, number) for number in range(len(space.decisions))]
    there = tuple(number for number, row in enumerate(weightless) if any(row))
    labels = [d.labels if number in there else () for number, d in enumerate(space.decisions)]
    return Operations(
        there,
        tuple(tuple(label in SKIPS for label in row) for row in labels),
        tuple(weightless),
        tuple(tuple(label == NONE for label in row) for row in labels),
    )


def _weightless(space: Space, number: int) -> tuple[bool, ...]:
    """Per option of a decision, whether it has no layer with weights; empty where it is about no operation.

    The layers that all of its options have are not of the option: it has none where it adds nothing to them.
    """
    decision = space.decisions[number]
    if any(isinstance(option, int | float) for option in decision.options):
        return ()
    try:
        layers = [_layers(space, architecture) for architecture in _with_each(space, number, decision)]
    except ShapeError:  # two options do not fit each other's surroundings, so they are not exchanged
        return ()
    common = frozenset.intersection(*layers)
    bare = tuple(own == common for own in layers)
    return bare if any(bare) and not all(bare) else ()


def _with_each(space: Space, number: int, decision: Decision) -> Iterator[Architecture]:
    """Yields an architecture with each option of a decision, all else alike."""
    for option in range(len(decision.labels)):
        choices = [0] * len(space.decisions)
        for index, options in decision.places[0]:
            choices[index] = min(options)
        choices[number] = option
        for index, other in enumerate(space.decisions):  # each comes after those that it depends on
            if not exists(other.places, choices):
                choices[index] = 0
        yield Architecture(space.fingerprint, tuple(choices))


def _layers(space: Space, architecture: Architecture) -> frozenset[object]:
    network = space.network(architecture)
    return frozenset((layer.key, layer.op) for layer in network.layers if isinstance(layer.op, _HEAVY))
