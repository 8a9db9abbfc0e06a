"""The Jacobian's correlations on networks whose Jacobian is known."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from nasturtium.evaluate.proxies.jacobian import K, jacob_cov

LABELS = torch.zeros(3, dtype=torch.int64)


class Square(nn.Module):
    """f(x) = sum(a x^2) / 2 in one output: its Jacobian is a x."""

    def __init__(self, factors):
        super().__init__()
        self.factors = nn.Parameter(factors)

    def forward(self, x):
        return (self.factors * x.flatten(1) ** 2).sum(dim=1, keepdim=True) / 2


def test_it_is_the_published_sum_over_the_eigenvalues_of_the_correlations():
    images = torch.tensor([[1.0, 2.0, 4.0, 0.5], [3.0, -1.0, 0.0, 2.0], [0.0, 1.0, -2.0, 5.0]]).reshape(
        3, 1, 2, 2
    )
    factors = torch.tensor([1.0, 2.0, -1.0, 0.5])
    jacobians = (factors * images.flatten(1)).numpy()
    v = np.linalg.eigvalsh(np.corrcoef(jacobians.astype(float)))
    assert jacob_cov(Square(factors), images, LABELS) == pytest.approx(
        -np.sum(np.log(v + K) + 1 / (v + K)), rel=1e-6
    )


def test_independent_images_score_minus_their_number():
    """Orthogonal centred rows: the correlation matrix is the identity and every eigenvalue 1."""
    images = torch.tensor([[1.0, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]).reshape(3, 1, 2, 2)
    found = jacob_cov(Square(torch.ones(4)), images, LABELS)
    assert found == pytest.approx(-3 * (math.log(1 + K) + 1 / (1 + K)))
    assert found == pytest.approx(-3, abs=1e-4)


def test_a_linear_network_tells_no_images_apart():
    """All Jacobians are the same row: eigenvalues 3, 0 and 0, of which 0 costs 1/k - log 1/k."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    images = torch.randn(3, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    expected = -(math.log(3 + K) + 1 / (3 + K) + 2 * (math.log(K) + 1 / K))
    assert jacob_cov(network, images, LABELS) == pytest.approx(expected, rel=0.05)


def test_a_network_without_a_path_to_its_output_has_no_number():
    class Deaf(nn.Module):
        def forward(self, x):
            return torch.zeros(len(x), 2, requires_grad=True)

    images = torch.ones(3, 1, 2, 2)
    assert math.isnan(jacob_cov(Deaf(), images, LABELS))
    assert math.isnan(jacob_cov(Square(torch.zeros(4)), images, LABELS))
