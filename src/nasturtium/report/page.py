"""One self-contained HTML page about a run, which needs neither network nor server: `write(run, path)`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from nasturtium.front.objectives import Objective, parse_objective
from nasturtium.report.contents import Contents, Point, Stage
from nasturtium.report.draw import svg
from nasturtium.report.parts import Plot, Table, asset, plot, template, written
from nasturtium.report.progress import box_of
from nasturtium.report.quantities import DASH, NAMES, duration, quantity, test_error, test_interval, title_of
from nasturtium.report.supernet import section
from nasturtium.report.words import COSTS, best_pick, comparison, headline, precision

if TYPE_CHECKING:
    from nasturtium.run.run import Run

REASONS = 12
FRONT_ROWS = 100


def write(run: "Run", path: str | os.PathLike[str]) -> Path:
    """Writes the page about a run, and returns where.

    Raises:
        StoreError: the file cannot be written.
    """
    return written(html(run), path)


def html(run: "Run") -> str:
    """Returns the page about a run as text."""
    from nasturtium.report.reading import contents_of

    return render(contents_of(run))


def render(contents: Contents) -> str:
    """Returns the page that says `contents`; every text in it is escaped."""
    from plotly.offline import get_plotlyjs

    plots, supernet = _plots(contents), section(contents.supernet)
    return template("page.html").render(
        contents=contents,
        style=asset("page.css"),
        script=asset("page.js"),
        plotly=get_plotlyjs() if plots or (supernet and supernet.plots) else "",
        plots=plots,
        supernet=supernet,
        headline=headline(contents),
        tiles=_tiles(contents),
        comparison=comparison(contents),
        picks=_pick_table(contents),
        files=_file_table(contents),
        precision=precision(contents),
        drawings=[svg(pick.network, title=pick.name) if pick.network else "" for pick in contents.picks],
        front=_front_table(contents),
        stages=_stage_table(contents),
        failures=_failure_table(contents),
    )


def _plots(contents: Contents) -> dict[str, list[Plot]]:
    """The plots of the page's two sections; none while no trial counts."""
    box = box_of(contents)
    if box is None:
        return {}
    from nasturtium.report import plots

    several = len(contents.objectives) > 1
    costs = contents.objectives[1:] or tuple(parse_objective(metric) for metric in _other_costs(contents)[:1])
    shown = "front" if several else "cost"
    return {
        "front": [
            plot(f"{shown}{number or ''}", _front_caption(contents, cost), plots.trade_off(contents, cost))
            for number, cost in enumerate(costs)
        ],
        "progress": [plot("progress", _progress_caption(contents), plots.progress(contents, box))],
    }


def _other_costs(contents: Contents) -> list[str]:
    """Costs that trials know although nobody asked for them to be small, the most telling first."""
    points = contents.usable(contents.search)
    known = {metric for point in points for metric in point.metrics}
    used = {metric for objective in contents.objectives for metric in objective.metrics}
    return [metric for metric in (*COSTS, "macs") if metric in known - used]


def _front_caption(contents: Contents, cost: Objective) -> str:
    sentences = [
        "Each dot is a trained network" + "; down and left is better" * (len(contents.objectives) > 1)
    ]
    sentences.append("Point at one to see it")
    if any(pick.tested for pick in contents.picks) and contents.objectives[0].text == "error":
        inherited = all(pick.tested.inherited for pick in contents.picks if pick.tested)
        what = "the picks" if inherited else "the picks after training again"
        sentences.append(f"Diamonds are {what}, at their error on the test split")
    bounds = [str(constraint) for constraint in contents.constraints if constraint.metric == cost.text]
    sentences += [f"A dotted line is the constraint {bound}" for bound in bounds]
    budgets = sorted(one.bound for one in contents.budgets if one.metric == cost.text)
    if budgets:
        said = ", ".join(quantity(cost.text, one) for one in budgets)
        sentences.append(f"Dashed lines are the budgets, {said}")
    return ". ".join(sentences) + "."


def _progress_caption(contents: Contents) -> str:
    if len(contents.objectives) > 1:
        return (
            "The share of the box around all trials that the front so far dominates (its hypervolume): more "
            "is better. The box ends a tenth of the range beyond the worst values."
        )
    return "The lowest value so far; lower is better."


def _tiles(contents: Contents) -> list[tuple[str, str]]:
    """The few numbers that a reader wants first; none while no trial counts."""
    points = contents.usable(contents.search)
    if not points:
        return []
    best, first = best_pick(contents.picks), contents.objectives[0].text
    if best is not None:
        tiles = [("test error of the best pick", test_error(best.tested))]
        tiles += [(NAMES[name], quantity(name, best.found[name])) for name in COSTS[:2] if name in best.found]
    else:
        lowest = float(contents.values(points)[:, 0].min())
        tiles = [(f"lowest {title_of(first)} in the search", quantity(first, lowest))]
    if len(contents.objectives) > 1:
        tiles.append(("networks on the front", str(len(contents.front(points)))))
    return [*tiles, ("trials", f"{len(contents.search.points):,}")]


def _pick_table(contents: Contents) -> Table:
    asked = [one.text for one in contents.objectives] + [one.metric for one in contents.budgets]
    known = [name for name in ("params", "macs", *COSTS[1:]) if any(name in p.found for p in contents.picks)]
    columns = sorted(known, key=lambda name: name not in asked)  # what was asked for comes first
    rows = tuple(
        (
            pick.name,
            quantity("error", pick.found.get("error")),
            test_error(pick.tested),
            *(quantity(name, pick.found.get(name)) for name in columns),
            test_interval(pick.tested),
            str(len(pick.tested.errors) if pick.tested else 0),
        )
        for pick in contents.picks
    )
    titles = (
        "pick",
        "validation error",
        "test error",
        *map(title_of, columns),
        "95% interval",
        "trainings",
    )
    return Table(titles, rows)


def _file_table(contents: Contents) -> Table:
    """The exported files: promised and measured, the model's answers and the file's."""
    rows = tuple(
        (
            f"{one.pick}, {one.format}",
            quantity("size_bytes", one.promised_bytes),
            quantity("size_bytes", one.bytes),
            quantity("latency_ms", one.promised_ms),
            quantity("latency_ms", one.latency_ms),
            quantity("error", one.model_error),
            quantity("error", one.error),
            quantity("error", None if one.alike is None else 1 - one.alike),
        )
        for one in contents.files
    )
    costs = ("promised size", "size", "promised latency", "latency")
    return Table(("file", *costs, "model's error", "file's error", "differ"), rows)


def _front_table(contents: Contents) -> Table:
    """The front in figures, for whoever cannot use the plot."""
    if len(contents.objectives) < 2:
        return Table((), ())
    points = contents.front(contents.usable(contents.search))[:FRONT_ROWS]
    rows = tuple((str(point.number), *_values(contents, point), point.text) for point in points)
    titles = (title_of(objective.text) for objective in contents.objectives)
    return Table(("trial", *titles, "architecture"), rows)


def _values(contents: Contents, point: Point) -> list[str]:
    return [quantity(objective.text, objective(point.metrics)) for objective in contents.objectives]


def _stage_table(contents: Contents) -> Table:
    rows = tuple(
        (stage.name, str(len(stage.points)), *_counts(stage), _training(stage), duration(stage.seconds))
        for stage in contents.stages
    )
    return Table(("stage", "trials", "failed", "infeasible", "training", "wall time"), rows)


def _counts(stage: Stage) -> list[str]:
    return [str(sum(point.status == status for point in stage.points)) for status in ("failed", "infeasible")]


def _training(stage: Stage) -> str:
    return duration(stage.points[-1].spent - stage.before) if stage.points else duration(0)


def _failure_table(contents: Contents) -> Table:
    """Trials that did not succeed, one row for each reason."""
    groups: dict[tuple[str, str, str], list[Point]] = {}
    for stage in contents.stages:
        for point in stage.points:
            if point.status != "ok":
                groups.setdefault((stage.name, point.status, point.problem or DASH), []).append(point)
    often = sorted(groups.items(), key=lambda group: -len(group[1]))[:REASONS]
    rows = tuple(
        (name, status, str(len(points)), why, points[0].text) for (name, status, why), points in often
    )
    return Table(("stage", "status", "trials", "why", "for example"), rows)
