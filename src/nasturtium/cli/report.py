"""``nasturtium report``: one HTML file that says what was asked, done and found."""

from pathlib import Path
from typing import Annotated

import typer

from nasturtium.cli.printing import console, print_json


def report(
    run: Annotated[Path, typer.Argument(help="Folder of the run.")],
    out: Annotated[
        Path | None, typer.Option(help="File to write; report.html in the run's folder by default.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Writes the report of a run: one HTML file that needs no network and no server.

    nasturtium report runs/first
    """
    from nasturtium.report.page import write
    from nasturtium.run.run import Run

    path = write(Run.load(run), out or run / "report.html")
    if json:
        print_json({"report": str(path)})
    else:
        console().print(f"report: {path}", soft_wrap=True)
