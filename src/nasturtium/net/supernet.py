"""All the architectures of a space in one set of weights."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from nasturtium.architecture import Architecture, Mixture
from nasturtium.errors import ConfigError, SpaceError
from nasturtium.net.build import channels, module, place
from nasturtium.net.mix import weighted_sum
from nasturtium.net.slices import bank, part
from nasturtium.space import layers as ir
from nasturtium.space.blend import blended
from nasturtium.space.sharing import shared_layers
from nasturtium.space.space import Space

Point: TypeAlias = Architecture | Mixture
Norms: TypeAlias = Literal["batch", "running"]
Weights: TypeAlias = Sequence[Tensor]  # of a mixture: per decision, [options]
Step: TypeAlias = Callable[[Sequence[Tensor], Weights], Tensor]

_PROGRAMS = 256  # remembered; a mixture's never changes, a path may come again
NORMS: tuple[Norms, ...] = ("batch", "running")


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

    Attributes:
        space: The space.

    Raises:
        ShapeError: The space is not bound, or does not fit together.
    """

    def __init__(self, space: Space, *, seed: int = 0, norms: Norms = "running", affine: bool = True) -> None:
        super().__init__()
        if norms not in NORMS:
            raise ConfigError(f"norms is {norms!r}; it must be one of {', '.join(NORMS)}")
        self.space = space
        self.norms: Norms = norms
        self._banks: dict[object, nn.Module] = {}
        self._programs: OrderedDict[object, _Program] = OrderedDict()
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            for (key, kind), ops in shared_layers(space).items():
                self._add(key, kind, ops, affine)

    def forward(self, x: Tensor, point: Point, weights: Weights | None = None) -> Tensor:
        """Returns logits [batch, outputs] for images [batch, *input_shape].

        Args:
            x: Images.
            point: The path or mixture to run.
            weights: Of a mixture, in place of its own numbers: tensors that want gradients, per decision
                [options].
        """
        if isinstance(point, Architecture):
            return self._program(point)(x, ())
        return self._program(point)(x, mixture_weights(point, x) if weights is None else weights)

    def network(self, point: Point) -> ir.Network:
        """Returns the layers that run for a point."""
        if isinstance(point, Architecture):
            return self.space.network(point)
        return blended(self.space, point.running)

    def state_of(self, network: ir.Network) -> Iterator[tuple[str, Tensor]]:
        """Yields the state of a path's plain module: its names, and views of the shared weights."""
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
        if isinstance(op, ir.Custom):
            found = self._banks.get((layer.key, op))
        elif isinstance(op, ir.Conv2d | ir.BatchNorm | ir.Linear):
            found = self._banks.get((layer.key, type(op)))
        else:
            return None
        if found is None:
            raise SpaceError(
                f"{layer.name}: the supernet of {self.space.name} has no weights for it ({layer.key}, {op}); "
                "a block with so many combinations that they were only sampled has one more: please report it"
            )
        return found

    def _add(self, key: str, kind: type, ops: Sequence[ir.Op], affine: bool) -> None:
        for number, group in enumerate([[op] for op in ops] if kind is ir.Custom else [list(ops)]):
            made = bank(group)
            if isinstance(made, nn.BatchNorm2d) and (self.norms == "batch" or not affine):
                made = nn.BatchNorm2d(
                    made.num_features, affine=affine, track_running_stats=self.norms == "running"
                )
            where = key if number == 0 else f"{key}_{number}"
            if (where, "name") in self._banks:
                where = f"{where}_{kind.__name__.lower()}"
            place(self, f"shared.{where}", made)
            self._banks[where, "name"] = made
            self._banks[(key, group[0]) if kind is ir.Custom else (key, kind)] = made

    def _program(self, point: Point) -> "_Program":
        key = point if isinstance(point, Architecture) else point.running
        program = self._programs.get(key)
        if program is None:
            program = self._programs[key] = _Program(self, self.network(point))
            if len(self._programs) > _PROGRAMS:
                self._programs.popitem(last=False)
        return program


def mixture_weights(mixture: Mixture, like: Tensor) -> list[Tensor]:
    """Returns the numbers of a mixture as tensors like `like`, per decision [options]."""
    return [torch.tensor(row, dtype=like.dtype, device=like.device) for row in mixture.weights]


class _Program:
    """The layers of one point as functions, and when each value is read last."""

    def __init__(self, supernet: Supernet, network: ir.Network) -> None:
        last = {index: number for number, layer in enumerate(network.layers) for index in layer.inputs}
        self._steps = []
        for number, layer in enumerate(network.layers):
            dead = tuple(index + 1 for index in {*layer.inputs} if last[index] == number)
            reads = tuple(index + 1 for index in layer.inputs)
            self._steps.append((_step(supernet, layer), reads, dead))

    def __call__(self, x: Tensor, weights: Weights) -> Tensor:
        values: list[Tensor | None] = [x]
        value = x
        for step, reads, dead in self._steps:
            value = step([values[index] for index in reads], weights)  # type: ignore[misc]
            for index in dead:
                values[index] = None  # so that memory goes back as soon as nobody needs it
            values.append(value)
        return value


def _step(supernet: Supernet, layer: ir.Layer) -> Step:
    op = layer.op
    shared = supernet.bank(layer)
    if isinstance(op, ir.Mix):
        return partial(_mix, op.terms)
    if isinstance(op, ir.Dropout):
        return lambda inputs, _: functional.dropout(inputs[0], op.rate, supernet.training)
    if shared is None:
        return _plain(op)
    if isinstance(op, ir.Custom):
        return lambda inputs, _: shared(inputs[0])
    run = _WEIGHTED[type(op)]
    return lambda inputs, _: run(op, part(op, shared), inputs[0], supernet)


def _mix(terms: tuple[ir.Term, ...], inputs: Sequence[Tensor], weights: Weights) -> Tensor:
    shares = [torch.stack([weights[d][o] for d, o in term]).prod() if term else None for term in terms]
    return weighted_sum(inputs, shares)


def _plain(op: ir.Op) -> Step:
    if isinstance(op, ir.Add):
        return lambda inputs, _: sum(inputs[1:], inputs[0])
    if isinstance(op, ir.Multiply):
        return lambda inputs, _: inputs[0] * inputs[1]
    if isinstance(op, ir.Concat):
        return lambda inputs, _: torch.cat(list(inputs), 1)
    if isinstance(op, ir.Zero):
        return lambda inputs, _: torch.zeros_like(inputs[0])
    if isinstance(op, ir.Take):
        return lambda inputs, _: inputs[0][channels(op)]
    made = module(op)
    return lambda inputs, _: made(inputs[0])


def _conv(op: ir.Conv2d, state: Mapping[str, Tensor], x: Tensor, _: Supernet) -> Tensor:
    bias = state.get("bias")
    return functional.conv2d(x, state["weight"], bias, op.stride, op.padding, op.dilation, op.groups)


def _linear(op: ir.Linear, state: Mapping[str, Tensor], x: Tensor, _: Supernet) -> Tensor:
    return functional.linear(x, state["weight"], state.get("bias"))


def _norm(op: ir.BatchNorm, state: Mapping[str, Tensor], x: Tensor, supernet: Supernet) -> Tensor:
    mean, variance = state.get("running_mean"), state.get("running_var")
    by_batch = supernet.training or mean is None
    return functional.batch_norm(x, mean, variance, state.get("weight"), state.get("bias"), by_batch)


_WEIGHTED: Mapping[type, Callable[..., Tensor]] = {
    ir.BatchNorm: _norm,
    ir.Conv2d: _conv,
    ir.Linear: _linear,
}
