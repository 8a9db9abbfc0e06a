"""A search space: sampling, changing, numbering and naming the architectures of a tree of blocks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np

from nasturtium.architecture import Architecture
from nasturtium.errors import ShapeError, SpaceError, unknown
from nasturtium.space.blocks import Block, sequence
from nasturtium.space.census import Census, exists, take_census
from nasturtium.space.check import check_space
from nasturtium.space.compile import Compiled, Decision, compile_tree
from nasturtium.space.layers import BlockSpan, Network, Shape, Value, Wiring
from nasturtium.space.slots import Slot, walk

CACHED_BLOCKS = 200_000


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
        self._compiled: Compiled = compile_tree(self.tree)
        self.decisions: tuple[Decision, ...] = self._compiled.decisions
        self._conditional = [(i, d) for i, d in enumerate(self.decisions) if not d.always]
        self._sizes = tuple(len(decision.labels) for decision in self.decisions)
        self._all_active = (True,) * len(self.decisions)
        self._slots: dict[tuple[Any, ...], Slot] = {}

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
        """Digest of the decisions: equal where architectures of one space mean the same in the other."""
        text = repr(
            [
                (d.path, d.labels, [sorted((i, sorted(o)) for i, o in p) for p in d.places])
                for d in self.decisions
            ]
        )
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
        """Draws each decision uniformly, in order; `unrank(rng.integers(count))` is uniform over architectures instead."""
        draws = rng.random(len(self._sizes)).tolist()
        choices = [int(draw * size) for draw, size in zip(draws, self._sizes, strict=True)]
        for i, decision in self._conditional:
            if not exists(decision, choices):
                choices[i] = 0
        return Architecture(self.fingerprint, tuple(choices))

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """Changes one decision, drawn uniformly, to another option; decisions that come to exist are drawn afresh.

        Raises:
            SpaceError: No decision has a second option.
        """
        choices = self._choices(architecture)
        active = self.active(architecture)
        free = [
            i for i, (size, here) in enumerate(zip(self._sizes, active, strict=True)) if here and size > 1
        ]
        if not free:
            raise SpaceError(f"{self.name} has nothing to mutate: every decision has a single option")
        index = free[int(rng.random() * len(free))]
        step = 1 + int(rng.random() * (self._sizes[index] - 1))
        changed = list(choices)
        changed[index] = (choices[index] + step) % self._sizes[index]
        return self._settled(changed, active, lambda i: int(rng.random() * self._sizes[i]))

    def crossover(self, left: Architecture, right: Architecture, rng: np.random.Generator) -> Architecture:
        """Takes each decision from one parent or the other, where it exists in both; else from the one that has it."""
        parents = ((self._choices(left), self.active(left)), (self._choices(right), self.active(right)))
        draws = rng.random(len(self._sizes)).tolist()
        choices = [0] * len(self._sizes)
        for i, decision in enumerate(self.decisions):
            if not exists(decision, choices):
                continue
            having = [taken[i] for taken, active in parents if active[i]]
            choices[i] = having[int(draws[i] * len(having))] if having else int(draws[i] * self._sizes[i])
        return Architecture(self.fingerprint, tuple(choices))

    def neighbours(self, architecture: Architecture) -> Iterator[Architecture]:
        """Yields every architecture that differs in one decision; decisions that come to exist take their first option."""
        choices = self._choices(architecture)
        active = self.active(architecture)
        for index, size in enumerate(self._sizes):
            for option in range(size) if active[index] else ():
                if option != choices[index]:
                    changed = list(choices)
                    changed[index] = option
                    yield self._settled(changed, active, lambda _: 0)

    def active(self, architecture: Architecture) -> tuple[bool, ...]:
        """Returns, per decision, whether it exists in this architecture."""
        if not self._conditional:
            return self._all_active
        found = list(self._all_active)
        for i, decision in self._conditional:
            found[i] = exists(decision, architecture.choices)
        return tuple(found)

    def distance(self, left: Architecture, right: Architecture) -> int:
        """Number of decisions in which two architectures differ, counting one that only one of them has."""
        first, second = self.active(left), self.active(right)
        rows = zip(self._choices(left), self._choices(right), first, second, strict=True)
        return sum(a != b or here != there for a, b, here, there in rows)

    def _settled(self, choices: list[int], before: tuple[bool, ...], draw: Any) -> Architecture:
        for i, decision in self._conditional:
            if not exists(decision, choices):
                choices[i] = 0
            elif not before[i]:
                choices[i] = draw(i)
        return Architecture(self.fingerprint, tuple(choices))

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
        if len(choices) != len(self._sizes) or any(
            not 0 <= c < s for c, s in zip(choices, self._sizes, strict=True)
        ):
            return False
        return all(choices[i] == 0 or exists(decision, choices) for i, decision in self._conditional)

    def text(self, architecture: Architecture) -> str:
        """Returns a line that a person can read and `parse` reads back: ``stage1.times=2 stage1.block1.kernel=5``."""
        rows = zip(self.decisions, self._choices(architecture), self.active(architecture), strict=True)
        return " ".join(
            f"{decision.path}={decision.labels[option]}" for decision, option, here in rows if here
        )

    def parse(self, text: str) -> Architecture:
        """Returns the architecture of a line that `text` wrote.

        Raises:
            UnknownName: A decision or an option that the space does not have.
            SpaceError: A decision is missing, given twice, or does not exist beside the others.
        """
        given: dict[str, str] = {}
        for word in text.split():
            path, equals, label = word.rpartition("=")
            if not equals or path in given:
                raise SpaceError(
                    f"{word!r} in an architecture of {self.name}: write each decision once, as path=option"
                )
            given[path] = label
        for path in given:
            if path not in self._numbers:
                raise unknown("decision", path, self._numbers, where=self.name)
        choices = [0] * len(self.decisions)
        for i, decision in enumerate(self.decisions):
            here = exists(decision, choices)
            if here != (decision.path in given):
                problem = "is missing" if here else "does not exist beside the options taken before it"
                raise SpaceError(f"{decision.path} {problem}, in an architecture of {self.name}: {text!r}")
            if here:
                choices[i] = self._option(decision, given[decision.path])
        return Architecture(self.fingerprint, tuple(choices))

    def architecture(self, **options: Any) -> Architecture:
        """Returns the first architecture with the named decisions set, dots written as double underscores."""
        wanted = {path.replace("__", "."): str(label) for path, label in options.items()}
        choices = [0] * len(self.decisions)
        for i, decision in enumerate(self.decisions):
            if exists(decision, choices) and decision.path in wanted:
                choices[i] = self._option(decision, wanted.pop(decision.path))
        if wanted:
            raise unknown("decision", next(iter(wanted)), self._numbers, where=self.name)
        return Architecture(self.fingerprint, tuple(choices))

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {decision.path: i for i, decision in enumerate(self.decisions)}

    def _option(self, decision: Decision, label: str) -> int:
        if label not in decision.labels:
            raise unknown("option", label, decision.labels, where=f"{decision.path} of {self.name}")
        return decision.labels.index(label)

    def _choices(self, architecture: Architecture) -> tuple[int, ...]:
        if architecture.space != self.fingerprint:
            raise SpaceError(
                f"an architecture of another space (fingerprint {architecture.space}) was given to {self.name} ({self.fingerprint})"
            )
        return architecture.choices

    # The network

    def blocks(self, architecture: Architecture) -> list[tuple[str, Block]]:
        """Returns path and block of every part that exists, choices taken, from input to output."""
        return [(slot.path, slot.block) for slot in self.slots(architecture)]

    def slots(self, architecture: Architecture) -> list[Slot]:
        """Returns the blocks that exist, each resolved once per combination of its own decisions and kept."""
        return list(walk(self._compiled.plan, self._choices(architecture), self._slots))

    def canonical(self, architecture: Architecture) -> str:
        """Returns a digest that is equal for architectures that are the same network.

        Blocks that do nothing are left out, and a block that knows its symmetries (a cell) is reduced to what it
        computes; so a set of these removes repeats and a cache never trains one network twice.
        """
        parts = "\n".join(slot.canonical for slot in self.slots(architecture) if slot.canonical)
        return blake2b(parts.encode(), digest_size=12).hexdigest()

    def network(self, architecture: Architecture) -> Network:
        """Returns the architecture as layers with all shapes inferred; the space must be bound to a task's shapes.

        Raises:
            ShapeError: The blocks do not fit together; the message names the block.
        """
        if self.input_shape is None:
            raise ShapeError(
                f"{self.name} does not know its input: say space.bind(input_shape=(3, 32, 32), outputs=10)"
            )
        net = Wiring(self.outputs or 0)
        x = Value(-1, self.input_shape)
        spans: list[BlockSpan] = []
        for slot in self.slots(architecture):
            first = len(net.layers)
            x = slot.write(net, x)
            if len(net.layers) > first:
                spans.append(BlockSpan(slot.path, slot.block.label, first, len(net.layers) - 1))
        if not net.layers:
            raise ShapeError(
                f"{self.name}: this architecture has no layers at all: {self.text(architecture) or 'no decisions'}"
            )
        return Network(self.input_shape, tuple(net.layers), tuple(spans))

    def check(self, samples: int = 64, seed: int = 0) -> None:
        """Writes corner and random architectures as layers, without data, so that a misfit is found before any training.

        Raises:
            ShapeError: Some do not fit; the message names the decisions that every misfit shares.
            InfeasibleSpace: None fit.
        """
        check_space(self, samples, seed)
