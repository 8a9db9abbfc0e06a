"""Convolutional neural fabrics: a trellis of layers and scales (Saxena, Verbeek 2016, arXiv:1606.02492)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, TypeAlias

from nasturtium.errors import SpaceError
from nasturtium.space.block import Block, CustomBlock
from nasturtium.space.blocks import classifier
from nasturtium.space.choice import choice
from nasturtium.space.layers import Shape
from nasturtium.space.space import Space
from nasturtium.space.wiring import Blend, Value, Wiring
from nasturtium.space.zoo import check_size

Node: TypeAlias = tuple[int, int]  # layer and scale, each from 0; scale 0 is the finest
Incoming: TypeAlias = Mapping[
    Node, Sequence[tuple[Node, Any]]
]  # per node, those it reads and whether it does


@dataclass(frozen=True)
class Interleave(CustomBlock):
    """Doubles the sides: a zero after every cell, to the right and below."""

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes it as one layer without weights."""
        channels, height, width = x.shape
        return net.custom(x, self, (channels, 2 * height, 2 * width), name="interleave")

    def build(self, shape: Shape) -> Any:
        """Returns a ``torch.nn.Module`` of torch's own parts."""
        from torch import nn

        apart = nn.Unflatten(3, (-1, 1)), nn.Unflatten(2, (-1, 1))  # [batch, channels, height, 1, width, 1]
        together = nn.Flatten(4, 5), nn.Flatten(2, 3)
        return nn.Sequential(*apart, nn.ConstantPad3d((0, 1, 0, 0, 0, 1), 0.0), *together)


@dataclass(frozen=True)
class Fabric(Block):
    """All nodes of a trellis, and the edges that were not pruned.

    A node is the response maps of one layer at one scale: the sum of a 3x3 convolution for each edge into it,
    then a norm and ReLU. An edge comes from the layer before, from the next finer scale (stride 2), the same,
    or the next coarser (zeros interleaved, then the convolution). The input enters at the finest scale and
    goes down within the first layer; within the last one all goes down to the coarsest scale, which is read.

    What no longer lies between input and output is not written; without any way the output is all 0.

    Attributes:
        edges: Whether edges are there, per layer but the first, per scale: from the finer, the same and the
            coarser scale of the layer before, as far as there are such, and in the last layer from its own
            finer one, in this order.
        channels: Of every node.
        sparse: Whether a channel reads three neighbours in a ring, not all channels.
    """

    edges: tuple[tuple[tuple[Any, ...], ...], ...]
    channels: int
    sparse: bool = False
    mixes: ClassVar[bool] = True

    @property
    def layers(self) -> int:
        """Nodes of one scale."""
        return len(self.edges) + 1

    @property
    def scales(self) -> int:
        """Nodes of one layer."""
        return len(self.edges[0])

    def incoming(self) -> Incoming:
        """Returns what each node but the first reads, in an order in which they can be computed."""
        found: dict[Node, list[tuple[Node, Any]]] = {
            (0, scale): [((0, scale - 1), True)] for scale in range(1, self.scales)
        }
        for layer, rows in enumerate(self.edges, 1):
            for scale, taken in enumerate(rows):
                sources = sources_of((layer, scale), self.layers, self.scales)
                found[layer, scale] = list(zip(sources, taken, strict=True))
        return found

    def live(self) -> dict[Node, list[tuple[Node, Any]]]:
        """Returns the same for those nodes and edges only that lie between input and output."""
        incoming, end = self.incoming(), (self.layers - 1, self.scales - 1)
        reached, wanted = {(0, 0)}, {end}
        for node, edges in incoming.items():
            if any(source in reached and _may_be(taken) for source, taken in edges):
                reached.add(node)
        for node in reversed(tuple(incoming)):
            if node in wanted:
                wanted |= {source for source, taken in incoming[node] if source in reached and _may_be(taken)}
        return {
            node: [(source, taken) for source, taken in edges if source in reached and _may_be(taken)]
            for node, edges in incoming.items()
            if node in reached & wanted or (end not in reached and node[0] == 0)
        }

    def wire(self, net: Wiring, x: Value) -> Value:
        """Writes the nodes, layer after layer, from the finest scale to the coarsest."""
        with net.part("layer1.scale1", "input"):
            known = {(0, 0): net.act(net.norm(net.conv(x, self.channels, 3)))}
        sides = self._sides(known[0, 0].shape[1:])
        for (layer, scale), edges in self.live().items():
            with net.part(f"layer{layer + 1}.scale{scale + 1}", f"{len(edges)} edges"):
                parts = []
                for source, taken in edges:
                    step = scale - source[1]
                    write = partial(self._convolved, net, known[source], step, sides[scale])
                    with net.scope(edge_name(source, layer)):
                        parts.append(net.mixed(taken, write))
                total = net.add(*(part for part in parts if part is not None))
                known[layer, scale] = net.act(net.norm(total))
        end = self.layers - 1, self.scales - 1
        return known[end] if end in known else net.zero(known[0, self.scales - 1])

    def _sides(self, finest: Sequence[int]) -> list[tuple[int, ...]]:
        """Height and width of each scale."""
        sides = [tuple(finest)]
        for _ in range(self.scales - 1):
            sides.append(tuple((side + 1) // 2 for side in sides[-1]))
        return sides

    def _convolved(
        self, net: Wiring, x: Value, step: int, sides: tuple[int, ...], taken: bool
    ) -> Value | None:
        """An edge that goes `step` scales down: 1, 0 or -1."""
        if not taken:
            return None
        if step < 0:
            x = Interleave().wire(net, x)
            rows, columns = (wanted - side for wanted, side in zip(sides, x.shape[1:], strict=True))
            if rows or columns:  # a side that was odd was halved to more than its half
                x = net.pad(x, rows=(0, rows), columns=(0, columns))
        stride = 2 if step > 0 else 1
        if not self.sparse:
            return net.conv(x, self.channels, 3, stride=stride)
        ring = [
            net.conv(neighbour, self.channels, 3, stride=stride, groups=self.channels)
            for neighbour in (*_neighbours(net, x), x)
        ]
        return net.add(*ring)

    def canonical(self) -> object:
        """The edges between input and output, and the sizes."""
        edges = [(node, source) for node, sources in self.live().items() for source, _ in sources]
        return (tuple(edges), self.layers, self.scales, self.channels, self.sparse)

    @property
    def label(self) -> str:
        """For example ``fabric of 8 layers, 6 scales``."""
        return f"fabric of {self.layers} layers, {self.scales} scales"


def sources_of(node: Node, layers: int, scales: int) -> list[Node]:
    """Returns the nodes that one of a later layer than the first may read."""
    layer, scale = node
    before = [(layer - 1, near) for near in (scale - 1, scale, scale + 1) if 0 <= near < scales]
    return [*before, (layer, scale - 1)] if layer == layers - 1 and scale else before


def edge_name(source: Node, layer: int) -> str:
    """Returns what an edge into a layer is called within its node."""
    return f"from{source[1] + 1}" if source[0] < layer else f"beside{source[1] + 1}"


def fabric(size: str = "small") -> Space:
    """Returns the fabric whose nodes read all channels: per edge, whether it stays.

    Args:
        size: ``small`` has 4 layers, 4 scales and 8 channels; ``published`` 8, 6 and 128, for CIFAR-10.
    """
    check_size(size)
    return trellis(4, 4, 8) if size == "small" else trellis(8, 6, 128, name="fabric-published")


def fabric_sparse(size: str = "small") -> Space:
    """Returns the fabric whose channels read three neighbours in a ring: per edge, whether it stays.

    Args:
        size: ``small`` has 4 layers, 4 scales and 8 channels; ``published`` 16, 6 and 64, for CIFAR-10.
    """
    check_size(size)
    if size == "small":
        return trellis(4, 4, 8, sparse=True, name="fabric_sparse")
    return trellis(16, 6, 64, sparse=True, name="fabric_sparse-published")


def trellis(layers: int, scales: int, channels: int, *, sparse: bool = False, name: str = "fabric") -> Space:
    """Returns a fabric of any size; every edge may go but those down the first layer.

    Args:
        layers: 2 or more.
        scales: 1 or more; 1 + log2 of the sides goes down to a single cell.
        channels: Of every node.
        sparse: Whether a channel reads three neighbours in a ring, not all channels.
        name: Of the space.

    Raises:
        SpaceError: A number is too small.
    """
    if layers < 2 or scales < 1 or channels < 1:
        raise SpaceError(
            f"a fabric of {layers} layers, {scales} scales and {channels} channels; it must have 2 or more "
            "layers and 1 or more of the others"
        )
    edges = tuple(
        tuple(_decisions((layer, scale), layers, scales) for scale in range(scales))
        for layer in range(1, layers)
    )
    return Space(
        fabric=Fabric(edges, channels, sparse),
        classifier=classifier(),
        name=name,
        input_shape=(3, 32, 32),
        outputs=10,
    )


def _decisions(node: Node, layers: int, scales: int) -> tuple[Any, ...]:
    place = f"layer{node[0] + 1}.scale{node[1] + 1}"
    names = [f"{place}.{edge_name(source, node[0])}" for source in sources_of(node, layers, scales)]
    return tuple(choice(False, True, name=name, labels=("no", "yes")) for name in names)


def _may_be(taken: Any) -> bool:
    """Whether an edge is there, or is one of several options."""
    return any(option for _, option in taken.parts) if isinstance(taken, Blend) else bool(taken)


def _neighbours(net: Wiring, x: Value) -> tuple[Value, Value]:
    """Each channel's neighbours in the ring: all channels moved up by one, and down by one."""
    if x.channels == 1:
        return x, x
    up = net.concat(net.take(x, x.channels - 1, 1), net.pad(x, channels=-1))
    return up, net.concat(net.take(x, 1, 1), net.take(x, 0, x.channels))
