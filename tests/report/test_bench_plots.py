from collections.abc import Callable

import numpy as np
import pytest

from nasturtium.report.bench_plots import costs, regret_curves, styles
from nasturtium.run.bench.results import Results

MakeResults = Callable[..., Results]


def lines(figure):
    return {trace.name: trace for trace in figure.data if trace.name}


@pytest.mark.parametrize("median", [False, True])
def test_curves_are_means_or_medians_in_points_within_their_bands(
    make_results: MakeResults, median: bool
) -> None:
    results = make_results()
    figure = regret_curves(results, "nasbench_macro", "picked", median=median)
    regrets = 100 * results.regret("nasbench_macro", "random")
    expected = np.median(regrets, axis=0) if median else regrets.mean(axis=0)
    assert np.allclose(lines(figure)["random"].y, expected)
    assert figure.layout.yaxis.type == "log"
    high, low = figure.data[0].y, figure.data[1].y
    assert all(
        lower <= middle <= upper for lower, middle, upper in zip(low, figure.data[2].y, high, strict=True)
    )


def test_no_regret_at_all_still_has_a_place_on_the_log_axis(make_results: MakeResults) -> None:
    figure = regret_curves(make_results(), "nasbench_macro", "picked", median=True)
    assert all(min(trace.y) > 0 for trace in figure.data)


def test_random_is_grey_and_methods_keep_their_colours(make_results: MakeResults) -> None:
    found = styles(make_results(methods=[f"m{i}" for i in range(20)]))
    assert len({found[f"m{i}"] for i in range(20)}) == 20
    assert found["random"][0] == "#8b929c"


def test_costs_have_a_mark_for_each_method(make_results: MakeResults) -> None:
    figure = costs(make_results())
    assert list(figure.data[0].y) == ["auto", "evolution", "random"]
    assert figure.data[1].x[0] > figure.data[0].x[0]
