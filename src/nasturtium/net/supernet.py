"""All the architectures of a space in one set of weights."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn

from nasturtium.architecture import Architecture, Mixture
from nasturtium.errors import ConfigError, SpaceError
from nasturtium.net.kernels import KernelTransforms, elastic_sides
from nasturtium.net.program import Program, Weights
from nasturtium.net.slices import bank, part
from nasturtium.space import layers as ir
from nasturtium.space.blend import blended
from nasturtium.space.sharing import WITH_WEIGHTS, shared_layers
from nasturtium.space.space import Space

Point: TypeAlias = Architecture | Mixture
Norms: TypeAlias = Literal["batch", "running"]
Kernels: TypeAlias = Literal["crop", "transformed"]

_PROGRAMS = 256  # remembered; a mixture's never changes, a path may come again
NORMS: tuple[Norms, ...] = ("batch", "running")
KERNELS: tuple[Kernels, ...] = ("crop", "transformed")


class Supernet(nn.Module):
    """Weights shared by all architectures of a space: `forward(x, point)` runs what the point uses.

    Choices of blocks have weights for each option; numbers (width, kernel, expansion, times of a repeat)
    share those of the largest: see `slices`. What runs is a point's own flat list of layers, so a path costs
    what its network would, and a mixture what its options with weight do. Nothing is ever "set": the point is
    an argument.

    Args:
        space: Bound to a task.
        seed: Of the initial weights.
        norms: ``running`` keeps running statistics, shared by all paths, and evaluates with them; ``batch``
            keeps none and always normalises by the batch, as one-shot methods do while they search (the
            statistics of one path are wrong for another: recalibrate what is extracted).
        affine: Whether norms have scale and shift; DARTS searches without.
        kernels: ``crop`` takes the centre of the largest kernel as a smaller one; ``transformed`` puts it
            through learnt matrices, see `KernelTransforms`, where convolutions are depthwise.
        recompute: Whether to keep few values for the backward pass and compute the others once more: memory
            for time (`bench/supernet.py` measures both).

    Attributes:
        space: The space.
        shared: The weights, by a layer's key and kind, for example ``stage1/block1/conv:conv2d``.
        convolutions: All different ones that its networks can have.

    Raises:
        ShapeError: The space is not bound, or does not fit together.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        norms: Norms = "running",
        affine: bool = True,
        kernels: Kernels = "crop",
        recompute: bool = False,
    ) -> None:
        super().__init__()
        for name, given, known in (("norms", norms, NORMS), ("kernels", kernels, KERNELS)):
            if given not in known:
                raise ConfigError(f"{name} is {given!r}; it must be one of {', '.join(known)}")
        self.space = space
        self.norms: Norms = norms
        self.kernels: Kernels = kernels
        self.recompute = recompute
        self.shared = nn.ModuleDict()
        self._names: dict[object, str] = {}  # in `shared`, by key and kind, or by key and user's block
        self._programs: OrderedDict[object, Program] = OrderedDict()
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            for (key, kind), ops in (found := shared_layers(space)).items():
                self._add(key, kind, ops, affine)
        every = (op for ops in found.values() for op in ops)
        self.convolutions = tuple(dict.fromkeys(op for op in every if isinstance(op, ir.Conv2d)))

    def __getstate__(self) -> dict[str, Any]:
        """Everything but what is remembered of points: that belongs to these very weights."""
        return self.__dict__ | {"_programs": OrderedDict()}

    def forward(self, x: Tensor, point: Point, weights: Weights | None = None) -> Tensor:
        """Returns logits [batch, outputs] for images [batch, *input_shape].

        Args:
            x: Images.
            point: The path or mixture to run.
            weights: Of a mixture, in place of its own numbers: tensors that want gradients, per decision
                [options].
        """
        if isinstance(point, Architecture):
            weights = ()
        elif weights is None:
            weights = mixture_weights(point, x)
        return self._program(point)(x, weights, training=self.training, recompute=self.recompute)

    def network(self, point: Point) -> ir.Network:
        """Returns the layers that run for a point.

        Raises:
            SpaceError: The point is of another space.
        """
        if isinstance(point, Architecture):
            return self.space.network(point)
        sizes = [len(decision.labels) for decision in self.space.decisions]
        if point.space != self.space.fingerprint or [len(row) for row in point.weights] != sizes:
            raise SpaceError(
                f"a mixture of another space ({point.space}) was given to the supernet of {self.space.name} "
                f"({self.space.fingerprint}), whose decisions have {sizes} options"
            )
        return blended(self.space, point.running)

    def state_of(self, network: ir.Network) -> Iterator[tuple[str, Tensor]]:
        """Yields the state of a path's plain module: its names, and views of the shared weights.

        A kernel that is transformed is no view, but what the weights make of it now.
        """
        for layer in network.layers:
            if (shared := self.bank(layer)) is not None:
                for name, view in part(layer.op, shared).items():
                    yield f"{layer.name}.{name}", view

    def bank(self, layer: ir.Layer) -> nn.Module | None:
        """Returns where the weights of a layer are; None for a layer that has none.

        Raises:
            SpaceError: The supernet has no weights for it.
        """
        op = layer.op
        if not isinstance(op, WITH_WEIGHTS):
            return None
        name = self._names.get((layer.key, op if isinstance(op, ir.Custom) else type(op)))
        if name is None:
            raise SpaceError(
                f"{layer.name}: the supernet of {self.space.name} has no weights for it ({layer.key}, {op}); "
                "a block with so many combinations that they were only sampled has one more: please report it"
            )
        return self.shared[name]

    def _add(self, key: str, kind: type, ops: Sequence[ir.Op], affine: bool) -> None:
        for number, group in enumerate([[op] for op in ops] if kind is ir.Custom else [list(ops)], 1):
            made = bank(group)
            if isinstance(made, nn.BatchNorm2d) and (self.norms == "batch" or not affine):
                running = self.norms == "running"
                made = nn.BatchNorm2d(made.num_features, affine=affine, track_running_stats=running)
            if self.kernels == "transformed" and (sides := elastic_sides(group)):
                made.transforms = KernelTransforms(sides)
            # No part of a module is called so, whatever labels a user gives: names never collide.
            name = f"{key.replace('/', '//').replace('.', '/')}:{kind.__name__.lower()}"
            name = name if number == 1 else f"{name}{number}"
            self.shared[name] = made
            self._names[key, group[0] if kind is ir.Custom else kind] = name

    def _program(self, point: Point) -> Program:
        key = point if isinstance(point, Architecture) else point.running
        program = self._programs.get(key)
        if program is None:
            program = self._programs[key] = Program(self.network(point), self.bank)
            if len(self._programs) > _PROGRAMS:
                self._programs.popitem(last=False)
        return program


def mixture_weights(mixture: Mixture, like: Tensor) -> list[Tensor]:
    """Returns the numbers of a mixture as tensors like `like`, per decision [options]."""
    return [torch.tensor(row, dtype=like.dtype, device=like.device) for row in mixture.weights]
