"""What it means to run a network for its latency: in PyTorch and in onnxruntime.

Both run one input, or a batch of them, in eval mode on a fixed number of threads, with batch normalisation
folded into the convolution before it, as it is shipped. PyTorch runs channels-last, which here is faster than
contiguous for convolutions of all kinds; onnxruntime decides for itself.
"""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from nasturtium.cost.measure import Run
from nasturtium.net.build import build
from nasturtium.net.onnx import onnx_model, require
from nasturtium.space.zoo.mobilenet import mobilenet


def torch_run(model: nn.Module, input_shape: Sequence[int], batch: int = 1, place: str = "cpu") -> Run:
    """Returns what runs a copy of `model` once in PyTorch; call it inside `fixed_threads`.

    On ``cuda`` a run ends when the GPU is done; inputs lie there already.
    """
    ready = folded(model) if isinstance(model, fx.GraphModule) else copy.deepcopy(model)
    ready = ready.eval().to(place)
    x = torch.zeros(batch, *input_shape, device=place)
    if len(input_shape) == 3:
        ready.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs leave it out
        x = x.contiguous(memory_format=torch.channels_last)
    if place == "cpu":
        return lambda: ready(x)

    def run() -> None:
        ready(x)
        torch.cuda.synchronize()

    return run


def onnx_run(model: nn.Module, input_shape: Sequence[int], threads: int = 1, batch: int = 1) -> Run:
    """Returns what runs `model` once in onnxruntime.

    Raises:
        ConfigError: onnx or onnxruntime is not installed.
    """
    return session_run(onnx_model(model, input_shape).SerializeToString(), input_shape, threads, batch)


def session_run(content: bytes | str, input_shape: Sequence[int], threads: int = 1, batch: int = 1) -> Run:
    """Returns what runs an ONNX model, given as bytes or as a path, once in onnxruntime."""
    require("onnxruntime")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: np.zeros((batch, *input_shape), np.float32)}
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


def reference_run(runtime: str = "pytorch", threads: int = 1, place: str = "cpu") -> Run:
    """Returns what runs the reference network once: the smallest of the mobile space.

    It runs as the networks do that it is measured beside. On a busy machine a network of 0.05 ms in PyTorch
    was no measure of larger ones in onnxruntime: latencies of one network then scattered by 11 %, and by 5 %
    beside this one.

    Args:
        runtime: ``pytorch`` or ``onnxruntime``.
        threads: Of onnxruntime; those of PyTorch are given by `fixed_threads`.
        place: Where PyTorch runs it.
    """
    space = mobilenet()
    network = space.network(space.unrank(0))
    model = build(network, seed=0).eval()
    if runtime == "onnxruntime":
        return onnx_run(model, network.input_shape, threads)
    return torch_run(model, network.input_shape, place=place)


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
