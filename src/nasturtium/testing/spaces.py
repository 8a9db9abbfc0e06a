"""Random nested spaces for Hypothesis (which must be installed): whatever the language can say, but small."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from nasturtium.errors import SpaceError
from nasturtium.space import blocks as b
from nasturtium.space.block import Block, optional, repeat, sequence, with_stride
from nasturtium.space.choice import Choice, choice, largest
from nasturtium.space.space import Space

KERNELS = (1, 3, 5)


def spaces(largest_count: int | None = None) -> st.SearchStrategy[Space]:
    """Returns a strategy that draws random spaces, bound to images of [3, 8, 8] and 4 classes.

    They hold choices of numbers, named and shared choices, choices of choices, algebra, choices of blocks
    with choices inside, optional blocks, and repeats, also in one another and with a choice of times. A
    choice may be used inside and outside of a repeat, and a block in two places. Every architecture of them
    can be built, and they can be counted.

    Args:
        largest_count: Only spaces of at most that many architectures.
    """
    return _spaces(largest_count)


@st.composite
def _spaces(draw: st.DrawFn, largest_count: int | None) -> Space:
    grower = _Grower(draw)
    space = Space(
        *(grower.block(depth=3) for _ in range(draw(st.integers(1, 3)))),
        b.classifier(),
        name="drawn",
        input_shape=(3, 8, 8),
        outputs=4,
    )
    assume(_small_enough(space, largest_count))
    return space


def _small_enough(space: Space, largest_count: int | None) -> bool:
    try:
        count = space.count
    except SpaceError:  # so many choices that others depend on that it cannot be counted
        return False
    return largest_count is None or count <= largest_count


@dataclass(slots=True)
class _Grower:
    """Draws blocks, and remembers the choices and blocks drawn before, to use one twice."""

    draw: st.DrawFn
    numbers: list[Any] = field(default_factory=list)
    blocks: list[Any] = field(default_factory=list)
    named: int = 0

    def block(self, depth: int) -> Any:
        makers: list[Callable[[int], Any]] = [self._leaf, self._leaf]
        if depth:
            makers += [self._choice, self._optional, self._repeat, self._repeat, self._sequence]
        if self.blocks:
            makers.append(lambda _: self.draw(st.sampled_from(self.blocks)))
        made = self.draw(st.sampled_from(makers))(depth - 1)
        self.blocks.append(made)
        return made

    def _leaf(self, _: int) -> Block:
        kind = self.draw(
            st.sampled_from(["conv", "separable", "inverted_residual", "basic_block", "pool", "se"])
        )
        made: dict[str, Callable[[], Block]] = {
            "conv": lambda: b.conv(self.number(), kernel=self.kernel()),
            "separable": lambda: b.separable(self.number()),
            "inverted_residual": lambda: b.inverted_residual(self.number(), expand=self.number()),
            "basic_block": lambda: b.basic_block(self.number(), inner=self.number()),
            "pool": b.max_pool,
            "se": lambda: b.se(inner=self.number()),
        }
        return made[kind]()

    def _choice(self, depth: int) -> Any:
        options = [self.block(depth) for _ in range(self.draw(st.integers(1, 3)))]
        different = [one for i, one in enumerate(options) if all(one is not other for other in options[:i])]
        assume(len(set(map(repr, different))) == len(different))
        return choice(*different, name=self._name())

    def _optional(self, depth: int) -> Any:
        return optional(self.block(depth), name=self._name())

    def _repeat(self, depth: int) -> Block:
        block = self.block(depth)
        times = self._times() if self.draw(st.booleans()) else self.draw(st.integers(0, 2))
        stride = self.draw(st.sampled_from([None, 1, 2])) if _takes_stride(block) else None
        return repeat(block, times, stride=stride)

    def _sequence(self, depth: int) -> Block:
        return sequence(*(self.block(depth) for _ in range(self.draw(st.integers(1, 2)))))

    def number(self) -> Any:
        """A number from 1 up: given, chosen, calculated, or one that is used elsewhere as well."""
        makers: list[Callable[[], Any]] = [
            lambda: self.draw(st.integers(1, 4)),
            self._chosen,
            self._chosen,
            lambda: self._chosen() * 2,
            lambda: largest(self._chosen() - 1, 2),
            lambda: self._chosen() + self._chosen(),
            lambda: choice(choice(1, 2), 3),
        ]
        if self.numbers:
            makers += [
                lambda: self.draw(st.sampled_from(self.numbers)),
                lambda: self.draw(st.sampled_from(self.numbers)) * 2,
            ]
        return self.draw(st.sampled_from(makers))()

    def kernel(self) -> Any:
        return choice(*KERNELS[: self.draw(st.integers(1, 3))]) if self.draw(st.booleans()) else 3

    def _times(self) -> Any:
        shared = [one for one in self.numbers if max(one.options) <= 3]
        if self.draw(st.booleans()) and shared:
            return self.draw(st.sampled_from(shared))
        options = self.draw(st.lists(st.integers(0, 3), min_size=1, max_size=3, unique=True))
        return choice(*options, name=self._name())

    def _chosen(self) -> Choice:
        options = self.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3, unique=True))
        made: Choice = choice(*options, name=self._name())
        self.numbers.append(made)
        return made

    def _name(self) -> str | None:
        if self.draw(st.integers(0, 3)):
            return None
        self.named += 1
        return f"name{self.named}"


def _takes_stride(block: Any) -> bool:
    if isinstance(block, Choice):
        return all(map(_takes_stride, block.options))
    if isinstance(block, b.Repeat):
        return _takes_stride(block.block)
    if isinstance(block, b.Sequence):
        return bool(block.blocks) and _takes_stride(block.blocks[0])
    return with_stride(block, 1) is not block
