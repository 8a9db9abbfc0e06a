"""``nasturtium front``: the networks than which none is better in everything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nasturtium.cli.printing import console, print_json, print_table, quantity

if TYPE_CHECKING:
    from nasturtium.run.front import Pick
    from nasturtium.run.run import Run


def front(
    run: Annotated[Path, typer.Argument(help="Folder of the run.")],
    pick: Annotated[
        list[str] | None, typer.Option(help='Only the best that meets this: "latency_ms <= 1".')
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Lists the front of a run: validation error and costs, test error where a network was trained again.

    nasturtium front runs/first
    nasturtium front runs/first --pick "latency_ms <= 1" --json
    """
    from nasturtium.run.run import Run

    loaded = Run.load(run)
    chosen = [loaded.front.pick(*pick)] if pick else list(loaded.front)
    if json:
        print_json([_row(one) for one in chosen])
    else:
        print_front(loaded, chosen)


def print_front(run: Run, picks: Sequence[Pick], title: str | None = None) -> None:
    """Prints networks of a front; their test errors where any of them was trained again."""
    if not picks:
        console().print("The front is empty: no trial has succeeded and met the constraints yet.")
        return
    used = [name for objective in run.objectives for name in sorted(objective.metrics)]
    names = [n for n in dict.fromkeys((*used, "error", "params", "macs")) if n in picks[0].metrics]
    tested = ["test error"] if any(one.retrained for one in picks) else []
    print_table(
        ("network", *names, *tested, "architecture"),
        [
            (
                one.name,
                *(quantity(name, one.metrics.get(name, float("nan"))) for name in names),
                *(quantity("error", one.retrained.mean) if one.retrained else "-" for _ in tested),
                one.text,
            )
            for one in picks
        ],
        title=title,
    )


def _row(pick: Pick) -> dict[str, object]:
    return {
        "name": pick.name,
        **{name: float(value) for name, value in pick.metrics.items()},
        "test_error": pick.retrained.mean if pick.retrained else None,
        "architecture": pick.text,
    }
