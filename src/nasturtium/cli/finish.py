"""What follows a search on the command line: exports, the report, and a few lines that say what came out."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import typer

from nasturtium.cli.front import print_front
from nasturtium.cli.printing import console, print_json, print_table, quantity, reason
from nasturtium.errors import ConfigError, unknown
from nasturtium.protocols import Trial
from nasturtium.run.exported import Exported, note
from nasturtium.run.front import Pick
from nasturtium.run.picks import called
from nasturtium.run.run import Run
from nasturtium.run.spec import Spec

if TYPE_CHECKING:
    from nasturtium.export.artifact import Artifact

NOTHING = "none"
DEFAULT = ("source", "onnx")


def carry_out(asked: Spec, formats: Sequence[str] | None, *, json: bool) -> None:
    """Runs what is left of a search, then exports, reports and prints; formats are checked first.

    The exit status is 1 where every network that the search tried failed.
    """
    from nasturtium.cli.live import watched
    from nasturtium.run.api import search_spec

    wanted = _known_formats(formats or DEFAULT)
    with watched(asked) as observer:
        run = search_spec(asked, observer)
    found = finish(run, wanted)
    if json:
        print_json(found)
    else:
        outcome(run, found)
    if _all_failed(run):
        raise typer.Exit(1)


def finish(run: Run, formats: Sequence[str]) -> dict[str, Any]:
    """Exports the picks that were trained for good, writes the report, and returns what came out."""
    from nasturtium.report.page import write
    from nasturtium.run.agreed import alarms_of

    trained = [pick for pick in run.picks if pick.retrained is not None]
    files = export_picks(run, trained, formats, run.folder / "models") if run.complete else []
    lost = [f"{one['pick']} as {one['format']}: {one['warning']}" for one in files if one["warning"]]
    report = write(run, run.folder / "report.html")
    return {
        "folder": str(run.folder),
        "complete": run.complete,
        "trials": len(run.trials()),
        "failed": len(_failed(run)),
        "failure": _commonest([reason(trial.error) for trial in _failed(run)]),
        "picks": [_pick(pick) for pick in run.picks],
        "hypervolume": {
            stage: run.hypervolume(stage) for stage in ("search", "baseline") if stage in run.stages
        },
        "warnings": [*(str(alarm) for alarm in alarms_of(run)), *lost],
        "models": files,
        "report": str(report),
    }


def export_picks(
    run: Run, picks: Sequence[Pick], formats: Sequence[str], folder: Path
) -> list[dict[str, Any]]:
    """Writes each pick in each format into a folder of its name, and notes in the run what came of it.

    Raises:
        UnknownName: No such format.
        ExportError: A file cannot be written, or differs from the model.
    """
    from nasturtium.export.artifact import FORMATS, export

    wanted = _known_formats(formats)
    files: list[Exported] = []
    for pick in picks:
        for name in wanted:
            try:
                made = export(
                    pick, folder / pick.name / f"{pick.name.replace('-', '_')}{FORMATS[name]}", run.task
                )
            except ConfigError as error:
                # Without the extra the search itself is not lost: say what is missing and go on.
                console().print(f"not exported as {name}: {error}", soft_wrap=True)
                continue
            files.append(_exported(pick, name, made))
    if files:
        note(run.folder, files)
    return [asdict(one) for one in files]


def _exported(pick: Pick, format: str, made: Artifact) -> Exported:
    from nasturtium.export.card import promises, size_of

    size, latency = (pick.metrics.get(name) for name in promises(made.path))
    found = Exported(
        *(pick.name, format, str(made.path), made.difference),
        bytes=size_of(made.path),
        promised_bytes=size,
        latency_ms=made.latency.median_ms if made.latency else None,
        promised_ms=latency,
    )
    if made.check is None:
        return found
    return replace(
        found,
        split=made.check.split,
        inputs=made.check.inputs,
        error=made.check.file,
        model_error=made.check.model,
        alike=made.check.alike,
        warning=made.check.warning,
    )


def outcome(run: Run, found: dict[str, Any]) -> None:
    """Prints what came out: the picks, the comparison with random search, and where everything is."""
    say = console().print
    if not found["trials"]:
        say("No network was trained; the same command again goes on.")
        return
    if _all_failed(run):
        first = _failed(run)[0]
        say(f"Networks tried: {found['trials']}; none succeeded. The first failed with", end=" ")
        say(reason(first.error), soft_wrap=True)
        more = f"nasturtium show {quote(str(run.folder))} --trial {first.candidate.number}"
        say(f"More of it: {more}", soft_wrap=True)
    else:
        _found(run, found)
    if not found["complete"]:
        say("Interrupted; the same command again goes on from here.")
    for warning in found["warnings"]:
        say(f"warning: {warning}", soft_wrap=True, markup=False)
    for file in found["models"]:
        say(f"model:  {file['path']}", soft_wrap=True)
    say(f"report: {found['report']}", soft_wrap=True)


def _found(run: Run, found: dict[str, Any]) -> None:
    say = console().print
    tried = f"{found['trials']} networks tried; validation error"
    if run.picks:
        names = _columns(run)
        print_table(
            ("network", *names, "test error, mean and 95 % interval"),
            [(one.name, *(quantity(n, one.metrics[n]) for n in names), _tested(one)) for one in run.picks],
            title=f"{tried}, costs, and the final test",
        )
        for line in _shared(run):
            say(line, soft_wrap=True, markup=False)
    else:
        print_front(run, run.front, title=f"{tried} and costs of the front")
    volumes = found["hypervolume"]
    if len(volumes) == 2 and len(run.objectives) > 1 and len(run.front):
        say(
            f"Share of the objectives' box that the front covers: {volumes['search']:.3f}; "
            f"random search at equal cost {volumes['baseline']:.3f} (one seed proves nothing)."
        )
    if found["failed"]:
        failed = f"{found['failed']} of {found['trials']} networks failed"
        say(f"{failed}; the commonest reason: {found['failure']}", soft_wrap=True)


def _shared(run: Run) -> list[str]:
    """Returns what to say of budgets whose best network is that of another one, and has its name."""
    named, said = {pick.name for pick in run.picks}, []
    for budget in run.spec.retrain.budgets:
        meeting = [pick for pick in run.picks if budget.holds(pick.metrics)]
        if meeting and called(budget) not in named:
            best = min(meeting, key=lambda pick: pick.metrics.get("error", math.inf))
            said.append(f"Within {budget}, too, {best.name} is the best.")
    return said


def _failed(run: Run) -> list[Trial]:
    return [trial for trial in run.trials() if trial.status == "failed"]


def _all_failed(run: Run) -> bool:
    return bool(_failed(run)) and not any(trial.status == "ok" for trial in run.trials())


def _commonest(reasons: Sequence[str]) -> str | None:
    """Returns the first of the most frequent reasons; those that differ in numbers only are the same."""
    alike = {text: re.sub(r"\d+(\.\d+)?", "0", text) for text in reasons}
    counts = Counter(alike[text] for text in reasons)
    return max(reasons, key=lambda text: counts[alike[text]], default=None)


def _columns(run: Run) -> list[str]:
    named = [name for objective in run.objectives for name in sorted(objective.metrics)]
    known = run.picks[0].metrics if run.picks else {}
    return [name for name in dict.fromkeys(("error", *named, "params")) if name in known]


def _tested(pick: Pick) -> str:
    if pick.retrained is None or not pick.retrained.errors:
        return "not trained again"
    interval = pick.retrained.interval
    spread = f" ({100 * interval[0]:.2f} to {100 * interval[1]:.2f})" if interval else ""
    return quantity("error", pick.retrained.mean) + spread


def _pick(pick: Pick) -> dict[str, Any]:
    again = pick.retrained
    return {
        "name": pick.name,
        "architecture": pick.text,
        "metrics": {name: float(value) for name, value in pick.metrics.items()},
        "test_error": again.mean if again else None,
        "test_error_interval": list(again.interval) if again and again.interval else None,
        "trainings": len(again.errors) if again else 0,
    }


def _known_formats(formats: Sequence[str]) -> list[str]:
    from nasturtium.export.artifact import FORMATS

    for name in formats:
        if name not in (*FORMATS, NOTHING):
            raise unknown("export format", name, (*FORMATS, NOTHING))
    return [name for name in formats if name != NOTHING]
