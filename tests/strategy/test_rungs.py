"""Rungs and brackets have the sizes of the papers; the best are those of the highest fidelity."""

from itertools import pairwise

import pytest

from nasturtium.errors import ConfigError
from nasturtium.front.objectives import ERROR
from nasturtium.protocols import Candidate, Trial
from nasturtium.strategy.rungs import Levels, Shape, halving, hyperband, ladder
from nasturtium.testing.toys import flat_space

RUNGS = (1, 3, 9, 27, 81)


def test_the_ladder_divides_the_highest_by_eta_down_to_the_lowest():
    assert ladder(None, 1, 81, 3) == RUNGS
    assert ladder(None, 12, 200, 3) == (22, 67, 200)
    assert ladder(None, 5, 10, 3) == (10,)
    assert ladder(None, 1, 16, 2) == (1, 2, 4, 8, 16)


def test_given_levels_are_taken_as_they_are_also_as_text():
    for given in ((12, 200), "12, 200", "12,200", "12/200"):
        assert ladder(given, 1, 9, 3) == (12, 200)
    assert ladder([7], 1, 9, 3) == ladder(7, 1, 9, 3) == (7,)
    assert ladder("0,2,12", 1, 9, 3) == (0, 2, 12), "0 is a level that trains nothing"


@pytest.mark.parametrize("wrong", ["", "12;200", (200, 12), (-1, 3), (), (3, 3), 0])
def test_levels_that_do_not_rise_are_refused(wrong):
    with pytest.raises(ConfigError, match="fidelities"):
        ladder(wrong, 1, 9, 3)


def test_bounds_and_eta_that_make_no_sense_are_refused():
    with pytest.raises(ConfigError, match="eta is 1"):
        ladder(None, 1, 9, 1)
    for low, high in ((0, 9), (9, 3)):
        with pytest.raises(ConfigError, match="min_fidelity"):
            ladder(None, low, high, 3)
    with pytest.raises(ConfigError, match="starts is 0"):
        halving(RUNGS, 3, 0)
    with pytest.raises(ConfigError, match="sizes"):
        hyperband(RUNGS, 3, "mine")


def test_the_brackets_of_hyperband_are_the_published_table():
    """Li et al. 2018 (JMLR 18), Table 1, with their formula for n: R = 81, eta = 3."""
    assert hyperband(RUNGS, 3) == [
        Shape((81, 27, 9, 3, 1), (1, 3, 9, 27, 81)),
        Shape((34, 11, 3, 1), (3, 9, 27, 81)),
        Shape((15, 5, 1), (9, 27, 81)),
        Shape((8, 2), (27, 81)),
        Shape((5,), (81,)),
    ]


def test_the_brackets_of_hpbandster_start_fewer():
    """HpBandSter, optimizers/bohb.py: n0 = floor(max_SH_iter / (s + 1)) eta^s."""
    starts = [shape.sizes[0] for shape in hyperband(RUNGS, 3, "hpbandster")]
    assert starts == [81, 27, 9, 6, 5]


@pytest.mark.parametrize("starts", [None, 1, 10, 100])
def test_halving_lets_one_in_eta_on_and_never_none(starts):
    sizes = halving(RUNGS, 3, starts).sizes
    assert sizes[0] == (starts or 81)
    for below, above in pairwise(sizes):
        assert above <= max(1, below // 3)
        assert above >= 1


def test_the_best_are_those_of_the_highest_fidelity_then_of_the_next():
    space, levels = flat_space(), Levels(ERROR, 9)
    told = [(0, 1, 0.1), (1, 1, 0.2), (2, 3, 0.5), (0, 3, 0.6), (3, None, 0.9), (4, 9, 0.8)]
    for rank, fidelity, error in told:
        levels.record(Trial(Candidate(space.unrank(rank), fidelity), {"error": error}))
    assert [space.rank(one) for one in levels.best(9)] == [4, 3, 2, 0, 1]
    for k in range(6):
        assert levels.best(k) == levels.best(9)[:k]
