import pytest

from nasturtium.errors import ConfigError, InfeasibleSpace, UnknownName
from nasturtium.run.front import Front


def test_pick_gives_the_lowest_error_that_meets_the_constraints(toy_run):
    bound = sorted(pick.metrics["params"] for pick in toy_run.front)[1]
    pick = toy_run.front.pick(f"params <= {bound}")
    meeting = [p.metrics["error"] for p in toy_run.front if p.metrics["params"] <= bound]
    assert pick.metrics["error"] == min(meeting)
    assert pick.metrics["params"] <= bound


def test_pick_takes_several_constraints_and_none(toy_run):
    assert toy_run.front.pick() == toy_run.best
    assert toy_run.front.pick("params <= 1900", "error <= 0.9").metrics["params"] <= 1900


def test_pick_takes_a_name(toy_run):
    for name in ("accurate", "knee", "cheapest"):
        assert toy_run.front.pick(name).name == name
    with pytest.raises(UnknownName, match="did you mean 'cheapest'"):
        toy_run.front.pick("cheepest")


def test_pick_of_what_nothing_meets_names_the_nearest_value(toy_run):
    least = min(pick.metrics["params"] for pick in toy_run.front)
    with pytest.raises(InfeasibleSpace, match=f"the nearest, cheapest, has params {least:g}"):
        toy_run.front.pick("params <= 3")


def test_pick_of_an_unknown_metric_names_the_known(toy_run):
    with pytest.raises(UnknownName, match="did you mean 'params'"):
        toy_run.front.pick("parms <= 3")
    with pytest.raises(ConfigError):
        toy_run.front.pick("params around 3")


def test_an_empty_front_says_so():
    with pytest.raises(InfeasibleSpace, match="the front is empty"):
        Front([]).pick()


def test_a_front_is_a_sequence_of_picks(toy_run):
    front = toy_run.front
    assert list(front) == [front[i] for i in range(len(front))]
    assert front[0].metrics["error"] <= front[-1].metrics["error"]
    assert toy_run.space.parse(front[0].text) == front[0].architecture
    assert front[0].network.layers
