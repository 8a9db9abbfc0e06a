"""What every page is put together from: templates, tables, plots, and how it is written."""

import os
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from nasturtium.errors import StoreError

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from jinja2 import Template


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot on the page: its id, what it shows in a line, and its HTML, which comes from plotly."""

    name: str
    caption: str
    html: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table on the page; the cells are plain text. The first column is the row's name."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def asset(name: str) -> str:
    """Returns a file that stands beside this one."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def template(name: str) -> "Template":
    """Returns a template; every text that is put into it is escaped."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(asset),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def plot(name: str, caption: str, figure: "go.Figure") -> Plot:
    """Returns a figure as a part of a page; the page brings the library once for all."""
    config = {"responsive": True, "displayModeBar": False}
    markup = figure.to_html(full_html=False, include_plotlyjs=False, config=config, div_id=name)
    return Plot(name, caption, markup)


def written(text: str, path: str | os.PathLike[str]) -> Path:
    """Writes a page, and returns where.

    Raises:
        StoreError: the file cannot be written.
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"cannot write the report {target}: {error.strerror}. Give a path that can be written"
        ) from error
    return target
