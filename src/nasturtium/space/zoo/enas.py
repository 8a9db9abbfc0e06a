"""The two spaces of ENAS: whole networks and cells (Pham, Guan, Zoph, Le and Dean 2018, arXiv:1802.03268)."""

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from nasturtium.space.block import Block, unknown_op
from nasturtium.space.blocks import classifier
from nasturtium.space.choice import choice
from nasturtium.space.graph import INPUT, OUTPUT, Graph
from nasturtium.space.space import Space
from nasturtium.space.wiring import Blend, Value, Wiring
from nasturtium.space.zoo import check_size
from nasturtium.space.zoo.cells import PairCell, Tower, stages
from nasturtium.space.zoo.nasnet import pair
from nasturtium.space.zoo.operations import factorised_reduction

# In the order of the release (melodyguan/enas), which names operations by number.
MACRO_OPS = ("conv_3x3", "sep_conv_3x3", "conv_5x5", "sep_conv_5x5", "avg_pool_3x3", "max_pool_3x3")
MICRO_OPS = ("sep_conv_3x3", "sep_conv_5x5", "avg_pool_3x3", "max_pool_3x3", "skip_connect")
BLOCKS = 5
# 15 normal cells and two reductions: melodyguan/enas, src/cifar10/micro_child.py and cifar10_micro_final.sh.
MICRO_LAYOUT = stages(5)


@dataclass(frozen=True)
class MacroTower(Block):
    """Layers one on another, each of which may also read any of those before it.

    As in the release's networks that are trained alone (src/cifar10/general_child.py, ``_fixed_layer``) a 1x1
    convolution reads all of them; it is written as one for each and their sum, which is the same.

    Differs: The release writes separable convolutions as full ones there; here they are as in its search. An
    earlier output is halved only where a layer still reads it, and through an activation.

    Attributes:
        layers: Per layer its operation, and whether it reads the stem and each layer before the last one.
        filters: Channels of the first third.
    """

    layers: tuple[tuple[Any, tuple[Any, ...]], ...]
    filters: int
    mixes: ClassVar[bool] = True

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes stem and layers; after the first and the second third sides are halved, channels doubled."""
        filters, third = self.filters, len(self.layers) // 3
        with net.part("stem", f"conv 3x3 -> {filters}"):
            given = [net.norm(net.conv(x, filters, 3))]
        for number, (op, skips) in enumerate(self.layers):
            if number in (third, 2 * third):
                filters *= 2
                given = self._halved(net, given, filters)
            with net.part(f"layer{number + 1}", f"{op} -> {filters}"):
                made = net.mixed(op, partial(operate, net, given[-1], filters))
                assert made is not None
                given.append(self._joined(net, made, given, skips) if number else made)
        return given[-1]

    def _halved(self, net: Wiring, given: list[Value], filters: int) -> list[Value]:
        """What was given so far at half the sides, as far as a layer still reads it."""
        done = len(given) - 1
        read = {
            place for _, skips in self.layers[done:] for place, taken in enumerate(skips) if _may_be(taken)
        } | {done}
        halves = list(given)
        with net.part(f"halve{filters}", f"halved -> {filters}"):
            for place in sorted(read & set(range(len(given)))):
                with net.scope(f"from{place}"):
                    halves[place] = factorised_reduction(net, given[place], filters)
        return halves

    def _joined(self, net: Wiring, made: Value, given: list[Value], skips: tuple[Any, ...]) -> Value:
        """The 1x1 convolution over a layer's own output and the earlier ones that it reads."""
        filters = made.channels

        def read(place: int, taken: bool) -> Value | None:
            return net.conv(net.act(given[place]), filters) if taken else None

        with net.scope("join"):
            parts: list[Value | None] = [net.conv(net.act(made), filters)]
            for place, taken in enumerate(skips):
                with net.scope(f"from{place}"):
                    parts.append(net.mixed(taken, partial(read, place)))
            return net.norm(net.add(*(part for part in parts if part is not None)))

    def graph(self) -> Graph:
        """The layers with operations on nodes; the input stands for the stem."""
        edges = {(len(self.layers), len(self.layers) + 1)}
        for number, (_, skips) in enumerate(self.layers):
            reads = (number, *(place for place, taken in enumerate(skips) if taken))
            edges |= {(place, number + 1) for place in reads}
        names = (INPUT, *(f"layer{number}" for number in range(1, len(self.layers) + 1)), OUTPUT)
        return Graph(names, (INPUT, *(op for op, _ in self.layers), OUTPUT), tuple(sorted(edges)))

    @property
    def label(self) -> str:
        """For example ``12 layers``."""
        return f"{len(self.layers)} layers"


def _may_be(taken: Any) -> bool:
    """Whether an earlier output is read, or by one of several options."""
    return any(option for _, option in taken.parts) if isinstance(taken, Blend) else bool(taken)


def operate(net: Wiring, x: Value, filters: int, op: str) -> Value:
    """Writes an operation of the macro space: 1x1, normalisation, ReLU, and then the operation itself.

    Raises:
        UnknownOp: It is none of `MACRO_OPS`.
    """
    if op not in MACRO_OPS:
        raise unknown_op("ENAS layer", op, MACRO_OPS)
    x = net.act(net.norm(net.conv(x, filters)))
    kind, _, kernel = op.rpartition("_")
    side = int(kernel[0])
    if kind.endswith("pool"):
        return net.pool(x, kind[:3], side)
    if kind == "conv":
        return net.act(net.norm(net.conv(x, filters, side)))
    x = net.conv(x, filters, side, groups=filters, name="depthwise")
    return net.act(net.norm(net.conv(x, filters, name="pointwise")))


def enas_macro(size: str = "small") -> Space:
    """Returns the space of whole networks: per layer one operation of 6, and which layers before it it reads.

    6^L 2^(L (L - 1) / 2) architectures: 1.6e29 with the 12 layers that were searched.

    Args:
        size: ``small`` has 6 layers of 8 filters, ``published`` 12 of 36.
    """
    check_size(size)
    layers, filters = (6, 8) if size == "small" else (12, 36)
    names = ("stem", *(f"layer{number}" for number in range(1, layers)))
    tower = MacroTower(
        tuple(
            (
                choice(*MACRO_OPS, name=f"layer{number + 1}.op"),
                tuple(
                    choice(False, True, name=f"layer{number + 1}.{name}", labels=("no", "yes"))
                    for name in names[:number]
                ),
            )
            for number in range(layers)
        ),
        filters,
    )
    return Space(
        layers=tower,
        classifier=classifier(),
        name="enas_macro" if size == "small" else "enas_macro-published",
        input_shape=(3, 32, 32),
        outputs=10,
    )


def enas_micro(size: str = "small") -> Space:
    """Returns the space of cells: per block two states and an operation of 5 on each, added.

    The cell's output is all states that no block reads, the two given ones among them. prod (5 n)^2 over n of
    2 to 6 is 5.1e12 cells; 2.6e25 pairs of a normal cell and a reduction.

    Args:
        size: ``small`` has one normal cell per stage and 8 filters; ``published`` has 5 and 36, the network
            that is trained on CIFAR-10.
    """
    check_size(size)
    layout, filters = (stages(1), 8) if size == "small" else (MICRO_LAYOUT, 36)
    normal, reduction = (
        PairCell(
            tuple(
                pair(f"{cell}.block{number}", number + 1, MICRO_OPS, ("add",))
                for number in range(1, BLOCKS + 1)
            ),
            output="unread",
        )
        for cell in ("normal", "reduction")
    )
    return Space(
        cells=Tower(normal, reduction, filters, layout, stem=3 * filters, style="enas"),
        classifier=classifier(),
        name="enas_micro" if size == "small" else "enas_micro-published",
        input_shape=(3, 32, 32),
        outputs=10,
    )
