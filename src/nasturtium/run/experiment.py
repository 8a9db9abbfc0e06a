"""An experiment: a specification with its names resolved and checked, before anything is trained."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasturtium.architecture import Architecture
from nasturtium.cost.costs import MEASURED, Costs
from nasturtium.cost.energy import energy_counter
from nasturtium.cost.feasibility import check_reachable
from nasturtium.cost.footprint import FromShapes
from nasturtium.cost.profiled import Profiled
from nasturtium.errors import ConfigError, InfeasibleSpace, unknown
from nasturtium.evaluate.recipe import Recipe
from nasturtium.front.objectives import (
    Constraint,
    Objective,
    check_consistent,
    check_shares,
    parse_constraint,
    parse_objective,
)
from nasturtium.protocols import CostModel, Evaluator, Strategy
from nasturtium.run.budget import Budget, parse_budget
from nasturtium.run.cascaded import check_cascade
from nasturtium.run.first import parsed
from nasturtium.run.names import resolve, settings
from nasturtium.run.parameters import check_parameters
from nasturtium.run.sharing import WeightSharing, shares_weights
from nasturtium.run.spec import Retraining, Spec
from nasturtium.run.typed import to_table
from nasturtium.store.profiles import read_profile
from nasturtium.store.records import Header

if TYPE_CHECKING:
    from nasturtium.evaluate.proxies import ProxyFunction
    from nasturtium.run.run import Run
    from nasturtium.space.space import Space
    from nasturtium.tasks.supervised import Supervised

Method = Callable[..., Strategy]

TRAINED = frozenset({"error", "loss", "train_seconds", "epochs"})  # metrics that only a training can tell


@dataclass(frozen=True, slots=True)
class Experiment:
    """All that a run needs, resolved.

    Attributes:
        spec: What was asked.
        space: Bound to the shapes of the data.
        task: The data; None where an evaluator was given instead.
        evaluator: What was given instead of data; None where networks are trained.
        costs: What tells costs without training; None is `Costs` where networks are trained, else nothing.
        method: Makes the strategy; its parameters are set.
        objectives: What is made small.
        constraints: What must hold.
        budget: Of the search.
        warm_from: Where results of earlier searches come from.
        first: Architectures to try first.
        proxies: What scores the candidates of fidelity 0, by name.
        sharing: The method where it trains a supernet; None for all others.
    """

    spec: Spec

    space: Space
    task: Supervised | None
    evaluator: Evaluator | None
    costs: CostModel | None
    method: Method
    objectives: tuple[Objective, ...]
    constraints: tuple[Constraint, ...]
    budget: Budget
    warm_from: tuple[str | Path | Run, ...] = ()
    first: tuple[Architecture, ...] = ()
    proxies: Mapping[str, ProxyFunction] = field(default_factory=dict)
    sharing: WeightSharing | None = None

    @property
    def metrics(self) -> set[str]:
        """The metrics that objectives, constraints and budgets of picks speak of."""
        bounds = (*self.constraints, *self.spec.retrain.budgets)
        bounded = {constraint.metric for constraint in bounds}
        return bounded.union(*(objective.metrics for objective in self.objectives))

    def lacking(self, given: Collection[str]) -> set[str]:
        """Returns the metrics without which an objective has no value, or a constraint cannot be checked."""
        bounded = {constraint.metric for constraint in self.constraints}.difference(given)
        return bounded.union(*(objective.lacking(given) for objective in self.objectives))

    @property
    def folder(self) -> Path:
        """Where it is kept."""
        return Path(self.spec.out or ".")

    def header(self, device: str) -> Header:
        """Returns what the journal says of the run; the device counts only where what it measures decides."""
        identity = _identity(self)
        if isinstance(self.costs, Profiled):
            identity["device"] = f"profile {self.costs.profile.digest}"
        elif self.metrics & set(MEASURED) and self.task is not None:
            identity["device"] = device
        shape = tuple(self.space.input_shape or ())
        decisions = tuple((d.path, d.labels) for d in self.space.decisions)
        data = self.task.describe() if self.task else {}
        spec = to_table(self.spec)
        return Header(self.space.fingerprint, shape, self.space.outputs or 0, identity, spec, decisions, data)


_TEXT = ("channels", "length")  # the shape of a text
_MEANT = dict.fromkeys(("acc", "accuracy", "top1"), "accuracy is 1 - error: minimize error")


def prepare(
    spec: Spec,
    space: Space,
    *,
    task: Supervised | None = None,
    evaluator: Evaluator | None = None,
    costs: CostModel | None = None,
    method: Method | None = None,
    warm_from: Sequence[str | Path | Run] | None = None,
) -> Experiment:
    """Returns the experiment that a specification means, checked as far as it can be without training.

    Args:
        spec: What was asked.
        space: Where to search; it is bound to the data.
        task: The data, or
        evaluator: what finds out how good candidates are.
        costs: What tells costs without training, where it is not `Costs`.
        method: Makes the strategy; None is the one that the specification names.
        warm_from: Sources of earlier results; None is those that the specification names.

    Raises:
        ConfigError: something in it is unknown, absurd or contradictory.
        ShapeError: blocks of the space do not fit together, or not to the data.
        InfeasibleSpace: no network meets a constraint, or a budget of the picks, on what is known without
            training or measuring.
    """
    if (task is None) == (evaluator is None):
        raise ConfigError("give either a task, on whose data networks are trained, or an evaluator")
    if evaluator is not None:
        _check_untrained(spec)
    if spec.device is not None and (evaluator is not None or costs is not None):
        raise ConfigError("a device profile is for trainings on a task, with no other model of costs")
    budget = parse_budget(spec.budget)
    objectives = tuple(map(parse_objective, spec.minimize))
    constraints = tuple(map(parse_constraint, spec.subject_to))
    check_consistent(constraints)
    for one in spec.retrain.budgets:
        check_consistent((*constraints, one))
    method = method or resolve("method", spec.method)
    check_parameters(spec.method, method, spec.parameters)
    made = partial(method, **settings(spec.parameters))
    sharing: Any = None
    if shares_weights(method):
        _check_sharing(spec, space, task)
        sharing = made()
    experiment = Experiment(
        *(spec, space, task, evaluator, costs, made, objectives, constraints, budget),
        warm_from=spec.warm_from if warm_from is None else tuple(warm_from),
        first=parsed(spec.try_first, space),
        proxies={proxy.__name__: proxy for proxy in (resolve("proxy", name) for name in spec.proxies)},
        sharing=sharing,
    )
    if task is None:
        return experiment
    check_shares((*constraints, *spec.retrain.budgets))
    bound = space.bind(task.input_shape, task.outputs)
    if spec.device is not None:
        costs = Profiled(bound, read_profile(spec.device))
    told = TRAINED.union(task.metrics(0.0, 0.0), experiment.proxies)
    known = told | (costs.names if costs else Costs.names)
    for name in sorted(experiment.metrics):
        if name not in known:
            raise unknown("metric", name, known, where=_MEANT.get(name, ""))
    if experiment.proxies:
        check_cascade(spec, experiment.proxies, objectives, costs.names if costs else Costs.names)
    _check_fit(bound)
    if costs is None and "energy_mj" in experiment.metrics:
        energy_counter()
    cheap = costs if isinstance(costs, Profiled) else FromShapes(bound)
    bounds = (*constraints, *spec.retrain.budgets)
    check_reachable(bound, cheap, [one for one in bounds if one.metric in cheap.names])
    return replace(experiment, space=bound, costs=costs)


def _check_fit(space: Space) -> None:
    """Checks a bound space, and says more where a text meets a space for images, such as the default."""
    try:
        space.check()
    except InfeasibleSpace as misfit:
        if len(space.input_shape or ()) != len(_TEXT):
            raise
        raise InfeasibleSpace(
            f"{misfit}. {space.name} is no space for texts; take one of transformers, such as hat_decoder"
        ) from misfit


def _check_untrained(spec: Spec) -> None:
    """Refuses what only trainings on a task would heed."""
    if spec.workers != 1:
        raise ConfigError(
            "workers are for trainings on a task; wrap an evaluator of your own: "
            "nasturtium.run.processes.Processes(make, workers)"
        )
    if spec.proxies:
        raise ConfigError(
            "proxies are for trainings on a task; put levels of fidelity over an evaluator of your own: "
            "nasturtium.evaluate.cascade.Cascade"
        )
    if spec.recipe != Recipe():
        raise ConfigError(
            "a recipe is for trainings on a task; an evaluator of your own trains as it was made: "
            "set it there, and leave recipe out"
        )
    # How many picks and within which budgets says also which networks of the front have names.
    if (spec.retrain.times, spec.retrain.epochs) != (Retraining().times, Retraining().epochs):
        raise ConfigError(
            "retrain times and epochs are for trainings on a task; with an evaluator of your own no pick is "
            "trained again: leave them out"
        )


def _check_sharing(spec: Spec, space: Space, task: Supervised | None) -> None:
    if task is None:
        raise ConfigError(f"{spec.method} trains a supernet, so it needs a task, not an evaluator")
    if spec.warm_from:
        raise ConfigError(
            f"{spec.method} compares networks by errors with shared weights, to which results of earlier "
            "searches say nothing; give good networks of theirs as try_first"
        )
    if decided := ", ".join(space.possible_settings):
        raise ConfigError(
            f"{spec.method} trains all networks of {space.name} at once, so the space cannot decide "
            f"{decided} for each; give one value in the recipe"
        )


def _identity(experiment: Experiment) -> dict[str, str]:
    spec, space, task = experiment.spec, experiment.space, experiment.task
    first = space.canonical(space.unrank(0))  # the fixed blocks, which the fingerprint does not cover
    known = {name: ", ".join(getattr(spec, name)) for name in ("warm_from", "try_first", "proxies")}
    known["evaluator"] = _fingerprint(experiment.evaluator)
    if experiment.costs is not None and not isinstance(experiment.costs, Profiled):
        known["costs"] = f"{type(experiment.costs).__qualname__} {_fingerprint(experiment.costs)}".strip()
    return {
        "space": f"{space.name} ({space.fingerprint[:8]}-{first[:8]})",
        "data": _data(task) if task else f"evaluator {type(experiment.evaluator).__qualname__}",
        "method": spec.method,
        "parameters": json.dumps(dict(spec.parameters), sort_keys=True),
        "minimize": ", ".join(spec.minimize),
        "subject_to": ", ".join(spec.subject_to) or "nothing",
        "seed": str(spec.seed),
        **{name: text for name, text in known.items() if text},
        **{f"recipe.{name}": str(value) for name, value in asdict(spec.recipe).items()},
    }


def _fingerprint(made: object) -> str:
    """Returns what an evaluator or a model of costs says to tell it from others of its type, if anything."""
    return str(getattr(made, "fingerprint", ""))


def _data(task: Supervised) -> str:
    about: Mapping[str, Any] = task.describe()
    sizes = "images" if "images" in about else "characters"
    parts = [about.get(name) for name in ("digest", sizes, "split_seed", "preparation", "input_shape")]
    digest = blake2b(json.dumps(parts, default=str).encode(), digest_size=4).hexdigest()
    return f"{task.name} ({digest})"
