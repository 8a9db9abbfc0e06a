from collections.abc import Callable
from dataclasses import replace

from nasturtium.front.objectives import parse_constraint, parse_objective
from nasturtium.report.contents import Contents, Point, Stage
from nasturtium.report.plots import MOST, hover, progress, trade_off
from nasturtium.report.progress import box_of

MakeContents = Callable[..., Contents]


def test_every_usable_trial_is_drawn_once(make_contents: MakeContents) -> None:
    contents = make_contents()
    figure = trade_off(contents, contents.objectives[1])
    drawn = {trace.name: len(trace.x) for trace in figure.data}
    assert drawn["evolution"] + drawn["front, evolution"] == len(contents.usable(contents.search))
    assert drawn["random search"] + drawn["front, random search"] == len(contents.usable(contents.baseline))
    assert drawn["picks, test error"] == 3


def test_front_line_falls_from_left_to_right(make_contents: MakeContents) -> None:
    contents = make_contents()
    (line,) = [t for t in trade_off(contents, contents.objectives[1]).data if t.name == "front, evolution"]
    assert list(line.x) == sorted(line.x)
    assert list(line.y) == sorted(line.y, reverse=True)
    assert line.mode == "lines+markers"


def test_fronts_of_three_objectives_have_no_line(make_contents: MakeContents) -> None:
    objectives = tuple(map(parse_objective, ("error", "latency_ms", "params")))
    contents = make_contents(objectives=objectives)
    modes = {trace.name: trace.mode for trace in trade_off(contents, objectives[2]).data}
    assert modes["front, evolution"] == "markers"


def test_bounds_and_budgets_of_the_cost_that_is_drawn_are_lines(make_contents: MakeContents) -> None:
    bounds = (parse_constraint("latency_ms <= 4"), parse_constraint("params <= 1e5"))
    budgets = (parse_constraint("latency_ms <= 2"), parse_constraint("macs <= 1e6"))
    contents = make_contents(constraints=bounds, budgets=budgets)
    lines = trade_off(contents, contents.objectives[1]).layout.shapes
    assert {line.x0: line.line.dash for line in lines} == {4: "dot", 2: "dash"}


def test_one_objective_is_drawn_over_a_cost_without_a_front(make_contents: MakeContents) -> None:
    contents = make_contents(objectives=(parse_objective("error"),))
    names = [trace.name for trace in trade_off(contents, parse_objective("params")).data]
    assert names == ["random search", "evolution", "picks, test error"]


def test_a_long_search_is_thinned_but_for_its_front(make_contents: MakeContents) -> None:
    points = tuple(
        Point(i, "a", {"error": 0.5 + i / 1e5, "latency_ms": 1 + i / 1e5, "params": 1.0})
        for i in range(20_000)
    )
    contents = make_contents(search=Stage("search", points), baseline=None, picks=())
    dots, front = trade_off(contents, contents.objectives[1]).data
    assert len(dots.x) <= MOST
    assert len(front.x) == 1


def test_progress_is_over_trials_where_nobody_counted_seconds(make_contents: MakeContents) -> None:
    contents = make_contents()
    assert contents.baseline is not None
    box = box_of(contents)
    assert box is not None
    assert "time" in progress(contents, box).layout.xaxis.title.text
    untimed = [
        replace(stage, points=tuple(replace(point, spent=float("nan")) for point in stage.points))
        for stage in (contents.search, contents.baseline)
    ]
    figure = progress(replace(contents, search=untimed[0], baseline=untimed[1]), box)
    assert figure.layout.xaxis.title.text == "trials"
    assert max(figure.data[1].x) == len(contents.search.points)


def test_hover_has_metrics_and_architecture_and_escapes_both() -> None:
    text = hover("mine", Point(7, "a <b> & c " * 100, {"error": 0.1, "x<y": 2.0}))
    assert "trial 7" in text
    assert "error 10.00%" in text
    assert "a &lt;b&gt; &amp; c" in text
    assert "x&lt;y 2" in text
    assert len(text) < 1000
