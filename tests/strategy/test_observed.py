import numpy as np
import pytest

from nasturtium.front.objectives import ERROR, Constraint, Objective, subject_to
from nasturtium.protocols import Candidate, Trial
from nasturtium.seeds import rng_for
from nasturtium.space.zoo.nasbench201 import nasbench201
from nasturtium.strategy.observed import Observed
from nasturtium.testing.toys import flat_space, single_space


def trial(architecture, error, status="ok"):
    return Trial(Candidate(architecture), {"error": error}, status)


def test_a_network_told_twice_is_one_example_worth_the_mean():
    space = flat_space()
    observed = Observed(space, ERROR)
    observed.tell([trial(space.unrank(3), 0.2), trial(space.unrank(5), 0.5), trial(space.unrank(3), 0.4)])
    known, values = observed.examples()
    assert known == [space.unrank(3), space.unrank(5)]
    assert values[:, 0] == pytest.approx([0.3, 0.5])


def test_equal_networks_are_one():
    space = nasbench201()
    dead = [
        space.parse(f"edge01=none edge02=none edge12={op} edge03=skip_connect edge13=none edge23=none")
        for op in ("nor_conv_3x3", "avg_pool_3x3")
    ]
    observed = Observed(space, ERROR)
    observed.tell([trial(dead[0], 0.1)])
    assert not observed.is_new(dead[1])
    assert observed.new([dead[1], space.unrank(15_000), space.unrank(15_000)]) == [space.unrank(15_000)]


def test_what_was_asked_waits_until_it_is_told_even_if_it_failed():
    space = flat_space()
    observed = Observed(space, ERROR)
    first, second = observed.ask(space.unrank(1)), observed.ask(space.unrank(2))
    assert observed.pending() == [first.point, second.point]
    observed.tell([trial(first.point, 0.3), trial(second.point, 0.3, "failed")])
    assert observed.pending() == []
    assert observed.count == 1
    assert not observed.is_new(second.point)


def test_a_small_space_runs_out_and_a_large_one_is_not_listed():
    space = flat_space()
    observed = Observed(space, ERROR)
    assert len(observed.left()) == 81
    seen = {observed.ask(observed.fresh(rng_for(0, "fresh", i))).point for i in range(81)}
    assert len(seen) == 81
    assert observed.left() == []
    assert observed.fresh(rng_for(0, "fresh")) in space
    assert Observed(nasbench201(), ERROR).left() is None
    assert Observed(single_space(), ERROR).fresh(rng_for(0, "one")) == single_space().unrank(0)


def test_a_broken_constraint_is_as_bad_as_the_worst_that_breaks_none():
    space = flat_space()
    observed = Observed(space, subject_to((Objective("error"),), [Constraint("params", "<=", 10)]))
    for i, (error, params) in enumerate([(0.2, 5), (0.4, 5), (0.1, 20)]):
        observed.tell([Trial(Candidate(space.unrank(i)), {"error": error, "params": params})])
    assert observed.examples()[1][:, 0] == pytest.approx(np.array([0.2, 0.4, 0.4]))
