import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from nasturtium.strategy.improvement import log_expected_improvement


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
