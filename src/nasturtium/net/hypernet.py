"""A supernet whose kernels are written by another network that reads the architecture: SMASH."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from math import prod, sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional

from nasturtium.net.memory_bank import Encoding, MemoryBank
from nasturtium.net.program import Weights
from nasturtium.net.supernet import Norms, Point, Supernet
from nasturtium.space import layers as ir
from nasturtium.space.space import Space

DEPTH, WIDTH = 64, 8  # weights of a slot: channels of the last layer, and places side by side
SLOPE = 0.02  # of the leaky ReLU


class Hypernet(Supernet):
    """Weights of all architectures, written anew for each: `forward(x, point)` runs what the point uses.

    Brock, Lim, Ritchie and Weston 2018, SMASH: one-shot model architecture search through hypernetworks
    (arXiv:1708.05344), section 3.2. The encoding of an architecture (`MemoryBank`) is a picture of one row
    per slot of 512 weights; a densely connected network of 3x3 convolutions with leaky ReLU of slope 0.02
    reads it, so that each slot sees its neighbours, and 64 outputs at each of 8 places side by side are the
    weights of the slot. Wherever a supernet goes (training, inheritance, extraction) this one goes too.

    Differs: all kernels are written, not those of 1x1 convolutions alone, the others being learned; each slot
    also has a learned code, so that what is common to all networks need not be found from their encodings;
    features are embedded first, since there are far more of them; one dense block of `layers`, not three of
    8, 10 and 4; what is written is normalised to He et al.'s scale, per filter, where the paper has weight
    norm inside the hypernetwork; it decays like other weights, the paper's does not. Of widths and kernels
    the largest is written, and sliced as in a supernet. Norms, biases and linear layers are shared.

    Args:
        space: Bound to a task.
        seed: Of the initial weights.
        norms: As of a `Supernet`; the paper's are ``batch``.
        affine: Whether norms have scale and shift.
        units: Features that a row is embedded into.
        growth: Channels of each layer of the dense block.
        layers: Of the dense block.

    Raises:
        SpaceError: The space has no convolutions.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        norms: Norms = "batch",
        affine: bool = True,
        units: int = 32,
        growth: int = 10,
        layers: int = 8,
    ) -> None:
        super().__init__(space, seed=seed, norms=norms, affine=affine)
        for module in self.shared.values():
            if isinstance(module, nn.Conv2d):
                module.register_parameter("weight", None)  # a bias stays
        self.memory = MemoryBank(space, slot=DEPTH * WIDTH)
        self._written: Mapping[str, Tensor] = {}  # by layer, while a network runs
        channels = [units + growth * number for number in range(layers + 1)]
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed + 1)
            self.embed = nn.Linear(self.memory.features, units)
            self.codes = nn.Embedding(max(end for _, end in self.memory.slots.values()), units)
            self.across = nn.Parameter(torch.randn(units, WIDTH))
            self.dense = nn.ModuleList(
                nn.Conv2d(inputs, outputs - inputs, 3, padding=1) for inputs, outputs in pairwise(channels)
            )
            self.last = nn.Conv2d(channels[-1], DEPTH, 1)

    def forward(self, x: Tensor, point: Point, weights: Weights | None = None) -> Tensor:
        """Returns logits [batch, outputs] for images [batch, *input_shape], as a supernet does."""
        self._written = self.write(self.network(point))
        try:
            return super().forward(x, point, weights)
        finally:
            self._written = {}

    def state_of(self, network: ir.Network) -> Iterator[tuple[str, Tensor]]:
        """Yields the state of a path's plain module: its names, kernels written for it, shared weights."""
        self._written = self.write(network)
        try:
            yield from super().state_of(network)
        finally:
            self._written = {}

    def bank(self, layer: ir.Layer) -> nn.Module | None:
        """Returns where the weights of a layer are; those of a kernel are there only while a network runs."""
        shared = super().bank(layer)
        return _Written(self, layer, shared) if isinstance(layer.op, ir.Conv2d) else shared

    def written(self, layer: ir.Layer) -> Tensor:
        """Returns the kernel of a layer of the network that runs now."""
        return self._written[layer.name]

    def write(self, network: ir.Network) -> dict[str, Tensor]:
        """Returns the kernels of a network by the names of its layers, each as large as its largest size."""
        encoding = self.memory.encode(network)
        if not encoding.layers:
            return {}
        slots = torch.split(self._slots(encoding), [end - first for first, end in self._ranges(encoding)])
        kernels = {}
        for layer, numbers in zip(encoding.layers, slots, strict=True):
            shape = self.memory.shapes[layer.key]
            filters = functional.normalize(numbers.reshape(-1)[: prod(shape)].reshape(shape[0], -1), eps=1e-6)
            kernels[layer.name] = (sqrt(2) * filters).reshape(shape)
        return kernels

    def _ranges(self, encoding: Encoding) -> list[tuple[int, int]]:
        return [self.memory.slots[layer.key] for layer in encoding.layers]

    def _slots(self, encoding: Encoding) -> Tensor:
        """Returns what the hypernetwork writes, [slots, weights of a slot]."""
        like, ranges = self.across, self._ranges(encoding)
        repeats = torch.tensor([end - first for first, end in ranges], device=like.device)
        codes = torch.cat([self.codes.weight[first:end] for first, end in ranges])
        rows = torch.from_numpy(encoding.rows).to(like.device, like.dtype)
        of_slots = self.embed(rows).repeat_interleave(repeats, dim=0) + codes  # [slots, units]
        x = of_slots.T[None, :, :, None] + self.across[None, :, None, :]  # [1, units, slots, width]
        for layer in self.dense:
            x = torch.cat([x, layer(functional.leaky_relu(x, SLOPE))], dim=1)
        made: Tensor = self.last(functional.leaky_relu(x, SLOPE))  # [1, depth, slots, width]
        return made[0].permute(1, 0, 2).reshape(len(codes), -1)


class _Written(nn.Module):
    """Stands where a supernet has the shared weights of a convolution."""

    def __init__(self, hypernet: Hypernet, layer: ir.Layer, shared: nn.Module | None) -> None:
        super().__init__()
        self._of = (hypernet, layer, shared)  # in a tuple, so that they are no parts of this module

    @property
    def weight(self) -> Tensor:
        """What was written for the network that runs."""
        hypernet, layer, _ = self._of
        return hypernet.written(layer)

    @property
    def bias(self) -> Tensor | None:
        """The shared one."""
        shared = self._of[2]
        return None if shared is None else shared.bias  # type: ignore[return-value]
