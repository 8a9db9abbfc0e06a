"""The plots of a report, as plotly figures: trials and fronts over a cost, and the progress of the search."""

import html
import math
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from nasturtium.front.objectives import Objective
from nasturtium.report.contents import Contents, Pick, Point, Stage
from nasturtium.report.progress import Box, course
from nasturtium.report.quantities import quantity, test_error, test_interval, title_of
from nasturtium.run.retrained import Retrained

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif"
GREY, GREEN = "#8b929c", "#1f9d6b"
MOST = 3000  # trials drawn per stage beside its front; more would only make the page slow
WIDE = 20.0  # a cost axis turns logarithmic when its values span more than this factor
LETTERS, LINES = 52, 9  # how much of an architecture's text a hover shows


@dataclass(frozen=True, slots=True)
class Side:
    """The search or its baseline, as it looks in every plot."""

    name: str
    stage: Stage
    points: Sequence[Point]
    color: str
    strong: str
    symbol: str
    dash: str


def trade_off(contents: Contents, cost: Objective) -> go.Figure:
    """Returns the first objective over `cost` for all usable trials, with fronts and tested picks.

    With more than two objectives the fronts have no line, since their points need not fall along one; with
    one objective there is no front.
    """
    figure = blank()
    for side in _sides(contents):
        best = contents.front(side.points) if len(contents.objectives) > 1 else []
        figure.add_trace(_dots(contents, side, _thinned(side.points, best), cost))
        if best:
            figure.add_trace(_front(contents, side, best, cost))
    _add_picks(figure, contents, cost)
    _add_bounds(figure, contents, cost)
    name_axes(figure, title_of(cost.text), _error_title(contents))
    _log_if_wide(figure, [cost(point.metrics) for side in _sides(contents) for point in side.points])
    if contents.objectives[0].text == "error":
        figure.update_yaxes(tickformat="~%")
    return figure


def progress(contents: Contents, box: Box) -> go.Figure:
    """Returns the lowest value, or the share of `box` dominated, so far, over training time or trials."""
    figure = blank()
    sides = _sides(contents)
    timed = all(math.isfinite(point.spent) for side in sides for point in side.stage.points)
    for side in sides:
        figure.add_trace(_course(contents, side, box, timed=timed))
    several = len(contents.objectives) > 1
    what = "share of the box dominated" if several else f"lowest {_error_title(contents)}"
    name_axes(figure, "training time (s)" if timed else "trials", what)
    figure.update_xaxes(rangemode="tozero")
    if several or contents.objectives[0].text == "error":
        figure.update_yaxes(tickformat="~%")
    return figure


def hover(name: str, point: Point) -> str:
    """Returns what the pointer shows of a trial, its metrics and its architecture, escaped for plotly."""
    numbers = [f"{html.escape(metric)} {quantity(metric, value)}" for metric, value in point.metrics.items()]
    rows = [" \N{MIDDLE DOT} ".join(numbers[i : i + 3]) for i in range(0, len(numbers), 3)]
    head = f"<b>{html.escape(name)}, trial {point.number}</b>"
    return "<br>".join([head, *rows, _wrapped(point.text)])


def _sides(contents: Contents) -> list[Side]:
    """Baseline first, so that the search is drawn over it; a side without a usable trial is left out."""
    sides = []
    if contents.baseline and (points := contents.usable(contents.baseline)):
        sides.append(Side("random search", contents.baseline, points, GREY, GREY, "circle-open", "dash"))
    if points := contents.usable(contents.search):
        name = contents.method if contents.method != "random" else "random (this search)"
        sides.append(Side(name, contents.search, points, "#4a86c5", "#e0602b", "circle", "solid"))
    return sides


def blank() -> go.Figure:
    """Returns a figure without traces, in the style of all plots."""
    hoverlabel = {"bgcolor": "#23272e", "bordercolor": "#23272e", "align": "left"}
    return go.Figure(
        layout=go.Layout(
            template="none",
            height=430,
            margin={"l": 64, "r": 16, "t": 8, "b": 52},
            paper_bgcolor="rgba(0,0,0,0)",
            plot_bgcolor="rgba(0,0,0,0)",
            font={"family": FONT, "size": 13, "color": "#444b54"},
            legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "bgcolor": "rgba(0,0,0,0)"},
            hoverlabel=hoverlabel | {"font": {"color": "#ffffff", "size": 12, "family": FONT}},
            hovermode="closest",
            showlegend=True,
        )
    )


def name_axes(figure: go.Figure, x: str, y: str) -> None:
    """Gives the axes their names and the style of all plots."""
    style = {"gridcolor": "#e3e6ea", "zeroline": False, "automargin": True, "ticklabelstandoff": 4}
    figure.update_xaxes(title={"text": html.escape(x), "standoff": 10, "font": {"size": 13}}, **style)
    figure.update_yaxes(title={"text": html.escape(y), "standoff": 12, "font": {"size": 13}}, **style)


def _error_title(contents: Contents) -> str:
    text = contents.objectives[0].text
    return "validation error" if text == "error" else title_of(text)


def _log_if_wide(figure: go.Figure, values: Iterable[float]) -> None:
    known = [value for value in values if math.isfinite(value)]
    if known and min(known) > 0 and max(known) > WIDE * min(known):
        figure.update_xaxes(type="log", dtick="D2" if max(known) < 1000 * min(known) else 1)


def _dots(contents: Contents, side: Side, points: Sequence[Point], cost: Objective) -> go.Scatter:
    return go.Scatter(
        x=[cost(point.metrics) for point in points],
        y=[contents.objectives[0](point.metrics) for point in points],
        mode="markers",
        name=html.escape(side.name),
        marker={"color": side.color, "symbol": side.symbol, "size": 7, "opacity": 0.6},
        hovertext=[hover(side.name, point) for point in points],
        hoverinfo="text",
    )


def _front(contents: Contents, side: Side, best: Sequence[Point], cost: Objective) -> go.Scatter:
    best = sorted(best, key=lambda point: cost(point.metrics))
    return go.Scatter(
        x=[cost(point.metrics) for point in best],
        y=[contents.objectives[0](point.metrics) for point in best],
        mode="lines+markers" if len(contents.objectives) == 2 else "markers",
        name=html.escape(f"front, {side.name}"),
        line={"color": side.strong, "width": 2, "shape": "hv", "dash": side.dash},
        marker={"color": side.strong, "symbol": side.symbol, "size": 8},
        hovertext=[hover(f"{side.name}, on the front", point) for point in best],
        hoverinfo="text",
    )


def _add_picks(figure: go.Figure, contents: Contents, cost: Objective) -> None:
    """The picks at their mean test error with its interval, where the vertical axis is an error."""
    shown = [
        (pick, pick.tested) for pick in contents.picks if pick.tested and math.isfinite(cost(pick.found))
    ]
    if not shown or contents.objectives[0].text != "error":
        return
    spans = [again.interval or (again.mean, again.mean) for _, again in shown]
    bars = {
        "array": [high - again.mean for (_, again), (_, high) in zip(shown, spans, strict=True)],
        "arrayminus": [again.mean - low for (_, again), (low, _) in zip(shown, spans, strict=True)],
    }
    figure.add_trace(
        go.Scatter(
            x=[cost(pick.found) for pick, _ in shown],
            y=[again.mean for _, again in shown],
            error_y=bars | {"type": "data", "color": GREEN, "thickness": 1.5, "width": 4},
            mode="markers",
            name="picks, test error",
            marker={
                "color": GREEN,
                "symbol": "diamond",
                "size": 11,
                "line": {"color": "#ffffff", "width": 1},
            },
            hovertext=[_pick_hover(pick, again) for pick, again in shown],
            hoverinfo="text",
        )
    )


def _pick_hover(pick: Pick, again: Retrained) -> str:
    sure = f"95% interval {test_interval(again)}" if again.interval else "one training"
    head = f"<b>{html.escape(pick.name)}, trained again</b>"
    return f"{head}<br>test error {test_error(again)} ({sure})<br>{_wrapped(pick.text)}"


def _add_bounds(figure: go.Figure, contents: Contents, cost: Objective) -> None:
    for constraint in contents.constraints:
        if constraint.metric == cost.text:
            figure.add_vline(x=constraint.bound, line={"color": GREY, "width": 1, "dash": "dot"})
    for budget in contents.budgets:
        if budget.metric == cost.text:
            figure.add_vline(x=budget.bound, line={"color": GREEN, "width": 1, "dash": "dash"})


def _course(contents: Contents, side: Side, box: Box, *, timed: bool) -> go.Scatter:
    way = course(contents, side.points, box)
    last = side.stage.points[-1]
    trials = [*way.trials, len(side.stage.points)]
    reached = [*way.reached, way.reached[-1]]  # nothing new until the stage ended
    return go.Scatter(
        x=[*way.spent, last.spent] if timed else trials,
        y=reached,
        mode="lines",
        name=html.escape(side.name),
        line={"color": side.strong, "width": 2.4, "dash": side.dash, "shape": "hv"},
        hovertext=[
            f"<b>{html.escape(side.name)}</b><br>after {count} trials: {_reached(contents, value)}"
            for count, value in zip(trials, reached, strict=True)
        ],
        hoverinfo="text",
    )


def _reached(contents: Contents, value: float) -> str:
    return f"{value:.1%}" if len(contents.objectives) > 1 else quantity(contents.objectives[0].text, value)


def _thinned(points: Sequence[Point], best: Sequence[Point]) -> list[Point]:
    """Points that are not on the front, at most MOST of them, evenly over the search."""
    numbers = {point.number for point in best}
    others = [point for point in points if point.number not in numbers]
    return others[:: max(1, math.ceil(len(others) / MOST))]


def _wrapped(text: str) -> str:
    lines = textwrap.wrap(text, LETTERS, max_lines=LINES, placeholder=" ...", break_on_hyphens=False)
    return "<br>".join(html.escape(line) for line in lines)
