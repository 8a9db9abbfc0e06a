"""The plots of a supernet's training, as plotly figures."""

import html
import math
from collections.abc import Sequence

import plotly.graph_objects as go

from nasturtium.evaluate.agreement import Agreement
from nasturtium.evaluate.alarms import RARELY, Alarm
from nasturtium.evaluate.course import Course
from nasturtium.report.plots import GREEN, GREY, WIDE, blank, name_axes

BLUE, ORANGE, PURPLE = "#4a86c5", "#e0602b", "#8f5fb0"
MOST_NAMES = 24  # decisions that an axis names; more would be unreadable


def loss(course: Course) -> go.Figure:
    """Returns the training loss over steps."""
    figure = blank()
    figure.add_trace(_line(course.steps, course.loss, "training loss", BLUE))
    name_axes(figure, "steps", "training loss")
    figure.update_layout(height=300, showlegend=False)
    return figure


def shares(course: Course, alarms: Sequence[Alarm]) -> go.Figure:
    """Returns entropy and shares over steps, with the places of warnings."""
    figure = blank()
    series = (
        ("entropy", course.entropy, BLUE, "solid"),
        ("skip connections", course.skips, ORANGE, "solid"),
        ("without weights", course.weightless, PURPLE, "dash"),
    )
    for name, values, color, dash in series:
        if any(map(math.isfinite, values)):
            figure.add_trace(_line(course.steps, values, name, color, dash))
    _mark(figure, [alarm for alarm in alarms if alarm.name in ("entropy", "skips")])
    name_axes(figure, "steps", "share")
    figure.update_yaxes(range=[0, 1.02], tickformat="~%")
    return figure


def eigenvalue(course: Course, alarms: Sequence[Alarm]) -> go.Figure:
    """Returns the dominant eigenvalue over steps."""
    figure = blank()
    steps, values = zip(*course.eigenvalues, strict=True)
    figure.add_trace(_line(steps, values, "eigenvalue", ORANGE))
    _mark(figure, [alarm for alarm in alarms if alarm.name == "eigenvalue"])
    name_axes(figure, "steps", "dominant eigenvalue")
    figure.update_layout(height=300, showlegend=False)
    return figure


def counts(course: Course) -> go.Figure:
    """Returns how often each option was trained, in equal shares of its decision."""
    figure = blank()
    paths, multiples, texts = [], [], []
    for (path, labels), row in zip(course.decisions, course.counts, strict=True):
        fair = sum(row) / len(row)
        if len(row) < 2 or not fair:
            continue
        for label, count in zip(labels, row, strict=True):
            paths.append(html.escape(path))
            multiples.append(count / fair)
            texts.append(f"<b>{html.escape(path)}={html.escape(label)}</b><br>{count:,} of {sum(row):,}")
    marker = {"color": BLUE, "size": 9, "opacity": 0.7}
    figure.add_trace(
        go.Scatter(x=paths, y=multiples, mode="markers", marker=marker, hovertext=texts, hoverinfo="text")
    )
    figure.add_hline(y=1, line={"color": GREY, "width": 1})
    figure.add_hline(y=RARELY, line={"color": GREY, "width": 1, "dash": "dot"})
    name_axes(figure, "decisions", "trained, of an equal share")
    figure.update_yaxes(rangemode="tozero")
    figure.update_xaxes(type="category", showticklabels=len(set(paths)) <= MOST_NAMES)
    figure.update_layout(height=340, showlegend=False)
    return figure


def ranks(agreement: Agreement) -> go.Figure:
    """Returns errors alone over errors with shared weights."""
    figure = blank()
    shared, alone = zip(*agreement.pairs, strict=True)
    figure.add_trace(
        go.Scatter(
            x=shared,
            y=alone,
            mode="markers",
            marker={"color": GREEN, "size": 9, "opacity": 0.7},
            hovertemplate="%{x:.2%} with shared weights<br>%{y:.2%} alone<extra></extra>",
        )
    )
    name_axes(figure, "validation error with shared weights", "validation error alone")
    for values, update in ((shared, figure.update_xaxes), (alone, figure.update_yaxes)):
        # Networks that learned nothing would push all others into a corner.
        wide = min(values) > 0 and max(values) > WIDE * min(values)
        update(tickformat="~%", **({"type": "log", "dtick": "D2"} if wide else {}))
    figure.update_layout(height=380, showlegend=False)
    return figure


def _line(
    steps: Sequence[int], values: Sequence[float], name: str, color: str, dash: str = "solid"
) -> go.Scatter:
    known = [value if math.isfinite(value) else None for value in values]
    line = {"color": color, "width": 2.2, "dash": dash}
    mode = "lines" if len(steps) > 1 else "markers"
    hover = f"step %{{x:,}}: {name} %{{y:.3g}}<extra></extra>"
    return go.Scatter(x=steps, y=known, mode=mode, name=name, line=line, hovertemplate=hover)


def _mark(figure: go.Figure, alarms: Sequence[Alarm]) -> None:
    """Draws a line where a warning was given first."""
    for alarm in alarms:
        if alarm.step is not None:
            figure.add_vline(
                x=alarm.step,
                line={"color": ORANGE, "width": 1, "dash": "dot"},
                annotation={"text": f"warning: {alarm.name}", "font": {"color": ORANGE, "size": 12}},
                annotation_position="top right" if alarm.name != "skips" else "bottom right",
            )
