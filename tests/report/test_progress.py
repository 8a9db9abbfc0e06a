from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from nasturtium.front.objectives import parse_objective
from nasturtium.report.contents import Contents
from nasturtium.report.progress import Comparison, box_of, compare, course

MakeContents = Callable[..., Contents]


def test_share_of_the_box_never_falls_and_ends_at_the_front_s(make_contents: MakeContents) -> None:
    contents = make_contents()
    box = box_of(contents)
    assert box is not None
    points = contents.usable(contents.search)
    way = course(contents, points, box)
    assert list(way.reached) == sorted(way.reached)
    assert way.reached[-1] == pytest.approx(box.share(contents.values(points)))
    every = [box.share(contents.values(points[: n + 1])) for n in range(len(points))]
    assert np.allclose(way.reached, every)


def test_best_so_far_is_the_running_minimum(make_contents: MakeContents) -> None:
    contents = make_contents(objectives=(parse_objective("error"),))
    box = box_of(contents)
    assert box is not None
    points = contents.usable(contents.search)
    errors = [point.metrics["error"] for point in points]
    assert course(contents, points, box).reached == tuple(min(errors[: n + 1]) for n in range(len(errors)))


def test_whoever_dominates_more_leads_and_near_equals_do_not() -> None:
    assert Comparison(0.9, 0.8, several=True).lead == 1
    assert Comparison(0.8, 0.9, several=True).lead == -1
    assert Comparison(0.805, 0.8, several=True).lead == 0
    assert Comparison(0.02, 0.03, several=False).lead == 1
    assert Comparison(0.03, 0.02, several=False).lead == -1
    assert Comparison(0.02, 0.02, several=False).lead == 0


def test_swapping_search_and_baseline_swaps_the_lead(make_contents: MakeContents) -> None:
    contents = make_contents()
    swapped = replace(contents, search=contents.baseline, baseline=contents.search)
    there, back = compare(contents), compare(swapped)
    assert there is not None
    assert back is not None
    assert (there.method, there.baseline) == (back.baseline, back.method)
    assert there.lead == -back.lead


def test_nothing_to_compare_without_a_baseline(make_contents: MakeContents) -> None:
    assert compare(make_contents(baseline=None)) is None
