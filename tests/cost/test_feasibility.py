"""How far costs reach over a space."""

import pytest
from tests.cost.devices import chain

from nasturtium.cost.counts import Counted
from nasturtium.cost.feasibility import check_reachable, feasibility
from nasturtium.errors import InfeasibleSpace
from nasturtium.front.objectives import parse_constraint

SPACE = chain()
COSTS = Counted(SPACE)
EVERY = [COSTS(one, ["params", "macs"]) for one in SPACE]


def test_the_ends_are_those_of_the_whole_space() -> None:
    known = feasibility(SPACE, COSTS, ["params", "macs"], samples=100)
    for reach in known.reaches:
        values = [row[reach.metric] for row in EVERY]
        assert (reach.smallest, reach.largest) == (min(values), max(values))
        assert reach.smallest <= reach.low <= reach.median <= reach.high <= reach.largest


def test_the_share_is_that_of_random_networks_that_meet_all() -> None:
    bounds = [parse_constraint("params <= 5000"), parse_constraint("macs >= 100e3")]
    known = feasibility(SPACE, COSTS, [], bounds, samples=300)
    drawn = sum(all(one.holds(row) for one in bounds) for row in EVERY) / len(EVERY)
    assert [reach.metric for reach in known.reaches] == ["params", "macs"]
    assert known.feasible == pytest.approx(drawn, abs=0.15)


def test_a_bound_beyond_the_space_says_what_can_be_reached() -> None:
    smallest, largest = (end(row["params"] for row in EVERY) for end in (min, max))
    check_reachable(SPACE, COSTS, [parse_constraint(f"params <= {smallest}")])
    check_reachable(SPACE, COSTS, [parse_constraint(f"params >= {largest}")])
    with pytest.raises(InfeasibleSpace, match=f"smallest params that can be reached is {smallest:g}"):
        check_reachable(SPACE, COSTS, [parse_constraint(f"params < {smallest}")])
    with pytest.raises(InfeasibleSpace, match=f"largest params that can be reached is {largest:g}"):
        check_reachable(SPACE, COSTS, [parse_constraint(f"params > {largest}")])
