"""``nasturtium retrain``: trains picks of a run again, more often or longer."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer


def retrain(
    run: Annotated[Path, typer.Argument(help="Folder of the run.")],
    picks: Annotated[int | None, typer.Option(help="How many networks of the front.")] = None,
    times: Annotated[int | None, typer.Option(help="Trainings of each, from different seeds.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Of each training.")] = None,
    at: Annotated[
        list[str] | None, typer.Option(help='Budgets: the best network within each, "latency_ms <= 1, 2".')
    ] = None,
    format_: Annotated[
        list[str] | None, typer.Option("--format", help="Export as source, onnx, program, none.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Trains picks of a finished search again, on training and validation images, and tests them once each.

    nasturtium retrain runs/first --picks 5 --times 5 --epochs 50
    nasturtium retrain runs/first --at "latency_ms <= 0.5, 1"
    """
    from nasturtium.cli.finish import carry_out
    from nasturtium.run.run import Run

    spec = Run.load(run).spec
    wanted = replace(
        spec.retrain,
        picks=picks if picks is not None else max(1, spec.retrain.picks),
        times=times if times is not None else spec.retrain.times,
        epochs=epochs if epochs is not None else spec.retrain.epochs,
        at=tuple(at) if at else spec.retrain.at,
    )
    carry_out(replace(spec, out=str(run), retrain=wanted), format_, json=json)
