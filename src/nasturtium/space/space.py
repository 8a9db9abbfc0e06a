"""A search space: sampling, changing, numbering and naming the architectures of a tree of blocks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np

from nasturtium.architecture import Architecture
from nasturtium.errors import ShapeError, SpaceError
from nasturtium.space.block import Block, Sequence, sequence
from nasturtium.space.census import Census, take_census
from nasturtium.space.check import check_space
from nasturtium.space.compile import compile_tree
from nasturtium.space.decisions import Conditions, Decision
from nasturtium.space.describe import describe_space
from nasturtium.space.layers import BlockSpan, Network, Shape
from nasturtium.space.settings import possible_settings, settings_of
from nasturtium.space.slots import Slot, Slots
from nasturtium.space.text import named_options, parse_text, spelled_plan, write_text
from nasturtium.space.wiring import Value, Wiring


class Space:
    """All the networks that a tree of blocks with choices can be.

    Args:
        blocks: The network, from input to output; any field of any block may be a choice.
        name: What to call the space.
        input_shape: Of one input without the batch, [channels, height, width]; `bind` sets it from a task.
        outputs: Number of classes (or of values) that the network gives.
        named: Blocks that come after `blocks`, with the names that they have in paths.

    Raises:
        SpaceError: The tree cannot be compiled; the message names the path.
    """

    def __init__(
        self,
        *blocks: Any,
        name: str = "space",
        input_shape: Shape | None = None,
        outputs: int | None = None,
        **named: Any,
    ) -> None:
        if not blocks and not named:
            raise SpaceError(
                "Space() needs at least one block, for example Space(conv(choice(16, 32)), classifier())"
            )
        self.name = name
        self.tree = sequence(*blocks, **named)
        self.input_shape = tuple(input_shape) if input_shape is not None else None
        self.outputs = outputs
        compiled = compile_tree(self.tree)
        self.decisions: tuple[Decision, ...] = compiled.decisions
        self.plan = compiled.plan
        self._conditions = Conditions(self.decisions)
        self._sizes = self._conditions.sizes
        self._slots = Slots(self.plan)

    def __reduce__(self) -> tuple[Any, ...]:
        return _remade, (self.tree, self.name, self.input_shape, self.outputs)

    def __repr__(self) -> str:
        return f"Space({self.name!r}, {len(self.decisions)} decisions, {self.count:.3g} architectures)"

    def bind(self, input_shape: Shape, outputs: int) -> Space:
        """Returns the same space for inputs and outputs of these sizes; decisions and fingerprint stay."""
        bound = Space.__new__(Space)
        bound.__dict__.update(self.__dict__)
        bound.input_shape, bound.outputs = tuple(input_shape), outputs
        return bound

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the whole space, its shapes aside: equal where an architecture means the same network."""
        conditions = [
            (d.path, d.labels, [[(i, sorted(o)) for i, o in place] for place in d.places])
            for d in self.decisions
        ]
        text = f"{conditions}\n{spelled_plan(self.plan)}"
        return blake2b(text.encode(), digest_size=8).hexdigest()

    @cached_property
    def _census(self) -> Census:
        return take_census(self.decisions)

    @property
    def count(self) -> int:
        """Number of different architectures, exactly."""
        return self._census.total

    # Sampling and changing

    def sample(self, rng: np.random.Generator) -> Architecture:
        """Draws each decision uniformly; for uniform architectures, `unrank` a random number instead."""
        return self._settled([int(d * s) for d, s in zip(self._draws(rng), self._sizes, strict=True)])

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """Changes one decision, drawn uniformly, to another option; those that come to exist are drawn.

        Raises:
            SpaceError: No decision has a second option.
        """
        choices = self._choices(architecture)
        free = self._conditions.pattern(choices).free
        if not free:
            raise SpaceError(f"{self.name} has nothing to mutate: every decision has a single option")
        index = free[int(rng.random() * len(free))]
        size = self._sizes[index]
        option = (choices[index] + 1 + int(rng.random() * (size - 1))) % size
        if index not in self._conditions.asked:  # the same decisions exist as before
            return Architecture(self.fingerprint, (*choices[:index], option, *choices[index + 1 :]))
        return self._changed(choices, index, option, self._draws(rng))

    def crossover(self, left: Architecture, right: Architecture, rng: np.random.Generator) -> Architecture:
        """Takes each decision from either parent where both have it; else from the one that has it."""
        one, other = self._choices(left), self._choices(right)
        in_one, in_other = self.active(left), self.active(right)
        child = []
        for i, draw in enumerate(self._draws(rng)):
            if in_one[i] and in_other[i]:
                child.append(one[i] if draw < 0.5 else other[i])
            elif in_one[i] or in_other[i]:
                child.append(one[i] if in_one[i] else other[i])
            else:
                child.append(int(draw * self._sizes[i]))
        return self._settled(child)

    def neighbours(self, architecture: Architecture) -> Iterator[Architecture]:
        """Yields all architectures one decision away; those that come to exist take their first option."""
        choices = self._choices(architecture)
        first = [0.0] * len(choices)
        for index in self._conditions.pattern(choices).free:
            for option in range(self._sizes[index]):
                if option != choices[index]:
                    yield self._changed(choices, index, option, first)

    def active(self, architecture: Architecture) -> tuple[bool, ...]:
        """Returns, per decision, whether it exists in this architecture."""
        return self._conditions.pattern(self._choices(architecture)).active

    def distance(self, left: Architecture, right: Architecture) -> int:
        """Number of decisions in which two architectures differ, those that only one of them has included."""
        rows = zip(left.choices, right.choices, self.active(left), self.active(right), strict=True)
        return sum(a != b or here != there for a, b, here, there in rows)

    def _draws(self, rng: np.random.Generator) -> list[float]:
        draws: list[float] = rng.random(len(self._sizes)).tolist()
        return draws

    def _settled(self, choices: list[int]) -> Architecture:
        return Architecture(self.fingerprint, self._conditions.settle(choices))

    def _changed(self, choices: tuple[int, ...], index: int, option: int, draws: list[float]) -> Architecture:
        """Takes another option; a decision that did not exist, and now does, takes its share of `draws`."""
        changed = list(choices)
        for absent in self._conditions.pattern(choices).absent:
            changed[absent] = int(draws[absent] * self._sizes[absent])
        changed[index] = option
        return self._settled(changed)

    # Numbers and names

    def rank(self, architecture: Architecture) -> int:
        """Number of an architecture, 0 to count - 1, in lexicographic order of its choices."""
        return self._census.rank(self._choices(architecture))

    def unrank(self, number: int) -> Architecture:
        """Returns the architecture with that number."""
        if not 0 <= number < self.count:
            raise SpaceError(f"architecture number {number} of {self.name}; there are 0 to {self.count - 1}")
        return Architecture(self.fingerprint, self._census.unrank(int(number)))

    def __iter__(self) -> Iterator[Architecture]:
        return map(self.unrank, range(self.count))

    def __contains__(self, architecture: object) -> bool:
        if not isinstance(architecture, Architecture) or architecture.space != self.fingerprint:
            return False
        choices = architecture.choices
        if len(choices) != len(self._sizes):
            return False
        if not all(0 <= choice < size for choice, size in zip(choices, self._sizes, strict=True)):
            return False
        return not any(choices[index] for index in self._conditions.pattern(choices).absent)

    def text(self, architecture: Architecture) -> str:
        """Returns a line that a person can read and `parse` reads back: ``stage1.times=2 head.out=64``."""
        return write_text(self, architecture)

    def parse(self, text: str) -> Architecture:
        """Returns the architecture of a line that `text` wrote.

        Raises:
            UnknownName: A decision or an option that the space does not have.
            SpaceError: A decision is missing, given twice, or does not exist beside the others.
        """
        return parse_text(self, text)

    def architecture(self, **options: Any) -> Architecture:
        """Returns the first architecture with the named decisions set, dots written as double underscores."""
        given = {path.replace("__", "."): str(label) for path, label in options.items()}
        return named_options(self, given, complete=False)

    def _choices(self, architecture: Architecture) -> tuple[int, ...]:
        if architecture.space != self.fingerprint:
            raise SpaceError(
                f"an architecture of another space ({architecture.space}) was given to {self.name} "
                f"({self.fingerprint}); carry it over by its text: space.parse(other.text(it))"
            )
        return architecture.choices

    # The network

    def blocks(self, architecture: Architecture) -> list[tuple[str, Block]]:
        """Returns path and block of every part that exists, choices taken, from input to output."""
        slots = self.slots(architecture)
        paths = self._slots.paths(architecture.choices)
        return [(path, slot.block) for path, slot in zip(paths, slots, strict=True)]

    def slots(self, architecture: Architecture) -> list[Slot]:
        """Returns the blocks that exist, each resolved once per combination of its own decisions and kept."""
        return self._slots(self._choices(architecture))

    def settings(self, architecture: Architecture) -> dict[str, Any]:
        """Returns the values that are not of the network, by name: what blocks of `settings` decide.

        Raises:
            SpaceError: One is given twice.
        """
        return settings_of((slot.block for slot in self.slots(architecture)), self.name)

    @cached_property
    def possible_settings(self) -> dict[str, tuple[Any, ...]]:
        """All values that each setting can have, by name; empty for a space of networks alone."""
        return possible_settings(self.plan)

    def canonical(self, architecture: Architecture) -> str:
        """Returns a digest that is equal for architectures that are the same network.

        Blocks that do nothing are left out, and a block that knows its symmetries (a cell) is reduced to what
        it computes; so a set of these removes repeats and a cache never trains one network twice.
        """
        parts = "\n".join([slot.canonical for slot in self.slots(architecture) if slot.canonical])
        return blake2b(parts.encode(), digest_size=12).hexdigest()

    def network(self, architecture: Architecture) -> Network:
        """Returns the architecture as layers, all shapes inferred; the space must be bound to a task.

        Raises:
            ShapeError: The blocks do not fit together; the message names the block.
        """
        if self.input_shape is None:
            raise ShapeError(
                f"{self.name} does not know its input: say space.bind(input_shape=(3, 32, 32), outputs=10)"
            )
        net = Wiring(self.outputs or 0)
        x = Value(-1, self.input_shape)
        keys = self._slots.keys(self._choices(architecture))
        for key, (path, block) in zip(keys, self.blocks(architecture), strict=True):
            first, parts = len(net.layers), len(net.blocks)
            with net.scope(path, key):
                x = block.write(net, x)
            if len(net.layers) > first and len(net.blocks) == parts:
                net.blocks.append(BlockSpan(path, block.label, first, len(net.layers) - 1))
        if not net.layers:
            raise ShapeError(
                f"{self.name}: no layer at all in {self.text(architecture) or 'its one architecture'}; "
                "add a block that is always there, such as a classifier"
            )
        return Network(self.input_shape, tuple(net.layers), tuple(net.blocks))

    def describe(self) -> str:
        """Returns a table for a reader: each decision, its options, and beside what it exists."""
        return describe_space(self)

    def check(self, samples: int = 64, seed: int = 0) -> None:
        """Writes corner and random architectures as layers, to find misfits before any training.

        Raises:
            SpaceError: Some do not fit (mostly a ShapeError); the message names the decisions to blame.
            InfeasibleSpace: None fit.
        """
        check_space(self, samples, seed)


def _remade(tree: Sequence, name: str, input_shape: Shape | None, outputs: int | None) -> Space:
    named = dict(zip(tree.names or (), tree.blocks, strict=True)) if tree.names else {}
    return Space(
        *(() if named else tree.blocks), name=name, input_shape=input_shape, outputs=outputs, **named
    )
