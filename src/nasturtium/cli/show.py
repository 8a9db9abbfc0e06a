"""``nasturtium show``: what a run asked, how far it is and what it found."""

from pathlib import Path
from typing import Annotated, Any

import typer

from nasturtium.cli.printing import console, duration, print_json, quantity


def show(
    run: Annotated[Path, typer.Argument(help="Folder of the run.")],
    trial: Annotated[int | None, typer.Option(help="One trial of the search, by its number.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Shows what a run asked, how far it is and what it found; also while it is going on.

    nasturtium show runs/first
    nasturtium show runs/first --trial 12
    """
    from nasturtium.run.run import Run

    loaded = Run.load(run)
    found = _trial(loaded, trial) if trial is not None else _summary(loaded)
    if json:
        print_json(found)
        return
    width = max(map(len, found))
    for key, value in found.items():
        console().print(f"{key.replace('_', ' '):<{width}}  {value}", soft_wrap=True)


def _summary(run: Any) -> dict[str, Any]:
    spec = run.spec
    trials = run.trials()
    found: dict[str, Any] = {
        "folder": str(run.folder),
        "data": spec.data,
        "space": spec.space,
        "method": spec.method,
        "minimize": ", ".join(spec.minimize),
        "subject_to": ", ".join(spec.subject_to) or "nothing",
        "budget": str(spec.budget),
        "seed": spec.seed,
        "state": "finished" if run.complete else "unfinished: the same search again goes on",
        "trials": f"{len(trials)} ({sum(t.status == 'failed' for t in trials)} failed)",
    }
    for stage in run.stages:
        found[f"time_of_{stage}"] = duration(run.seconds(stage))
    found["on_the_front"] = len(run.front)
    for pick in run.picks:
        metrics = ", ".join(f"{name} {quantity(name, value)}" for name, value in sorted(pick.metrics.items()))
        again = f"; test error {quantity('error', pick.retrained.mean)}" if pick.retrained else ""
        found[f"pick_{pick.name}"] = metrics + again
    return found


def _trial(run: Any, number: int) -> dict[str, Any]:
    from nasturtium.errors import unknown

    by_number = {trial.candidate.number: trial for trial in run.trials()}
    if number not in by_number:
        raise unknown("trial", str(number), map(str, by_number), where=str(run.folder))
    trial = by_number[number]
    found: dict[str, Any] = {"trial": number, "status": trial.status}
    if trial.error:
        found["error_text"] = trial.error
    found |= {name: float(value) for name, value in sorted(trial.metrics.items())}
    found["architecture"] = run.space.text(trial.architecture)
    return found
