"""``nasturtium retrain``: trains picks of a run again, more often or longer."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from nasturtium.cli.printing import print_json


def retrain(
    run: Annotated[Path, typer.Argument(help="Folder of the run.")],
    picks: Annotated[int | None, typer.Option(help="How many networks of the front.")] = None,
    times: Annotated[int | None, typer.Option(help="Trainings of each, from different seeds.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Of each training.")] = None,
    format_: Annotated[
        list[str] | None, typer.Option("--format", help="Export as source, onnx, program, none.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Trains picks of a finished search again, on training and validation images, and tests them once each.

    nasturtium retrain runs/first --picks 5 --times 5 --epochs 50
    """
    from nasturtium.cli.finish import finish, outcome
    from nasturtium.cli.live import watched
    from nasturtium.run.api import search_spec
    from nasturtium.run.run import Run

    spec = Run.load(run).spec
    wanted = replace(
        spec.retrain,
        picks=picks if picks is not None else max(1, spec.retrain.picks),
        times=times if times is not None else spec.retrain.times,
        epochs=epochs if epochs is not None else spec.retrain.epochs,
    )
    asked = replace(spec, out=str(run), retrain=wanted)
    with watched(asked) as observer:
        done = search_spec(asked, observer)
    found = finish(done, tuple(format_) if format_ else ("source", "onnx"))
    if json:
        print_json(found)
    else:
        outcome(done, found)
