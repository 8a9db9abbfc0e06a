"""Networks of cells, with their flat, dilated and shifted layers, are exported as exactly as others."""

import numpy as np
import onnxruntime
import pytest
import torch

from nasturtium.export import onnx, source
from nasturtium.net.build import build
from nasturtium.seeds import rng_for
from nasturtium.space.zoo.darts import darts
from nasturtium.space.zoo.nasbench101 import OPS, from_matrix, nasbench101
from nasturtium.space.zoo.nasnet import nasnet
from nasturtium.tasks.images import image_classification


@pytest.fixture(scope="module")
def task():
    return image_classification("digits")


def networks(task):
    for space in (nasnet(), darts()):
        bound = space.bind(task.input_shape, task.outputs)
        yield bound.network(bound.sample(rng_for(0, "test/towers")))
    space = nasbench101().bind(task.input_shape, task.outputs)
    # Three vertices share the output's channels, so that one must cut a channel off.
    matrix = [[int(j in row) for j in range(6)] for row in ((1,), (2, 3, 4), (5,), (4, 5), (5,), ())]
    yield space.network(from_matrix(space, matrix, ("input", *OPS, OPS[0], "output")))


def test_networks_of_cells_are_exported_to_the_last_bit(task, tmp_path):
    for network in networks(task):
        model = build(network, seed=0).eval()
        source.write(model, tmp_path / "net.py", task, network=network)  # it compares with the model itself
        onnx.write(model, tmp_path / "net.onnx", task)
        session = onnxruntime.InferenceSession(str(tmp_path / "net.onnx"), providers=["CPUExecutionProvider"])
        x = torch.randn(2, *task.input_shape, generator=torch.Generator().manual_seed(0))
        with torch.inference_mode():
            np.testing.assert_allclose(
                session.run(["logits"], {"input": x.numpy()})[0], model(x).numpy(), atol=1e-4
            )


def test_the_cut_of_a_channel_is_among_them(task):
    kinds = {type(layer.op).__name__ for network in networks(task) for layer in network.layers}
    assert {"Pad", "Concat", "Conv2d"} <= kinds
