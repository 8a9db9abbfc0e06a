"""The toys are what their docstrings say."""

from nasturtium.front.dominance import non_dominated
from nasturtium.testing.toys import (
    ToyCosts,
    conditional_space,
    flat_space,
    joint_space,
    single_space,
    toy_metrics,
)


def test_the_counts_are_those_of_the_docstrings():
    assert (flat_space().count, len(flat_space().decisions)) == (81, 4)
    assert (conditional_space().count, len(conditional_space().decisions)) == (312, 10)
    assert (joint_space().count, len(joint_space().decisions)) == (108, 7)
    assert (single_space().count, len(single_space().decisions)) == (1, 0)


def test_error_and_params_are_in_conflict():
    for space in (flat_space(), conditional_space(), joint_space()):
        points = [list(toy_metrics(space, architecture).values()) for architecture in space]
        assert len({tuple(point) for point, on in zip(points, non_dominated(points), strict=True) if on}) >= 3
        assert all(0 <= error <= 1 for error, _ in points)
    assert toy_metrics(flat_space(), flat_space().unrank(80)) == {"error": 0.05, "params": 2200.0}


def test_costs_are_the_metrics_that_were_asked_for():
    space = flat_space()
    costs = ToyCosts(space)
    assert costs(space.unrank(0), {"params"}) == {"params": 1400.0}
    assert costs(space.unrank(0), set()) == {}
    assert costs.calls == 2


def test_every_toy_fits_together():
    for space in (flat_space(), conditional_space(), joint_space(), single_space()):
        space.check()
