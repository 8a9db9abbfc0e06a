"""What it means to run a network for its latency: in PyTorch and in onnxruntime.

Both run one input (batch 1) in eval mode on a fixed number of threads, with batch normalisation folded into
the convolution before it, as it is shipped. PyTorch runs channels-last, which here is faster than contiguous
for convolutions of all kinds; onnxruntime decides for itself.
"""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from nasturtium.cost.measure import Run
from nasturtium.net.onnx import onnx_model, require


def torch_run(model: nn.Module, input_shape: Sequence[int]) -> Run:
    """Returns what runs a copy of `model` once in PyTorch; call it inside `fixed_threads`."""
    ready = folded(model) if isinstance(model, fx.GraphModule) else copy.deepcopy(model)
    ready = ready.eval()
    x = torch.zeros(1, *input_shape)
    if len(input_shape) == 3:
        ready.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs leave it out
        x = x.contiguous(memory_format=torch.channels_last)
    return lambda: ready(x)


def onnx_run(model: nn.Module, input_shape: Sequence[int], threads: int = 1) -> Run:
    """Returns what runs `model` once in onnxruntime.

    Raises:
        ConfigError: onnx or onnxruntime is not installed.
    """
    return session_run(onnx_model(model, input_shape).SerializeToString(), input_shape, threads)


def session_run(content: bytes | str, input_shape: Sequence[int], threads: int = 1) -> Run:
    """Returns what runs an ONNX model, given as bytes or as a path, once in onnxruntime."""
    require("onnxruntime")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: np.zeros((1, *input_shape), np.float32)}
    return lambda: session.run(None, feed)


@contextmanager
def fixed_threads(threads: int) -> Iterator[None]:
    """Gives torch `threads` threads and inference mode inside a ``with`` block, and puts back what was."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_num_threads(before)


def reference_run() -> Run:
    """Returns what runs the reference network once: full, depthwise, 1x1 convolution and a linear layer."""
    with torch.random.fork_rng(devices=[]):
        layers = (
            nn.Conv2d(3, 16, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 16, 3, padding=1, groups=16),
            nn.ReLU(),
            nn.Conv2d(16, 16, 1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(16, 10),
        )
    return torch_run(nn.Sequential(*layers), (3, 16, 16))


def folded(model: fx.GraphModule) -> fx.GraphModule:
    """Returns a copy in eval mode, with batch normalisation folded into the convolution that feeds it."""
    made = copy.deepcopy(model).eval()
    for norm in list(made.graph.nodes):
        conv = norm.args[0] if norm.op == "call_module" and norm.args else None
        if not isinstance(conv, fx.Node) or conv.op != "call_module" or len(conv.users) != 1:
            continue
        first, second = (made.get_submodule(str(node.target)) for node in (conv, norm))
        if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
            made.set_submodule(str(conv.target), fuse_conv_bn_eval(first, second))
            norm.replace_all_uses_with(conv)
            made.graph.erase_node(norm)
    made.delete_all_unused_submodules()
    made.recompile()
    return made
