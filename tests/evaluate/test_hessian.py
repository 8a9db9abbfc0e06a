"""The dominant eigenvalue, against whole Hessians."""

import numpy as np
import pytest
import torch
from tests.evaluate.test_unrolled import Feed, network

from nasturtium.architecture import Mixture
from nasturtium.errors import ConfigError
from nasturtium.evaluate.gradient import first_order
from nasturtium.evaluate.hessian import Curvature, dominant, hessian_product
from nasturtium.protocols import Candidate
from nasturtium.seeds import rng_for


@pytest.mark.parametrize("size", [1, 2, 5, 30, 80])
def test_the_largest_eigenvalue_of_a_matrix_is_found_by_its_products(size):
    root = rng_for(size, "matrix").standard_normal((size, size))
    matrix = root + root.T
    found = dominant(lambda v: matrix @ v, size, tolerance=1e-6)
    assert found == pytest.approx(np.linalg.eigvalsh(matrix)[-1], rel=1e-4)


def test_of_zeros_it_is_0_and_of_nan_it_is_nan():
    """A mixture of single options has no curvature: its softmax cannot move."""
    assert dominant(np.zeros_like, 30) == 0
    assert np.isnan(dominant(lambda v: v * np.nan, 30))
    stand, candidate, _, valid = network()
    one_hot = Mixture(candidate.point.space, ((0.0, 0.0, 0.0, 1.0, 0.0),) * 6)
    assert dominant(*hessian_product(stand, one_hot, valid)) == 0


def whole_hessian(stand, mixture, pair):
    """By torch.autograd.functional, of the loss of softmax(alpha), alpha the logarithm of the mixture."""
    sizes = [len(row) for row in mixture.weights]
    alpha = torch.tensor(np.log(np.concatenate(mixture.weights)))

    def loss(alpha):
        rows = [torch.softmax(row, 0) for row in torch.split(alpha, sizes)]
        return stand.losses(mixture, pair, rows)[0]

    return torch.autograd.functional.hessian(loss, alpha).numpy()


def test_products_and_eigenvalue_are_those_of_the_whole_hessian_of_alpha():
    stand, candidate, _, valid = network()
    hessian = whole_hessian(stand, candidate.point, valid)
    product, size = hessian_product(stand, candidate.point, valid)
    v = rng_for(0, "v").standard_normal(size)
    np.testing.assert_allclose(product(v), hessian @ v, rtol=1e-8, atol=1e-12)
    largest = np.linalg.eigvalsh((hessian + hessian.T) / 2)[-1]
    assert dominant(product, size, tolerance=1e-4) == pytest.approx(largest, rel=1e-3)


def test_options_without_weight_are_left_out():
    stand, candidate, _, valid = network()
    rows = [list(row) for row in candidate.point.weights]
    rows[2] = [0.0, 0.5, 0.5, 0.0, 0.0]
    _, size = hessian_product(stand, Mixture(candidate.point.space, tuple(tuple(row) for row in rows)), valid)
    assert size == 27


def test_the_metric_comes_every_so_many_steps_and_the_gradient_always():
    stand, candidate, train, valid = network()
    plain = first_order(stand, candidate, valid, Feed(train))
    seen = []
    for stand.step in (1, 2, 3, 4):
        found = Curvature(every=2)(stand, candidate, valid, Feed(train))
        np.testing.assert_array_equal(found.gradient, plain.gradient)
        seen.append("eigenvalue" in found.more)
    assert seen == [False, True, False, True]


def test_weights_are_left_alone():
    stand, candidate, train, valid = network("running")
    stand.step = 1
    before = [one.detach().clone() for one in stand.supernet.parameters()]
    Curvature(every=1)(stand, Candidate(candidate.point), valid, Feed(train))
    assert all(torch.equal(a, b) for a, b in zip(before, stand.supernet.parameters(), strict=True))


def test_never_is_refused():
    with pytest.raises(ConfigError, match="every is 0"):
        Curvature(every=0)
