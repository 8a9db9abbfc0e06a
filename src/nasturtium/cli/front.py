"""``nasturtium front``: the networks than which none is better in everything."""

from pathlib import Path
from typing import Annotated

import typer

from nasturtium.cli.printing import console, print_json, print_table, quantity


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
    rows = [
        {
            "name": one.name,
            **{name: float(value) for name, value in one.metrics.items()},
            "test_error": one.retrained.mean if one.retrained else None,
            "architecture": one.text,
        }
        for one in chosen
    ]
    if json:
        print_json(rows)
        return
    if not rows:
        console().print("The front is empty: no trial has succeeded and met the constraints yet.")
        return
    used = dict.fromkeys(name for objective in loaded.objectives for name in sorted(objective.metrics))
    names = [name for name in dict.fromkeys((*used, "error", "params", "macs")) if name in rows[0]]
    print_table(
        ("network", *names, "test error", "architecture"),
        [
            (
                one.name,
                *(quantity(name, one.metrics.get(name, float("nan"))) for name in names),
                quantity("error", one.retrained.mean) if one.retrained else "-",
                one.text,
            )
            for one in chosen
        ],
    )
