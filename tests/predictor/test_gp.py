import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.stats import multivariate_normal
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, RationalQuadratic

from nasturtium.predictor import gp
from nasturtium.seeds import rng_for
from nasturtium.testing.toys import conditional_space, flat_space, toy_metrics

WAYS = 3


@pytest.fixture(scope="module")
def problem():
    """Points with a coordinate per way, distances between them, and values."""
    rng = rng_for(0, "gp test")
    known, asked = rng.random((25, WAYS)), rng.random((7, WAYS))
    return known, asked, np.sin(5 * known[:, 0]) + known[:, 1] + 0.1 * rng.standard_normal(25)


class Coordinates:
    """The embedding of points that are vectors already, each coordinate a way of its own."""

    ways, prior = np.eye(WAYS), np.full(WAYS, 1 / WAYS)

    def distances(self, vectors):
        return ((vectors[:, None] - vectors[None]) ** 2).transpose(2, 0, 1)


KERNEL = gp.Kernel(np.array([3.0, 0.5, 0.01]), amplitude=1.7, nugget=0.05)


def reference(known, values):
    """The same process by scikit-learn: weights as coordinates, 2 length_scale^2 = 1."""
    kernel = ConstantKernel(1.7) * RationalQuadratic(np.sqrt(0.5), gp.SHAPE) + ConstantKernel(gp.OFFSET)
    model = GaussianProcessRegressor(kernel, alpha=0.05, optimizer=None)
    return model.fit(known * np.sqrt(KERNEL.weights), values)


def test_posterior_is_that_of_scikit_learn(problem):
    known, asked, values = problem
    mean, std = gp.Posterior(KERNEL, known, values).predict(asked)
    wanted = reference(known, values).predict(asked * np.sqrt(KERNEL.weights), return_std=True)
    assert mean == pytest.approx(wanted[0])
    assert std == pytest.approx(wanted[1])


def test_likelihood_is_that_of_scikit_learn_and_of_the_density(problem):
    known, _, values = problem
    found = gp.log_likelihood(KERNEL, known, values)
    assert found == pytest.approx(reference(known, values).log_marginal_likelihood_value_)
    covariance = KERNEL(known, known) + 0.05 * np.eye(25)
    assert found == pytest.approx(multivariate_normal(cov=covariance).logpdf(values))


def test_loss_is_the_likelihood_with_the_priors_and_its_gradient_that_of_finite_differences(problem):
    known, _, values = problem
    means, spread = gp._priors(Coordinates.prior)
    given = Coordinates().distances(known), values, means, spread
    assert gp._loss(means, *given)[0] + 12.5 * np.log(2 * np.pi) == pytest.approx(
        -gp.log_likelihood(gp.default_kernel(Coordinates()), known, values)
    )
    for shift in (-1.0, 0.0, 0.7):
        slope = approx_fprime(means + shift, lambda logs: gp._loss(logs, *given)[0], 1e-6)
        assert gp._loss(means + shift, *given)[1] == pytest.approx(slope, rel=1e-3, abs=1e-3)


def test_fitting_finds_what_matters(problem):
    known, _, values = problem
    kernel = gp.fit_kernel(Coordinates(), known, values)
    assert kernel.weights.argmin() == 2  # the values do not depend on it
    before = gp.log_likelihood(gp.default_kernel(Coordinates()), known, values)
    assert gp.log_likelihood(kernel, known, values) > before


@pytest.mark.parametrize("make", [flat_space, conditional_space])
def test_predicts_networks_not_seen_in_the_unit_of_the_values(make):
    space = make()
    every = list(space)
    errors = np.array([toy_metrics(space, a)["error"] for a in every])
    shuffled = rng_for(0, "split").permutation(len(every))
    known, asked = shuffled[:40], shuffled[40:]
    model = gp.GaussianProcess(space)
    model.fit([every[i] for i in known], errors[known])
    mean, std = model.predict([every[i] for i in asked])
    assert np.abs(mean - errors[asked]).mean() < 0.25 * np.abs(errors - errors.mean()).mean()
    assert (std > 0).all()
    assert (np.abs(mean - errors[asked]) < 3 * std + 0.02).mean() > 0.9


def test_survives_equal_values_repeats_and_a_single_example():
    space = flat_space()
    model = gp.GaussianProcess(space)
    model.fit([space.unrank(0)], np.array([0.5]))
    assert model.predict([space.unrank(7)])[0] == pytest.approx([0.5])
    model.fit([space.unrank(i % 3) for i in range(12)], np.full(12, 0.5))
    assert model.predict([space.unrank(7)])[0] == pytest.approx([0.5])
