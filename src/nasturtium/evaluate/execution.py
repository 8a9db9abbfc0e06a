"""How a training is executed on this machine: device, memory format, threads and precision.

The choice is a rule, not a race: a race of two formats would make a resumed run depend on how busy the
machine was, and would cost a tiny network more than its training. `bench/trainer.py` holds the rule against
the best of all combinations. It rests on three facts. Convolutions run in channels-last wherever there are
any (but for one kind, see `breaks_channels_last`): oneDNN's and cuDNN's kernels work on that layout, and the
contiguous depthwise and dilated convolutions of the CPU are 5 to 8 times slower. Threads pay only while each
has enough to do. bfloat16 pays where the processor has instructions for it and costs time where it has not.
"""

import ctypes
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache

import torch
from torch import nn

from nasturtium.errors import ConfigError
from nasturtium.evaluate.recipe import Recipe

# Multiply-accumulates of one forward pass over one batch that make a further thread worth having. Below it
# threads gain nothing (digits, 39 M: 1.68 s on one thread, 1.62 s on two), and where another process wants
# the same core each operation waits for the thread that lost it: the same training then took over 90 s on two
# threads, and 3.8 s on one.
_MACS_PER_THREAD = 100_000_000

# Parameters of glibc's mallopt (malloc.h).
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3


@dataclass(frozen=True, slots=True)
class Execution:
    """Where and how tensors are computed.

    Attributes:
        device: Of the weights and the images.
        memory_format: Of convolution weights and activations.
        threads: CPU threads inside one operation.
        autocast: Type of the matrix products; None is float32 throughout.
    """

    device: torch.device
    memory_format: torch.memory_format
    threads: int
    autocast: torch.dtype | None

    @contextmanager
    def active(self, seed: int) -> Iterator[None]:
        """Sets threads and torch's random numbers (dropout) for one training, then puts both back."""
        before = torch.get_num_threads()
        devices = [self.device] if self.device.type == "cuda" else []
        if self.device.type == "cpu":
            _keep_freed_memory()
        torch.set_num_threads(self.threads)
        try:
            with torch.random.fork_rng(devices):
                torch.default_generator.manual_seed(seed)
                if devices:
                    torch.cuda.manual_seed(seed)
                yield
        finally:
            torch.set_num_threads(before)

    def precision(self) -> AbstractContextManager[object]:
        """Returns the context for forward passes: autocast, or nothing."""
        if self.autocast is None:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.autocast)

    def place(self, model: nn.Module) -> None:
        """Moves the weights of `model`, in place, to the device and memory format."""
        model.to(device=self.device)
        model.to(memory_format=self.memory_format)  # type: ignore[call-overload]


def execution_for(
    model: nn.Module, input_shape: tuple[int, ...], recipe: Recipe, batch_size: int
) -> Execution:
    """Decides how `model` is trained here; the same machine and network always give the same answer.

    Args:
        model: The network, on any device.
        input_shape: Of one image, [channels, height, width].
        batch_size: Images per step.
        recipe: Its `device`, `memory_format`, `threads` and `precision` overrule the rules.

    Raises:
        ConfigError: The recipe names a device that is not there.
    """
    device = _device(recipe.device)
    format_ = recipe.memory_format
    if format_ == "auto":
        convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
        plain = not convolutions or any(
            breaks_channels_last(one.kernel_size, one.stride, one.in_channels) for one in convolutions
        )
        format_ = "contiguous" if plain else "channels_last"
    return Execution(
        device=device,
        memory_format=torch.channels_last if format_ == "channels_last" else torch.contiguous_format,
        threads=recipe.threads or _threads(model, input_shape, batch_size, device),
        autocast=torch.bfloat16 if _bfloat16(recipe.precision, device) else None,
    )


def forward_macs(model: nn.Module, input_shape: tuple[int, ...]) -> int:
    """Returns the multiply-accumulates of all convolutions and linear layers for one image, by running it."""
    total = 0

    def count(module: nn.Module, _: object, output: torch.Tensor) -> None:
        nonlocal total
        weight = module.weight
        assert isinstance(weight, torch.Tensor)
        total += weight.numel() * output[0].numel() // weight.shape[0]

    layers = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    where = next((p.device for p in model.parameters()), torch.device("cpu"))
    was_training = model.training
    try:
        with torch.inference_mode():
            model.eval()(torch.zeros(1, *input_shape, device=where))
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()
    return total


@cache
def _keep_freed_memory() -> None:
    """Has the C library keep what a backward pass frees for the next step, rather than give it back.

    Pages that were given back are zeroed by the kernel when they are wanted again: seen to be 13 % of a step
    of ResNet-20 (batch 128) and 5 % of one of DARTS, on one thread. A process holds no more at its peak, but
    holds that until it ends, as on a GPU. Only glibc can be told so; elsewhere nothing happens.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, 1 << 30)
        mallopt(_TRIM_THRESHOLD, 2**31 - 1)


def breaks_channels_last(kernel: tuple[int, ...], stride: tuple[int, ...], inputs: int) -> bool:
    """Whether the backward pass of a convolution corrupts memory in channels-last on the CPU.

    Seen with torch 2.13.0 on an AMD EPYC: strided 1x1 convolutions of 2 to 4 input channels crash the process
    (the gradient of the weights), those of 8 or more do not. The margin costs little: such narrow layers are
    rare.
    """
    return kernel == (1, 1) and stride != (1, 1) and inputs < 8


def _threads(model: nn.Module, input_shape: tuple[int, ...], batch_size: int, device: torch.device) -> int:
    allowed = torch.get_num_threads()
    if allowed == 1 or device.type != "cpu":
        return allowed
    work = batch_size * forward_macs(model, input_shape)
    return max(1, min(allowed, round(work / _MACS_PER_THREAD)))


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as problem:
        text = str(problem).splitlines()[0]
        raise ConfigError(
            f"recipe: device {name!r} cannot be used ({text}); write auto, cpu or cuda"
        ) from problem
    return device


def _bfloat16(precision: str, device: torch.device) -> bool:
    if precision != "auto":
        return precision == "bfloat16"
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())
    return False
