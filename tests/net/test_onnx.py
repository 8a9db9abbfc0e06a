"""An ONNX graph computes what the module computes."""

import itertools

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import fx, nn

from nasturtium.net.build import build
from nasturtium.net.onnx import onnx_model
from nasturtium.run.names import space_named
from nasturtium.space import layers as ir
from nasturtium.space.transformer import Patches, TokenClassifier, Transformer
from nasturtium.space.wiring import Value, Wiring

SHAPE = (4, 9, 9)


def run(model: nn.Module, x: torch.Tensor) -> np.ndarray:
    made = onnx_model(model, tuple(x.shape[1:]))
    onnx.checker.check_model(made, full_check=True)
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(["logits"], {"input": x.numpy()})[0]


def agree(model: nn.Module, shape: tuple[int, ...] = SHAPE) -> None:
    model.eval()
    for batch in (1, 3):
        x = 3 * torch.randn(batch, *shape, generator=torch.Generator().manual_seed(batch))
        with torch.inference_mode():
            np.testing.assert_allclose(run(model, x), model(x).numpy(), atol=1e-5)


def written(write) -> fx.GraphModule:
    net = Wiring(10)
    write(net, Value(-1, SHAPE))
    return build(ir.Network(SHAPE, tuple(net.layers)), seed=0)


@pytest.mark.parametrize("kind", ir.ACTIVATIONS)
def test_activations(kind: str) -> None:
    agree(written(lambda net, x: net.act(x, kind)))


@pytest.mark.parametrize(
    ("kernel", "stride", "groups", "bias"),
    [*itertools.product([1, 3, 5], [1, 2], [1, 4], [True, False])],
)
def test_convolutions(kernel: int, stride: int, groups: int, bias: bool) -> None:
    agree(written(lambda net, x: net.conv(x, 8, kernel, stride=stride, groups=groups, bias=bias)))


@pytest.mark.parametrize(
    ("kernel", "stride", "dilation"), [((1, 7), (1, 2), 1), ((7, 1), 1, 1), (3, 2, 2), (5, 1, 2)]
)
def test_flat_convolutions_and_those_with_holes(kernel, stride, dilation) -> None:
    agree(written(lambda net, x: net.conv(x, 8, kernel, stride=stride, dilation=dilation)))


@pytest.mark.parametrize(
    ("rows", "columns", "channels"),
    [((-1, 1), (-1, 1), 0), ((0, 2), (1, 0), 0), ((0, 0), (0, 0), -1), ((1, 0), (0, -2), 3)],
)
def test_edges(rows, columns, channels) -> None:
    agree(written(lambda net, x: net.pad(x, rows=rows, columns=columns, channels=channels)))


@pytest.mark.parametrize(("first", "step"), [(0, 2), (1, 2), (0, 3), (2, 1)])
def test_taken_channels(first: int, step: int) -> None:
    agree(written(lambda net, x: net.act(net.take(x, first, step))))


def test_transformers() -> None:
    def write(net: Wiring, x: Value) -> Value:
        return TokenClassifier().wire(net, Transformer(2, head=4).wire(net, Patches(8, size=3).wire(net, x)))

    agree(written(write))


@pytest.mark.parametrize("name", ["hat", "hat_decoder"])
def test_texts_are_written_without_torchs_exporter(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("nasturtium.net.onnx._by_torch")
    space = space_named(name)
    agree(build(space.network(space.unrank(space.count - 1)), seed=0), space.input_shape)


@pytest.mark.parametrize(("sides", "kind"), [((6, 12), "bilinear"), ((14, 5), "bicubic")])
def test_resized_pictures(sides, kind) -> None:
    agree(written(lambda net, x: net.resize(x, sides, kind)))


@pytest.mark.parametrize(("kind", "kernel", "stride"), [*itertools.product(["max", "avg"], [2, 3], [1, 2])])
def test_pooling(kind: str, kernel: int, stride: int) -> None:
    agree(written(lambda net, x: net.pool(x, kind, kernel, stride=stride)))


def test_norms_with_statistics() -> None:
    model = written(lambda net, x: net.norm(x))
    norm = next(m for m in model.modules() if isinstance(m, nn.BatchNorm2d))
    for tensor in (norm.running_mean, norm.running_var, norm.weight.data, norm.bias.data):
        tensor.uniform_(0.5, 2)
    agree(model)


def test_classifier_gate_sum_concat_and_zero() -> None:
    def write(net: Wiring, x: Value) -> Value:
        gated = net.multiply(x, net.act(net.global_pool(x), "sigmoid"))
        both = net.concat(gated, net.add(x, net.zero(x), x), x)
        return net.linear(net.dropout(net.flatten(net.global_pool(both)), 0.5), 10)

    agree(written(write))


def test_a_value_read_twice_by_one_node() -> None:
    agree(written(lambda net, x: net.concat(net.act(net.add(x, x)), x, x)))


def test_names_are_those_of_the_layers() -> None:
    made = onnx_model(written(lambda net, x: net.norm(net.conv(x, 8))).eval(), SHAPE)
    assert {"conv.weight", "norm.running_mean"} <= {tensor.name for tensor in made.graph.initializer}


def test_settings_that_our_writer_does_not_know_are_left_to_torch() -> None:
    """Padding by reflection would come out wrong, and silently, if it were written as zeros."""

    class Mirrored(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect")

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.conv(x) + 1.0

    agree(fx.symbolic_trace(Mirrored()))


def test_an_index_that_is_not_of_channels_up_to_the_last_is_left_to_torch() -> None:
    class Indexed(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 2 * x[:, 0:3:2]

    agree(fx.symbolic_trace(Indexed()))
