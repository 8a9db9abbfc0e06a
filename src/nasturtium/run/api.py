"""The public search: from Python objects or from a specification, to a run."""

from __future__ import annotations

import logging
import platform
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from nasturtium.architecture import Architecture
from nasturtium.cost.device import this_device
from nasturtium.evaluate.recipe import Recipe
from nasturtium.protocols import CostModel, Evaluator
from nasturtium.run.experiment import Experiment, Method, prepare
from nasturtium.run.first import lines
from nasturtium.run.names import space_named, task_named
from nasturtium.run.record import Observer, Unwatched
from nasturtium.run.run import Run
from nasturtium.run.spec import Retraining, Spec, Value
from nasturtium.run.warm import experience, named
from nasturtium.store.journal import Journal
from nasturtium.store.records import Session
from nasturtium.store.schema import storing

if TYPE_CHECKING:
    from nasturtium.space.space import Space
    from nasturtium.tasks.supervised import Supervised

Source = str | Path | Run
Given = str | Path | Architecture

log = logging.getLogger(__name__)

PACKAGES = ("nasturtium", "torch", "numpy", "scikit-learn", "moocore", "onnxruntime")


def search(
    space: Space | str,
    task: Supervised | str | None = None,
    *,
    method: str | Method = "auto",
    minimize: str | Sequence[str] = ("error", "latency_ms"),
    subject_to: str | Sequence[str] = (),
    budget: str | int = "5m",
    out: str | Path | None = None,
    seed: int = 0,
    baseline: bool = True,
    parameters: Mapping[str, Value] | None = None,
    warm_from: Source | Sequence[Source] = (),
    try_first: Given | Sequence[Given] = (),
    proxies: str | Sequence[str] = (),
    workers: int | str = 1,
    device: str | Path | None = None,
    recipe: Recipe | None = None,
    retrain: Retraining | None = None,
    evaluator: Evaluator | None = None,
    costs: CostModel | None = None,
    observer: Observer | None = None,
) -> Run:
    """Searches a space for networks that solve a task, and trains the best of them for good.

    Three stages, all in one journal: the search; random search at equal cost, to compare with; final
    trainings of picks from the front, tested on data that nothing before has seen. The same call again
    goes on where the last one was stopped, also by a crash; a larger budget goes on from a smaller one.
    Ctrl-C ends it with what it has.

    Args:
        space: Where to search, or the name of a space.
        task: The data, or the name of a source, such as ``digits`` or ``folder:PATH``.
        method: A name, a path (``module:Name``, ``file.py:Name``) or a class: what decides which networks
            to try.
        minimize: Metrics, or arithmetic of metrics.
        subject_to: Constraints, such as ``params <= 200e3``.
        budget: Of the search: trials (``200``) or time (``5m``); the other stages are beside it.
        out: Folder of the run; None makes a temporary one.
        seed: Of everything.
        baseline: Whether to run random search at equal cost.
        parameters: Of the method, name to value.
        warm_from: Earlier searches whose results the method starts from: folders, runs, or names of tables.
            They are copied into the folder when the search begins; the baseline does not see them.
        try_first: Architectures to try before any other, as text, in a file with one a line, or as they are.
        proxies: Zero-cost proxies (``synflow``, ``file.py:function``) that score candidates of fidelity 0;
            with a method that has such a rung and, say, ``minimize="error or -synflow"``.
        workers: 1 trains in this process, a larger number in so many, ``ray`` and ``ray://HOST:PORT`` on a
            Ray cluster. A script then needs ``if __name__ == "__main__":``.
        device: File of a device profile (see ``nasturtium profile``): its promises are then the latencies,
            without a measurement, as objective and as constraint. None measures on this machine.
        recipe: How candidates are trained.
        retrain: How many picks are trained again, how often and how long.
        evaluator: What finds out how good candidates are, instead of a task: a table, for example. Its
            ``fingerprint``, if it has one, tells a run that is gone on with from one on other data.
        costs: What tells costs without training. With a task it is counted and measured by default; with an
            evaluator there is none, unless given: then what it tells joins the trials.
        observer: Watches.

    Raises:
        NasturtiumError: what was asked cannot be understood or done, or the folder cannot be used.
    """
    space, name = (space_named(space), space) if isinstance(space, str) else (space, space.name)
    sources = (warm_from,) if isinstance(warm_from, str | Path | Run) else tuple(warm_from)
    given = (try_first,) if isinstance(try_first, str | Path | Architecture) else tuple(try_first)
    spec = Spec(
        data=task if isinstance(task, str) else task.name if task else "",
        space=name,
        method=method if isinstance(method, str) else f"{method.__module__}:{method.__qualname__}",
        minimize=(minimize,) if isinstance(minimize, str) else tuple(minimize),
        subject_to=(subject_to,) if isinstance(subject_to, str) else tuple(subject_to),
        budget=budget,
        out=None if out is None else str(out),
        seed=seed,
        baseline=baseline,
        parameters=dict(parameters or {}),
        warm_from=tuple(map(named, sources)),
        try_first=lines(given, space),
        proxies=(proxies,) if isinstance(proxies, str) else tuple(proxies),
        workers=workers,
        device=None if device is None else str(device),
        recipe=recipe or Recipe(),
        retrain=retrain or Retraining(),
    )
    spec = spec if spec.out else replace(spec, out=tempfile.mkdtemp(prefix="nasturtium-"))
    task = task_named(task, seed) if isinstance(task, str) else task
    made = None if isinstance(method, str) else method
    experiment = prepare(
        spec, space, task=task, evaluator=evaluator, costs=costs, method=made, warm_from=sources
    )
    return conduct(experiment, observer or Unwatched())


def search_spec(spec: Spec, observer: Observer | None = None) -> Run:
    """Does what a specification says; see `search`."""
    return search(
        spec.space,
        spec.data,
        method=spec.method,
        minimize=spec.minimize,
        subject_to=spec.subject_to,
        budget=spec.budget,
        out=spec.out,
        seed=spec.seed,
        baseline=spec.baseline,
        parameters=spec.parameters,
        warm_from=spec.warm_from,
        try_first=spec.try_first,
        proxies=spec.proxies,
        workers=spec.workers,
        device=spec.device,
        recipe=spec.recipe,
        retrain=spec.retrain,
        observer=observer,
    )


def conduct(experiment: Experiment, observer: Observer) -> Run:
    """Runs what is left of an experiment; an interrupt ends it early, with everything told so far kept."""
    from nasturtium.run.stages import Stages

    device = this_device()
    with Journal.resume(experiment.folder, experiment.header(device.fingerprint)) as journal:
        prior = experience(experiment, journal)
        journal.begin(Session(datetime.now(UTC).isoformat(timespec="seconds"), str(device), _versions()))
        with storing(experiment.folder):
            (experiment.folder / "run.toml").write_text(experiment.spec.to_toml(), encoding="utf-8")
        try:
            Stages(experiment, journal, observer, prior).run()
        except KeyboardInterrupt:
            log.warning("interrupted; the same search again goes on from here")
    return Run(experiment.folder, space=experiment.space, task=experiment.task)


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
