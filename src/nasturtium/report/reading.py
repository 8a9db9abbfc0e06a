"""Reads a run into the contents of its page."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from nasturtium.architecture import Architecture
from nasturtium.errors import StoreError
from nasturtium.protocols import Trial
from nasturtium.report.contents import Contents, Facts, Pick, Point, Stage
from nasturtium.report.supernet import Supernet
from nasturtium.run.agreed import agreement_of
from nasturtium.run.exported import noted
from nasturtium.run.monitored import read
from nasturtium.run.sharing import SUBNETS, SUPERNET, looked_at
from nasturtium.run.spec import Spec
from nasturtium.run.stages import BASELINE, SEARCH

if TYPE_CHECKING:
    from nasturtium.run.front import Pick as Chosen
    from nasturtium.run.run import Run
    from nasturtium.space.space import Space

Text = Callable[[Architecture], str]


def contents_of(run: Run) -> Contents:
    """Returns what there is to say about a run, finished or not.

    Without its space (a run of a space made in Python, loaded by its folder alone) there are no drawings,
    and architectures are written as the options that the journal recorded.
    """
    space = _space(run)
    text = space.text if space else _recorded_text(run)
    stages = {name: _stage(run, name, text) for name in run.stages}
    data = run.header.task
    return Contents(
        title=f"{run.spec.data or 'Search'}: {run.spec.space} by {run.spec.method}",
        asked=_asked(run, space),
        method=run.spec.method,
        objectives=run.objectives,
        search=stages.get(SEARCH, Stage(SEARCH)),
        reference=run.reference,
        constraints=run.constraints,
        budgets=run.spec.retrain.budgets,
        baseline=stages.get(BASELINE),
        later=tuple(stage for name, stage in stages.items() if name not in (SEARCH, BASELINE)),
        picks=tuple(_pick(run, pick, text, space) for pick in run.picks),
        facts=_facts(run),
        folder=str(run.folder),
        finished=run.complete,
        command=command(run.spec, str(run.folder)),
        specification=run.spec.to_toml(),
        test_images=data["images"]["test"] if "images" in data else None,
        answers="characters" if "characters" in data else "images",
        files=tuple(one for one in noted(run.folder) if one.pick in {pick.name for pick in run.picks}),
        supernet=_supernet(run),
    )


def command(spec: Spec, folder: str) -> str:
    """Returns what to type to do a search again: its options or, where they cannot say it, its file."""
    plain = Spec(
        spec.data, spec.space, spec.method, spec.minimize, spec.subject_to, spec.budget, spec.out, spec.seed
    )
    if plain != spec:
        return shlex.join(["nasturtium", "search", f"{folder}/run.toml"])
    words = ["nasturtium", "search", "--data", spec.data, "--space", spec.space, "--method", spec.method]
    words += ["--minimize", *spec.minimize]
    words += ["--subject-to", *spec.subject_to] if spec.subject_to else []
    words += ["--budget", str(spec.budget), "--seed", str(spec.seed), "--out", folder]
    return shlex.join(words)


def _space(run: Run) -> Space | None:
    try:
        return run.space
    except StoreError:
        return None


def _recorded_text(run: Run) -> Text:
    decisions = run.header.decisions

    def text(architecture: Architecture) -> str:
        pairs = zip(decisions, architecture.choices, strict=True)
        return " ".join(f"{path}={labels[option]}" for (path, labels), option in pairs)

    return text


def _stage(run: Run, name: str, text: Text) -> Stage:
    trials = run.trials(name)
    stages = (SUPERNET, *looked_at(run.stages)) if name == SEARCH else ()
    before = math.fsum(_seconds(run, one) for one in stages)
    return Stage(name, tuple(_points(trials, text, before)), run.seconds(name), before)


def _seconds(run: Run, name: str) -> float:
    return math.fsum(trial.metrics.get("train_seconds", 0.0) for trial in run.trials(name))


def _supernet(run: Run) -> Supernet | None:
    course = read(run.folder)
    return Supernet(course, agreement_of(run, course)) if course else None


def _points(trials: Sequence[Trial], text: Text, before: float) -> list[Point]:
    timed = any("train_seconds" in trial.metrics for trial in trials)
    spent, points = before if timed else math.nan, []
    for trial in trials:
        seconds = trial.metrics.get("train_seconds", 0.0) + trial.metrics.get("proxy_seconds", 0.0)
        if math.isfinite(seconds):
            spent += seconds
        point = trial.candidate.point
        words = text(point) if isinstance(point, Architecture) else "all networks at once"
        fidelity = math.inf if trial.candidate.fidelity is None else trial.candidate.fidelity
        points.append(
            Point(trial.candidate.number, words, trial.metrics, spent, trial.status, trial.error, fidelity)
        )
    return points


def _pick(run: Run, pick: Chosen, text: Text, space: Space | None) -> Pick:
    weights = pick.retrained.weights if pick.retrained else pick.trial.weights
    return Pick(
        name=pick.name,
        text=text(pick.architecture),
        found=pick.metrics,
        again=pick.retrained,
        network=space.network(pick.architecture) if space else None,
        model=str(run.folder / weights) if weights else None,
    )


def _asked(run: Run, space: Space | None) -> Facts:
    spec = run.spec
    size = f", {_count(space.count)} architectures" if space else ""
    parameters = ", ".join(f"{name}={value}" for name, value in spec.parameters.items())
    retrain = spec.retrain
    return (
        ("data", _data(run)),
        ("space", f"{spec.space}, {len(run.header.decisions)} decisions{size}"),
        ("method", f"{spec.method} ({parameters})" if parameters else spec.method),
        ("minimise", ", ".join(spec.minimize)),
        ("subject to", ", ".join(spec.subject_to) or "nothing"),
        ("budget", str(spec.budget)),
        ("seed", str(spec.seed)),
        *_tried_first(run, space),
        ("baseline", "random search at equal cost" if spec.baseline else "none"),
        ("final trainings", f"{retrain.picks} picks, {retrain.times} times each"),
    )


def _tried_first(run: Run, space: Space | None) -> Facts:
    given = run.spec.try_first
    if not given or space is None:
        return ()
    asked = {space.canonical(trial.architecture) for trial in (*run.trials(SEARCH), *run.trials(SUBNETS))}
    tried = sum(space.canonical(space.parse(text)) in asked for text in given)
    left = len(given) - tried
    over = f", {left} passed over: the constraints, or the end of the budget" if left else ""
    return (("tried first", f"{tried} of {len(given)} given{over}"),)


def _data(run: Run) -> str:
    data = run.header.task
    if not data:
        return run.spec.data or "none: an evaluator of its own"
    what = "characters" if "characters" in data else "images"
    splits = ", ".join(f"{count:,} {split}" for split, count in data[what].items())
    if what == "characters":
        tokens = data["input_shape"][-1]
        return f"{data['name']}: windows of {tokens} characters, {len(data['classes'])} different; {splits}"
    shape = " x ".join(map(str, data["input_shape"]))
    return f"{data['name']}: images of {shape}, {len(data['classes'])} classes; {splits}"


def _facts(run: Run) -> Facts:
    sessions, data = run.sessions, run.header.task
    facts = [("space", f"{run.header.space}"), ("seed", str(run.spec.seed))]
    if data:
        facts += [
            (name, str(data[key])) for name, key in (("licence", "licence"), ("digest of data", "digest"))
        ]
        facts += [("test split", str(data["test_split"])), ("seed of split", str(data["split_seed"]))]
    if sessions:
        facts += [
            ("started", sessions[0].started),
            ("sessions", str(len(sessions))),
            ("device", sessions[-1].device),
            ("versions", ", ".join(f"{name} {version}" for name, version in sessions[-1].versions.items())),
        ]
    return tuple(facts)


def _count(number: int) -> str:
    return f"{number:,}" if number < 1e12 else f"{number:.2e}"
