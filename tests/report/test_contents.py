from collections.abc import Callable

import numpy as np

from nasturtium.front.objectives import parse_constraint
from nasturtium.report.contents import Contents, Point, Stage

MakeContents = Callable[..., Contents]


def trial(number: int, error: float, latency: float, **more: float) -> Point:
    return Point(number, f"net {number}", {"error": error, "latency_ms": latency, **more})


def test_trials_that_failed_lack_a_metric_or_break_a_constraint_do_not_count(
    make_contents: MakeContents,
) -> None:
    failed = Point(3, "net 3", {"error": 0.1, "latency_ms": 1.0, "params": 1.0}, status="failed")
    points = (
        trial(0, 0.1, 1.0, params=1e3),
        trial(1, 0.1, 1.0, params=1e6),
        trial(2, float("nan"), 1.0, params=1e3),
        failed,
        trial(4, 0.1, 1.0),
    )
    contents = make_contents(constraints=(parse_constraint("params <= 2000"),))
    assert [point.number for point in contents.usable(Stage("search", points))] == [0]
    assert contents.usable(None) == []


def test_front_has_no_dominated_point_and_one_of_equal_ones(make_contents: MakeContents) -> None:
    contents = make_contents()
    points = [trial(0, 0.2, 1.0), trial(1, 0.1, 2.0), trial(2, 0.2, 1.5), trial(3, 0.1, 2.0)]
    assert [point.number for point in contents.front(points)] == [0, 1]
    assert contents.front([]) == []
    assert contents.values(points).shape == (4, 2)
    assert np.array_equal(contents.values([]), np.empty((0, 2)))
