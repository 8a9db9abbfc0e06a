"""Early stopping by the dominant eigenvalue, with the constants of the released code of RobustDARTS."""

import numpy as np
import pytest

from nasturtium.errors import ConfigError
from nasturtium.protocols import Trial
from nasturtium.strategy.robust_darts import RobustDARTS, stopping_place
from nasturtium.testing.toys import flat_space


def place(eigenvalues, start=10):
    """Where it stops, told one after the other; and how many it had seen."""
    for seen in range(1, len(eigenvalues) + 1):
        found = stopping_place(eigenvalues[:seen], window=5, delta=4, factor=1.3, start=start)
        if found is not None:
            return found, seen
    return None


def test_a_level_curvature_never_stops():
    assert place([0.2] * 50) is None


def test_a_rise_is_seen_through_the_window_and_goes_back_by_delta():
    """A jump from 1 to 2 at place 20: the average at k of 5 is over 1.3 when 2 of them are 2, k = 19."""
    assert place([1.0] * 20 + [2.0] * 10) == (15, 22)


def test_it_never_goes_back_before_the_start():
    """A steady rise of 10 %: over 4 places 1.46, seen at once; the first place allowed is 10."""
    assert place([1.1**i for i in range(40)]) == (10, 17)
    assert place([1.1**i for i in range(40)], start=0) == (2, 9)


def test_a_rise_of_less_than_the_factor_goes_on():
    assert place([1.06**i for i in range(40)]) is None  # 1.06 ** 4 = 1.26


def test_curvature_below_0_is_nothing_to_compare_with():
    assert place([-1.0] * 20 + [-0.5] * 20) is None


def tell(strategy, eigenvalues, *, between=3):
    """Tells an eigenvalue with every third trial, and gradients that change what is best."""
    bests = []
    for number in range(between * len(eigenvalues)):
        asked = strategy.ask(1)
        if not asked:
            break
        gradient = np.cos(np.arange(12) * (1 + number // 12))
        metrics = {"loss": 1.0}
        if number % between == between - 1:
            metrics["eigenvalue"] = eigenvalues[number // between]
        strategy.tell([Trial(asked[0], metrics, gradient=gradient)])
        if "eigenvalue" in metrics:
            bests.append(strategy.inner.best(1))
    return bests


def test_the_best_is_what_it_was_at_the_place_gone_back_to():
    space = flat_space()
    strategy = RobustDARTS(space, seed=1, start=2)
    bests = tell(strategy, [1.0] * 8 + [3.0] * 8)
    assert strategy.stopped is not None
    assert strategy.ask(5) == []
    assert strategy.best(1) == bests[strategy.stopped]


def test_eigenvalues_that_are_not_numbers_are_not_counted():
    strategy = RobustDARTS(flat_space())
    tell(strategy, [1.0, float("nan"), 2.0])
    assert strategy.eigenvalues == [1.0, 2.0]
    assert strategy.best(1) == strategy.inner.best(1)


@pytest.mark.parametrize("given", [{"window": 4}, {"delta": 0}, {"factor": 0}, {"start": -1}])
def test_settings_that_make_no_sense_are_refused(given):
    with pytest.raises(ConfigError):
        RobustDARTS(flat_space(), **given)
