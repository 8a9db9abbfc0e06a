"""Constructors read as a person writes them, and make the same module again."""

import pytest
import torch
from torch import nn

from nasturtium.errors import ExportError
from nasturtium.export.constructor import constructor


class Keeps(nn.Module):
    def __init__(
        self, width: int, act: type[nn.Module] = nn.ReLU, names: tuple[str, ...] = ("a", "b")
    ) -> None:
        super().__init__()
        self.width, self.act, self.names = width, act, names


class Forgets(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width)


@pytest.mark.parametrize(
    ("module", "text"),
    [
        (nn.Conv2d(3, 16, 3, padding=1, bias=False), "nn.Conv2d(3, 16, 3, padding=1, bias=False)"),
        (nn.Conv2d(8, 8, (3, 5), stride=2, groups=8), "nn.Conv2d(8, 8, (3, 5), stride=2, groups=8)"),
        (nn.BatchNorm2d(16), "nn.BatchNorm2d(16)"),
        (nn.Linear(4, 2, bias=False), "nn.Linear(4, 2, bias=False)"),
        (nn.ReLU(), "nn.ReLU()"),
        (nn.Sigmoid(), "nn.Sigmoid()"),
        (nn.Dropout(0.2), "nn.Dropout(p=0.2)"),
        (nn.MaxPool2d(3, 1, padding=1), "nn.MaxPool2d(3, stride=1, padding=1)"),
        (nn.GroupNorm(2, 8), "nn.GroupNorm(2, 8)"),
        (
            nn.Sequential(nn.PReLU(4), nn.Identity()),
            "nn.Sequential(nn.PReLU(num_parameters=4), nn.Identity())",
        ),
        (nn.ModuleList([nn.ReLU()]), "nn.ModuleList([nn.ReLU()])"),
        (Keeps(8), "Keeps(8)"),
        (Keeps(8, nn.SiLU, ("c",)), "Keeps(8, act=nn.SiLU, names=('c',))"),
    ],
)
def test_the_call_names_what_differs_from_the_default(module: nn.Module, text: str) -> None:
    assert constructor(module) == text


def test_the_call_makes_the_same_module() -> None:
    made = eval(constructor(nn.Conv2d(8, 8, (3, 5), stride=2, groups=8, bias=False)), {"nn": nn})
    assert repr(made) == repr(nn.Conv2d(8, 8, (3, 5), stride=2, groups=8, bias=False))


def test_an_argument_that_is_not_kept_is_named() -> None:
    with pytest.raises(ExportError, match=r"Forgets .* 'width' is not kept as self\.width; keep it"):
        constructor(Forgets(3))


def test_a_value_without_source_is_refused() -> None:
    module = Keeps(8)
    module.width = torch.zeros(3)
    with pytest.raises(ExportError, match=r"Keeps\(width=\.\.\.\) is tensor"):
        constructor(module)
