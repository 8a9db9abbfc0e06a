"""What the OTMANN distance knows of a network: its layers' labels, masses and places."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nasturtium.space.layers import (
    Activation,
    Conv2d,
    Custom,
    GlobalPool,
    Layer,
    Linear,
    Network,
    Op,
    Pool,
    Zero,
    both,
)

Kind = Literal["cnn", "mlp"]
Floats = NDArray[np.float64]
SIGMOIDS = frozenset({"sigmoid", "hardsigmoid", "logistic", "tanh"})
UNACTIVATED = "linear"
LEAST_END_MASS = 100.0  # of the input, of the output and of the decision layer
END_SHARE = 0.1  # of the mass of all processing layers, for each of the same three
FC_SHARE = 0.1  # of a fully connected layer's mass, in a convolutional network


class Label(NamedTuple):
    """What a layer does, as far as matching it with another goes.

    Attributes:
        family: ``ip``, ``op``, ``decision``, ``conv``, ``pool``, ``fc``, ``zero`` or ``custom``; layers of
            different families are never matched.
        kind: Which of the family: ``full`` or ``grouped``, ``max`` or ``avg``, an activation, a class.
        kernel: Side of a convolution's kernel, else 0.
    """

    family: str
    kind: str = ""
    kernel: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """The layers of one family.

    Attributes:
        labels: Different labels of these layers.
        which: Number of each layer's label, [layers].
        masses: Of each layer, [layers].
        places: Path lengths of each layer, [layers, directions * statistics * groups].
    """

    labels: tuple[Label, ...]
    which: NDArray[np.intp]
    masses: Floats
    places: Floats


@dataclass(frozen=True, slots=True)
class Profile:
    """What the distance knows of a network. Equal where it is, whatever the order of the layers.

    Attributes:
        parts: The layers by family.
        mass: Of all layers together.
        digest: Of all of the above.
    """

    parts: dict[str, Part] = field(compare=False)
    mass: float = field(compare=False)
    digest: bytes


class Node(NamedTuple):
    """One layer of the graph that paths are measured in; its parents come before it."""

    label: Label
    mass: float
    parents: tuple[int, ...]


def profile(network: Network, kind: Kind) -> Profile:
    """Returns what the OTMANN distance knows of a network.

    Kandasamy et al. 2018, section 2 and appendix A (arXiv:1802.07191), with the rules of their code: the mass
    of a layer is (incoming units) * (own units), of a pooling its channels, of a fully connected layer of a
    convolutional network a tenth; the input, the output and the decision layer have a tenth of all these
    together each, at least 100. A layer's place is the lengths of the shortest, the longest and the random
    path to the output and from the input, counting all layers, or only those of one group.

    Differs: norms, activations, sums, concatenations and products are no layers but edges, since they hold no
    weights worth the name. A grouped convolution is a kind of its own with mass / groups. A layer of zeros
    counts as a layer that matches only its like. Layers whose output is not used are left out.

    Args:
        network: The network; its last layer is the output.
        kind: ``cnn`` or ``mlp``: which groups count, and whether a fully connected layer is known by its
            activation.
    """
    nodes = weighed(used(graph(network, kind)))
    return pack(nodes, np.concatenate([places(nodes, kind, to_output=up) for up in (True, False)], axis=1))


def graph(network: Network, kind: Kind) -> list[Node]:
    """Returns the input, the layers that process, and the output, with the edges between them.

    The decision layer, which the output reads, is the network's final linear layer, or an empty one after its
    last layer. Input, decision layer and output have no mass yet.
    """
    nodes = [Node(Label("ip"), 0.0, ())]
    sources: list[tuple[int, ...]] = []  # of each layer: the nodes whose values come out of it
    for i, layer in enumerate(network.layers):
        parents = tuple(sorted({node for j in layer.inputs for node in (sources[j] if j >= 0 else (0,))}))
        label = _label(layer, network.layers[i + 1 :], kind)
        if label is None:
            sources.append(parents)
        else:
            sources.append((len(nodes),))
            nodes.append(Node(label, _mass(layer, kind), parents))
    last = sources[-1]
    if len(last) == 1 and nodes[last[0]].label.family == "fc":
        nodes[last[0]] = nodes[last[0]]._replace(label=Label("decision"), mass=0.0)
    else:
        nodes.append(Node(Label("decision"), 0.0, last))
        last = (len(nodes) - 1,)
    return [*nodes, Node(Label("op"), 0.0, last)]


def weighed(nodes: Sequence[Node]) -> list[Node]:
    """Returns the nodes with the masses of input, decision layer and output, which follow from the others."""
    end = max(END_SHARE * math.fsum(node.mass for node in nodes), LEAST_END_MASS)
    ends = {"ip", "decision", "op"}
    return [node._replace(mass=end) if node.label.family in ends else node for node in nodes]


def used(nodes: Sequence[Node]) -> list[Node]:
    """Returns the nodes on a way to the last one, in order."""
    needed = {len(nodes) - 1}
    for i in reversed(range(len(nodes))):
        if i in needed:
            needed.update(nodes[i].parents)
    number = {old: new for new, old in enumerate(sorted(needed))}
    return [nodes[i]._replace(parents=tuple(number[j] for j in nodes[i].parents)) for i in sorted(needed)]


def places(nodes: Sequence[Node], kind: Kind, *, to_output: bool) -> Floats:
    """Returns the path lengths of every node in one direction, [nodes, 3 * groups].

    Shortest, longest, random walk, each over the groups: all layers, then conv, pool, fc (a convolutional
    network) or rectifiers, sigmoids (a perceptron). A path's length is the number of its layers that belong
    to the group, the node itself included and the end aside.
    """
    groups = GROUPS[kind]
    count, following = len(groups), followers(nodes)
    rows: list[list[float]] = [[0.0] * 3 * count for _ in nodes]
    for i in reversed(range(len(nodes))) if to_output else range(len(nodes)):
        onward = following[i] if to_output else nodes[i].parents
        if not onward:
            continue  # the end itself
        ahead = rows[onward[0]]
        if len(onward) > 1:
            columns = list(zip(*(rows[j] for j in onward), strict=True))
            shortest, longest, walks = columns[:count], columns[count : 2 * count], columns[2 * count :]
            # fsum, so that the order of the ways does not decide the last bit.
            walk = [math.fsum(column) / len(onward) for column in walks]
            ahead = [*map(min, shortest), *map(max, longest), *walk]
        own = [float(group(nodes[i].label)) for group in groups]
        rows[i] = [length + one for length, one in zip(ahead, own * 3, strict=True)]
    return np.array(rows)


def followers(nodes: Sequence[Node]) -> list[list[int]]:
    """Returns the nodes that read each node."""
    following: list[list[int]] = [[] for _ in nodes]
    for i, node in enumerate(nodes):
        for parent in node.parents:
            following[parent].append(i)
    return following


GROUPS: dict[Kind, tuple[Callable[[Label], bool], ...]] = {
    "cnn": (
        lambda label: True,
        lambda label: label.family == "conv",
        lambda label: label.family == "pool",
        lambda label: label.family == "fc",
    ),
    "mlp": (
        lambda label: True,
        lambda label: label.family == "fc" and label.kind not in {*SIGMOIDS, UNACTIVATED},
        lambda label: label.family == "fc" and label.kind in SIGMOIDS,
    ),
}


def pack(nodes: Sequence[Node], lengths: Floats) -> Profile:
    """Returns the nodes by family, sorted, those that are alike in label and place joined into one.

    Mass of one label at one place costs the same to move whichever layer it is from, so to join is exact.
    """
    joined: dict[tuple[Label, tuple[float, ...]], list[float]] = {}
    for node, place in zip(nodes, lengths.tolist(), strict=True):
        joined.setdefault((node.label, tuple(place)), []).append(node.mass)
    rows = sorted((label, place, math.fsum(masses)) for (label, place), masses in joined.items())
    parts = {}
    for family in dict.fromkeys(label.family for label, _, _ in rows):
        own = [row for row in rows if row[0].family == family]
        labels = tuple(dict.fromkeys(label for label, _, _ in own))
        parts[family] = Part(
            labels,
            np.array([labels.index(label) for label, _, _ in own], dtype=np.intp),
            np.array([mass for _, _, mass in own]),
            np.array([place for _, place, _ in own]),
        )
    mass = math.fsum(mass for _, _, mass in rows)
    return Profile(parts, mass, digest_of(parts))


def digest_of(parts: dict[str, Part]) -> bytes:
    """Returns 16 bytes that are equal for equal parts."""
    digest = blake2b(digest_size=16)
    for part in parts.values():
        digest.update(repr((part.labels, part.places.shape)).encode())
        for column in (part.which, part.masses, part.places):
            digest.update(column.tobytes())
    return digest.digest()


def _label(layer: Layer, later: Sequence[Layer], kind: Kind) -> Label | None:
    """Returns the label of a layer that processes, None of one that only passes on."""
    match layer.op:
        case Conv2d(kernel=kernel, groups=groups):
            return Label("conv", "grouped" if groups > 1 else "full", max(both(kernel)))
        case Pool() | GlobalPool() as pool:
            return Label("pool", pool.kind if isinstance(pool, Pool) else "avg")
        case Linear():
            return Label("fc", _activation(later) if kind == "mlp" else "")
        case Zero():
            return Label("zero")
        case Custom(block=block):
            return Label("custom", type(block).__qualname__)
    return None


def _activation(later: Sequence[Layer]) -> str:
    """Returns the activation that comes before the next layer with weights."""
    for layer in later:
        if isinstance(layer.op, Activation):
            return layer.op.kind
        if isinstance(layer.op, Linear | Conv2d | Custom):
            break
    return UNACTIVATED


def _mass(layer: Layer, kind: Kind) -> float:
    op: Op = layer.op
    match op:
        case Conv2d(inputs=inputs, outputs=outputs, groups=groups):
            return inputs * outputs / groups
        case Linear(inputs=inputs, outputs=outputs):
            return inputs * outputs * (FC_SHARE if kind == "cnn" else 1.0)
        case Custom(input_shape=shape):
            return float(shape[0] * layer.shape[0])
    return float(layer.shape[0])  # a pooling, or zeros: as many as its channels
