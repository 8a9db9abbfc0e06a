"""A block: a frozen dataclass that writes itself into a network; any field of it may be a choice.

A block of your own is one dataclass. Either write its layers, and every part of the toolkit understands it:

    @dataclass(frozen=True)
    class Bottleneck(Block):
        out: int
        def wire(self, net, x):
            y = net.act(net.norm(net.conv(x, self.out // 4, 1)))
            return net.add(x, net.norm(net.conv(y, self.out, 1)))

or, for a torch module of your own, subclass `CustomBlock` and give ``build(self, shape) -> torch.nn.Module``.
"""

import re
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

from nasturtium.errors import SpaceError, UnknownOp
from nasturtium.space.choice import choice, is_word
from nasturtium.space.graph import Graph
from nasturtium.space.layers import Shape
from nasturtium.space.wiring import Value, Wiring


@dataclass(frozen=True)
class Block:
    """A part of a network: a frozen dataclass. Once the choices in its fields are taken, `wire` is called.

    Attributes:
        mixes: Whether `wire` takes a `Blend` in its fields, and hands it to ``net.mixed``, as cells do whose
            operations a supernet mixes edge by edge. Of any other block a supernet mixes whole variants.
        widths: Fields that are numbers of channels, which a wider network has more of (`scale.scaled`).
    """

    mixes: ClassVar[bool] = False
    widths: ClassVar[tuple[str, ...]] = ("out",)

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes the block's layers into `net` and returns their output."""
        raise SpaceError(f"{type(self).__name__} must define wire(net, x), which returns its output")

    def write(self, net: Wiring, x: Value) -> Value:
        """Calls `wire` and makes sure that it returned a value.

        Raises:
            SpaceError: It did not.
        """
        y = self.wire(net, x)
        if not isinstance(y, Value):
            raise SpaceError(
                f"{type(self).__name__}.wire returned {y!r}; it must return the output of its layers"
            )
        return y

    def canonical(self) -> object:
        """Returns what blocks of one function share: itself unless it knows more, None if it does nothing."""
        return self

    def graph(self) -> Graph | None:
        """Returns the graph of a cell, operations on nodes; None for a block that is not a cell."""
        return None

    @property
    def label(self) -> str:
        """What a reader calls it: its kind and the fields that differ from their defaults."""
        given = [(one.name, getattr(self, one.name)) for one in fields(self)]
        return " ".join(
            (self.kind(), *(f"{name}={value}" for name, value in given if not isinstance(value, Block)))
        )

    @classmethod
    def kind(cls) -> str:
        """Returns its name in texts: ``InvertedResidual`` is ``inverted_residual``."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


@dataclass(frozen=True)
class CustomBlock(Block):
    """A block around a user's own ``torch.nn.Module``: subclass it and give ``build(self, shape)``."""

    def build(self, shape: Shape) -> Any:
        """Returns a ``torch.nn.Module`` for inputs of [*shape]."""
        raise NotImplementedError(f"{type(self).__name__} must define build(shape) -> torch.nn.Module")

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes the module as one layer; its output shape is found by running it without data."""
        from nasturtium.space.custom import output_shape

        return net.custom(x, self, output_shape(self, x.shape))


@dataclass(frozen=True)
class Identity(Block):
    """Passes its input on."""

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes nothing."""
        return x


@dataclass(frozen=True)
class Sequence(Block):
    """Blocks one after another. `names` may give each its part of the path."""

    blocks: tuple[Block, ...]
    names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.names is not None and len(self.names) != len(self.blocks):
            raise SpaceError(f"{len(self.names)} names for {len(self.blocks)} blocks; give one each, or none")
        names = self.names or ()
        for name in names:
            if not is_word(name) or "." in name or names.count(name) > 1:
                raise SpaceError(
                    f"blocks called {', '.join(map(repr, names))}: each needs a name of its own, "
                    f"without spaces, dots and '='; {name!r} is not one"
                )

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes every block, each under its name."""
        for name, block in zip(child_names(self), self.blocks, strict=True):
            with net.scope(name):
                x = block.write(net, x)
        return x


@dataclass(frozen=True)
class Repeat(Block):
    """Copies of one block, one after another. Made by `repeat`."""

    block: Any
    times: Any
    stride: int | None = None


def repeat(block: Any, times: Any, *, stride: int | None = None) -> Repeat:
    """Returns `times` copies of a block, one after another; `times` may be a choice.

    Copies decide afresh: the kernel of the second copy is another decision than that of the first, unless the
    choice has a name or is used outside this repeat as well.

    Args:
        block: A block, a choice of blocks, or a sequence.
        times: How many; with a choice, later copies exist only where it is large enough.
        stride: Given to the first copy; the others get 1. None leaves the block's own stride in every copy.
    """
    return Repeat(block, times, stride)


def optional(block: Any, *, name: str | None = None) -> Any:
    """Returns the choice between a block and nothing."""
    return choice(block, Identity(), name=name)


def sequence(*blocks: Any, **named: Any) -> Sequence:
    """Returns blocks one after another; a keyword gives a block its name in paths."""
    names = (*child_names(Sequence(blocks)), *named) if named else None
    return Sequence((*blocks, *named.values()), names)


def child_names(parent: Sequence) -> tuple[str, ...]:
    """Returns each block's part of the path: ``stem``, ``stage1``, ``stage2``, ``conv2``..."""
    if parent.names is not None:
        return parent.names
    kinds = [_child_kind(block) for block in parent.blocks]
    seen: dict[str, int] = {}
    names = []
    for kind in kinds:
        seen[kind] = seen.get(kind, 0) + 1
        numbered = kinds.count(kind) > 1 or kind == "stage"
        names.append(f"{kind}{seen[kind]}" if numbered else kind)
    return tuple(names)


def with_stride(block: Block, stride: int) -> Block:
    """Returns the block with `stride`.

    Raises:
        SpaceError: The block has no field called ``stride``, and the stride asked for is not 1.
    """
    if any(one.name == "stride" for one in fields(block)):
        return replace(block, **{"stride": stride})  # a field of the subclass, as just seen
    if stride == 1:
        return block
    raise SpaceError(
        f"repeat(..., stride={stride}) needs a block with a field `stride`; {block.kind()} has none: "
        "give it one, or put the stride into a block before the repeat"
    )


def unknown_op(where: str, given: str, known: tuple[str, ...]) -> UnknownOp:
    """Returns the error for an operation that a block does not have."""
    return UnknownOp(f"{where}: no op {given!r}; this space has {', '.join(known)}")


def _child_kind(block: Any) -> str:
    if isinstance(block, Repeat):
        return "stage"
    return block.kind() if isinstance(block, Block) else "choice"
