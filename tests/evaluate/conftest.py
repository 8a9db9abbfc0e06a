"""The digits, and small networks for them."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from nasturtium.tasks.images import ImageClassification, image_classification


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def digits() -> ImageClassification:
    return image_classification("digits")


@pytest.fixture(scope="session")
def few_digits() -> ImageClassification:
    return image_classification("digits", max_train=160)


@pytest.fixture
def convnet() -> Callable[..., nn.Module]:
    """Makes a small convolutional network; the same for the same seed."""

    def make(seed: int = 0, width: int = 16, dropout: float = 0.0) -> nn.Module:
        with torch.random.fork_rng():
            torch.default_generator.manual_seed(seed)
            return nn.Sequential(
                nn.Conv2d(1, width, 3, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
                nn.Conv2d(width, 2 * width, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(2 * width),
                nn.ReLU(),
                nn.AdaptiveAvgPool2d(1),
                nn.Flatten(),
                nn.Dropout(dropout),
                nn.Linear(2 * width, 10),
            )

    return make
