"""The plots of a bench, as plotly figures: regret over what was spent, and what asking costs."""

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from nasturtium.report.bench_words import in_points, unit_text
from nasturtium.report.plots import GREY, blank, name_axes
from nasturtium.run.bench.results import Results, Score
from nasturtium.run.bench.significance import Matrix, bootstrap

# Okabe and Ito's colours, which the colour-blind tell apart, and darker ones after them.
COLORS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7b4ea3", "#8c6d31", "#b2182b")
DASHES = ("solid", "dash", "dot", "dashdot")
HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Curve:
    """A method's regret over what was spent, as it is drawn: in the unit of the axis.

    Attributes:
        name: Of the method, escaped.
        color: Of line and band.
        dash: Of the line.
        x: What was spent.
        middle: Mean or median.
        low: Lower end of its 95 % interval.
        high: Upper end.
    """

    name: str
    color: str
    dash: str
    x: list[float]
    middle: Matrix
    low: Matrix
    high: Matrix


def styles(results: Results) -> dict[str, tuple[str, str]]:
    """Returns a colour and a dash for each method, the same in every plot; random is grey."""
    names = dict.fromkeys(method for table in results.tables for method in results.methods(table))
    others = [name for name in names if name != "random"]
    found = {
        name: (COLORS[i % len(COLORS)], DASHES[i // len(COLORS) % len(DASHES)])
        for i, name in enumerate(others)
    }
    return found | {"random": (GREY, "dash")}


def regret_curves(results: Results, table: str, by: Score, *, median: bool = False) -> go.Figure:
    """Returns the mean (or median) regret of every method over what was spent, with 95 % bands; y is log."""
    figure, metric = blank(), results.metric(table)
    curves = _curves(results, table, by, median=median)
    floor = _floor(curves)
    for curve in curves:
        figure.add_traces(_band(curve, floor))
        figure.add_trace(_line(curve, floor, unit_text(metric)))
    what = "median" if median else "mean"
    spent = "simulated hours of training" if results.protocol.timed else "evaluations"
    name_axes(figure, spent, f"{what} regret ({unit_text(metric)}, log scale)")
    highest = max((float(curve.middle.max()) for curve in curves), default=floor)
    figure.update_yaxes(type="log", dtick="D2" if highest < 100 * floor else 1, tickformat="~g")
    figure.update_xaxes(rangemode="tozero")
    return figure


def costs(results: Results) -> go.Figure:
    """Returns the milliseconds of ask and tell of each method: over all trials, and over the last tenth."""
    figure, style = blank(), styles(results)
    every: dict[str, list[tuple[float, float]]] = {}
    for table in results.tables:
        for one in results.standings(table):
            every.setdefault(one.method, []).append((one.ms, one.last_ms))
    means = {name: np.mean(pairs, axis=0) for name, pairs in every.items()}
    names = sorted(means, key=lambda name: -float(means[name][0]))
    for place, (what, symbol) in enumerate((("all trials", "circle"), ("the last tenth", "line-ns-open"))):
        figure.add_trace(
            go.Scatter(
                x=[float(means[name][place]) for name in names],
                y=[html.escape(name) for name in names],
                mode="markers",
                name=what,
                marker={
                    "color": [style[name][0] for name in names],
                    "symbol": symbol,
                    "size": 12,
                    "line": {"width": 2, "color": [style[name][0] for name in names]},
                },
                hovertext=[
                    f"<b>{html.escape(name)}</b><br>{what}: {means[name][place]:.3g} ms a trial"
                    for name in names
                ],
                hoverinfo="text",
            )
        )
    name_axes(figure, "ms per trial (log scale)", "")
    figure.update_xaxes(type="log", tickformat="~g", dtick=1)
    return figure


def _curves(results: Results, table: str, by: Score, *, median: bool) -> list[Curve]:
    statistic: Callable[..., Matrix] = np.median if median else np.mean
    factor = 100.0 if in_points(results.metric(table)) else 1.0
    scale = HOUR if results.protocol.timed else 1.0
    marks, style = np.array(results.marks) / scale, styles(results)
    curves = []
    for method in results.methods(table):
        regrets = factor * results.regret(table, method, by=by)
        known = np.isfinite(regrets).all(axis=0)  # before all seeds have found something there is no mean
        if known.any():
            low, high = bootstrap(regrets[:, known], statistic)
            middle = statistic(regrets[:, known], axis=0)
            curves.append(
                Curve(html.escape(method), *style[method], marks[known].tolist(), middle, low, high)
            )
    return curves


def _floor(curves: Sequence[Curve]) -> float:
    """Zero has no place on a log axis: what is below is drawn here, a third of the smallest above."""
    values = np.concatenate([curve.middle for curve in curves]) if curves else np.empty(0)
    positive = values[values > 0]
    return float(positive.min()) / 3 if len(positive) else 1e-6


def _band(curve: Curve, floor: float) -> list[go.Scatter]:
    shared = {
        "x": curve.x,
        "mode": "lines",
        "line": {"width": 0},
        "hoverinfo": "skip",
        "showlegend": False,
        "legendgroup": curve.name,
    }
    return [
        go.Scatter(y=np.maximum(curve.high, floor).tolist(), **shared),
        go.Scatter(
            y=np.maximum(curve.low, floor).tolist(), fill="tonexty", fillcolor=_faint(curve.color), **shared
        ),
    ]


def _line(curve: Curve, floor: float, unit: str) -> go.Scatter:
    points = zip(curve.x, curve.middle, curve.low, curve.high, strict=True)
    return go.Scatter(
        x=curve.x,
        y=np.maximum(curve.middle, floor).tolist(),
        mode="lines",
        name=curve.name,
        legendgroup=curve.name,
        line={"color": curve.color, "width": 2.4, "dash": curve.dash},
        hovertext=[
            f"<b>{curve.name}</b> at {x:.3g}<br>regret {middle:.3g} {html.escape(unit)}, 95% interval "
            f"{low:.3g} to {high:.3g}"
            for x, middle, low, high in points
        ],
        hoverinfo="text",
    )


def _faint(color: str) -> str:
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.14)"
