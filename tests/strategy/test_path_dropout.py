import numpy as np
import pytest

from nasturtium.errors import ConfigError
from nasturtium.seeds import rng_for
from nasturtium.space.zoo.darts_search import darts_search_of
from nasturtium.space.zoo.nasbench201 import nasbench201
from nasturtium.strategy.path_dropout import PathDropout, dropped


@pytest.mark.parametrize("k", [1, 2, 4, 8])
@pytest.mark.parametrize("r", [0.1, 0.3])
def test_all_paths_are_dropped_with_probability_r(k, r):
    rng = rng_for(0, "test")
    all_gone = np.mean([dropped(k, r, rng).all() for _ in range(20_000)])
    assert abs(all_gone - r) < 0.01  # three standard errors at r = 0.3


def test_the_rate_grows_linearly_from_nothing():
    sampler = PathDropout(nasbench201(), 101, r=0.2)
    assert [sampler.rate(i) for i in (0, 50, 100, 500)] == pytest.approx([0, 0.1, 0.2, 0.2])
    first, *_, last = sampler.ask(101)
    assert all(row == (1.0,) * 5 for row in first.point.weights)
    assert any(0.0 in row for row in last.point.weights)


def test_each_path_is_dropped_as_often_as_the_rate_says():
    sampler = PathDropout(nasbench201(), 1, r=0.1)
    sampler._asked = 1  # all at the final rate
    kept = np.mean([candidate.point.weights for candidate in sampler.ask(4000)])
    # A decision that lost all five keeps one of them: 1 - 0.1 ** (1/5) + 0.1 / 5.
    assert kept == pytest.approx(1 - 0.1**0.2 + 0.02, abs=0.01)


def test_every_decision_keeps_an_option_and_mean_weights_sum_to_one():
    sampler = PathDropout(nasbench201(), 1, r=0.9, scale="mean")
    sampler._asked = 1
    for candidate in sampler.ask(200):
        assert candidate.fidelity == 1  # it is trained, and no gradient is wanted
        assert [sum(row) for row in candidate.point.weights] == pytest.approx([1.0] * 6)


def test_asking_one_by_one_asks_the_same():
    apart, together = (PathDropout(nasbench201(), 9, seed=3) for _ in range(2))
    assert [apart.ask(1)[0] for _ in range(9)] == together.ask(9)
    assert together.best(2) == []


def test_a_rate_that_makes_no_sense_is_refused():
    with pytest.raises(ConfigError, match="r is 1"):
        PathDropout(nasbench201(), 9, r=1.0)
    with pytest.raises(ConfigError, match="scale"):
        PathDropout(nasbench201(), 9, scale="product")


def test_options_of_derived_cells_alone_are_left_out():
    space = darts_search_of(4, (False, True), "tiny", ops=("skip_connect", "sep_conv_3x3"), edges=True)
    strategy = PathDropout(space, 20, seed=0, r=0.5)
    for candidate in strategy.ask(20):
        for decision, row in zip(space.decisions, candidate.point.weights, strict=True):
            there = [label for label, weight in zip(decision.labels, row, strict=True) if weight]
            assert there
            assert not {"off", "all"} & set(there)
