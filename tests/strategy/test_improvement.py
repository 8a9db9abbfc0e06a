import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from nasturtium.front.dominance import hypervolume
from nasturtium.seeds import rng_for
from nasturtium.strategy.improvement import expected_growth, log_expected_improvement


@pytest.mark.parametrize("z", [-8.0, -3.0, -1.0001, -0.9999, 0.0, 1.5, 6.0])
def test_it_is_the_integral_that_it_stands_for(z):
    std, incumbent = 0.3, 2.0
    mean = incumbent - z * std
    low = mean - 40 * std
    integral, _ = quad(
        lambda y: (incumbent - y) * norm.pdf(y, mean, std),
        low,
        incumbent,
        points=[mean] if z > 0 else None,
        epsabs=0,
        epsrel=1e-9,
        limit=500,
    )
    found = log_expected_improvement(np.array([mean]), np.array([std]), incumbent)
    assert found[0] == pytest.approx(np.log(integral), rel=1e-5)


def test_it_is_finite_and_orders_candidates_where_the_improvement_itself_is_zero():
    far = log_expected_improvement(np.linspace(0, 1e5, 2000), np.full(2000, 1.0), 0.0)
    assert np.isfinite(far).all()
    assert (np.diff(far) < 0).all()


@pytest.mark.parametrize("known", [False, True])
def test_growth_of_two_objectives_is_the_mean_over_guesses_of_the_growth_of_the_hypervolume(known):
    rng = rng_for(0, "growth")
    told, reference = rng.random((8, 2)), np.array([0.9, 0.8])
    mean, std = rng.random((3, 2)), 0.5 * rng.random((3, 2))
    std[:, 1] *= not known
    draws = rng.standard_normal((3000, 3, 2))
    before = hypervolume(told, reference)
    guesses = mean + std * draws
    wanted = [
        np.mean([hypervolume([*told, guess], reference) - before for guess in column])
        for column in guesses.swapaxes(0, 1)
    ]
    found = expected_growth(mean, std, told, reference, draws[:2, :0])
    assert found == pytest.approx(wanted, rel=0.15, abs=5e-4)


def test_growth_of_what_is_known_is_that_of_the_hypervolume():
    told, reference = np.array([[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]]), np.array([1.1, 1.1])
    asked = np.array([[0.2, 0.2], [-0.5, 0.9], [0.6, 0.6], [0.45, 0.5], [2.0, -3.0], [1e100, 0.1]])
    found = expected_growth(asked, np.zeros((6, 2)), told, reference, np.empty((2, 0, 2)))
    before = hypervolume(told, reference)
    assert found == pytest.approx([hypervolume([*told, point], reference) - before for point in asked])


def test_growth_of_three_objectives_is_that_of_the_hypervolume_up_to_a_constant():
    # Golovin and Zhang 2020, lemma 5: volume = c_k E[max of the scalarisation], and c_3 = pi / 6.
    rng = rng_for(0, "growth")
    told, reference = rng.random((6, 3)), np.array([1.1, 1.1, 1.1])
    asked = 0.5 * rng.random((4, 3))
    draws = rng.standard_normal((2, 100_000, 3))
    width = np.prod(np.ptp(told, axis=0))
    found = np.pi / 6 * width * expected_growth(asked, np.full((4, 3), 1e-9), told, reference, draws)
    before = hypervolume(told, reference)
    wanted = [hypervolume([*told, point], reference) - before for point in asked]
    assert found == pytest.approx(wanted, rel=0.05)
