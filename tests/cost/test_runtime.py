"""What is timed is the network as it is shipped, and measuring leaves no trace."""

import contextlib

import pytest
import torch
from torch import nn

from nasturtium.cost.runtime import fixed_threads, folded, onnx_run, reference_run, torch_run
from nasturtium.net.build import build
from nasturtium.seeds import rng_for
from nasturtium.space.zoo.mobilenet import mobilenet
from nasturtium.space.zoo.nasbench201 import nasbench201

SHAPE = (3, 16, 16)


def randomised(model: nn.Module) -> nn.Module:
    """Gives norms statistics as training would: at first they are 0 and 1, and hide mistakes."""
    with torch.no_grad():
        for norm in model.modules():
            if isinstance(norm, nn.BatchNorm2d):
                norm.running_mean.normal_(0, 0.2)
                norm.running_var.uniform_(0.5, 2)
                norm.weight.uniform_(0.5, 1.5)
                norm.bias.normal_(0, 0.2)
    return model


@pytest.mark.parametrize("space", [mobilenet(), nasbench201()])
def test_folding_norms_keeps_the_function_and_the_original(space) -> None:
    space = space.bind(SHAPE, 10)
    model = randomised(build(space.network(space.sample(rng_for(0, "test"))), seed=0)).eval()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    made = folded(model)
    x = torch.randn(2, *SHAPE)
    torch.testing.assert_close(made(x), model(x), atol=1e-4, rtol=1e-4)
    assert sum(isinstance(m, nn.BatchNorm2d) for m in made.modules()) < 2
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_a_norm_whose_convolution_is_read_elsewhere_is_not_folded() -> None:
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.conv(x)
            return y + self.norm(y)

    model = randomised(torch.fx.symbolic_trace(Shared())).eval()
    x = torch.randn(2, *SHAPE)
    torch.testing.assert_close(folded(model)(x), model(x))


def test_threads_and_gradient_mode_are_put_back() -> None:
    before = torch.get_num_threads()
    inside = []
    with contextlib.suppress(KeyError), fixed_threads(before + 1):
        inside = [torch.get_num_threads(), torch.is_inference_mode_enabled()]
        raise KeyError
    assert inside == [before + 1, True]
    assert torch.get_num_threads() == before
    assert not torch.is_inference_mode_enabled()


def test_the_reference_leaves_torchs_generator_alone() -> None:
    state = torch.get_rng_state()
    reference_run()
    assert torch.equal(torch.get_rng_state(), state)


def test_a_run_gives_logits_of_one_input_and_keeps_the_mode_of_the_model() -> None:
    space = mobilenet().bind(SHAPE, 10)
    model = build(space.network(space.sample(rng_for(0, "test"))), seed=0).train()
    with fixed_threads(1):
        assert torch_run(model, SHAPE)().shape == (1, 10)
        assert onnx_run(model, SHAPE)()[0].shape == (1, 10)
        assert torch_run(model, SHAPE, batch=3)().shape == (3, 10)
        assert onnx_run(model, SHAPE, batch=3)()[0].shape == (3, 10)
    assert model.training
