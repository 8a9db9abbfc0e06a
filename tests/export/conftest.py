"""Small networks and a task to export them for."""

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import fx, nn

import nasturtium as nt
from nasturtium import blocks as b
from nasturtium.evaluate.fit import fit
from nasturtium.evaluate.recipe import Recipe
from nasturtium.net.build import build
from nasturtium.seeds import rng_for
from nasturtium.space.layers import Network


@dataclass(frozen=True)
class Toy:
    """A task that is only a description."""

    name: str = "toy"
    input_shape: tuple[int, ...] = (3, 16, 16)
    outputs: int = 10
    said: dict[str, Any] = field(
        default_factory=lambda: {
            "name": "toy",
            "mean": [0.4, 0.5, 0.6],
            "std": [0.2, 0.25, 0.3],
            "scale": 255.0,
            "classes": [f"class {i}" for i in range(10)],
            "images": {"train": 100, "valid": 20, "test": 50},
            "licence": "CC0",
        }
    )

    def describe(self) -> dict[str, Any]:
        return self.said


def _sampled(name: str, seed: int, shape: tuple[int, ...] = (3, 16, 16)) -> tuple[Network, fx.GraphModule]:
    """A random network of a zoo space, with norm statistics as training would leave them."""
    space = getattr(importlib.import_module(f"nasturtium.space.zoo.{name}"), name)("small").bind(shape, 10)
    network = space.network(space.sample(rng_for(seed, "test/export")))
    model = build(network, seed=seed)
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(seed)
        for norm in model.modules():
            if isinstance(norm, nn.BatchNorm2d):
                norm.running_mean.normal_(0, 0.2)
                norm.running_var.uniform_(0.5, 2)
                norm.weight.uniform_(0.5, 1.5)
                norm.bias.normal_(0, 0.2)
    return network, model.eval()


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    """Small networks are faster so, much faster when something else runs on the machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def sampled() -> Callable[[str, int], tuple[Network, fx.GraphModule]]:
    return _sampled


@pytest.fixture(scope="session")
def task() -> Toy:
    return Toy()


@pytest.fixture(scope="session")
def tiny() -> fx.GraphModule:
    layers = (
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 10),
    )
    return fx.symbolic_trace(nn.Sequential(*layers)).eval()


@pytest.fixture(scope="session")
def mobile() -> tuple[Network, fx.GraphModule]:
    return _sampled("mobilenet", 2)


@pytest.fixture(scope="session")
def digits() -> nt.tasks.ImageClassification:
    return nt.tasks.image_classification("digits")


@pytest.fixture(scope="session")
def trained(digits: nt.tasks.ImageClassification) -> nn.Module:
    """Depthwise and dense convolutions, a gate, hardswish; trained to tell digits apart."""
    block = b.mb_conv(16, kernel=3, expand=2, se=0.5)
    space = nt.Space(b.conv(16, stride=2), block, b.classifier()).bind(digits.input_shape, digits.outputs)
    made = build(space.network(space.unrank(0)), seed=0)
    fit(made, digits.train, None, Recipe(epochs=3, threads=1), seed=0, normalisation=digits.normalisation)
    return made.eval()
