"""The stages of a run, each a pass of the loop: search, baseline, final trainings."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Literal

from nasturtium.architecture import Architecture
from nasturtium.cost.costs import Costs
from nasturtium.errors import ConfigError, InfeasibleSpace, unknown
from nasturtium.front.objectives import Constraint, Objective, subject_to
from nasturtium.protocols import CostModel, Evaluator, Strategy, Trial
from nasturtium.run.budget import Budget
from nasturtium.run.cascaded import cascaded
from nasturtium.run.checked import Checked
from nasturtium.run.costed import Costed
from nasturtium.run.experiment import Experiment, Method
from nasturtium.run.final import final_stage
from nasturtium.run.first import passed_over
from nasturtium.run.monitored import read
from nasturtium.run.names import informed, parameters_of
from nasturtium.run.picks import called, contenders, feasible, picked, unmet
from nasturtium.run.record import Observer, Record, Unwatched
from nasturtium.run.search import search
from nasturtium.run.sharing import (
    FILE,
    SAMPLE,
    SUBNETS,
    SUPERNET,
    Problem,
    Shared,
    WeightSharing,
    Whole,
    looked_at,
    trains_once,
)
from nasturtium.run.workers import working
from nasturtium.seeds import seed_for
from nasturtium.store.journal import Journal
from nasturtium.store.records import Asked, Told
from nasturtium.strategy.constrained import COUNTED, Constrained, cheap_of
from nasturtium.strategy.distinct import Distinct
from nasturtium.strategy.exhaustive import Exhaustive
from nasturtium.strategy.fixed import Fixed
from nasturtium.strategy.random import RandomSearch
from nasturtium.strategy.warmstart import Warmstarted

SEARCH, BASELINE = "search", "baseline"
ENOUGH = 10  # networks within a budget of the picks, or a quarter of all: it needs no search of its own
COMPARED = 30  # networks of random search that are evaluated with shared weights as well


class Stages:
    """Runs an experiment, writing to its journal.

    Args:
        experiment: What to run.
        journal: Of its folder, open to write.
        observer: Watches.
        prior: Trials of earlier tasks, for the search to start from.
    """

    def __init__(
        self,
        experiment: Experiment,
        journal: Journal,
        observer: Observer,
        prior: Sequence[Sequence[Trial]] = (),
    ) -> None:
        self.experiment = experiment
        self.prior = prior
        self.journal = journal
        self.observer = observer
        self.costs: CostModel | None = experiment.costs
        if self.costs is None and experiment.task is not None:
            self.costs = Costs(experiment.space, cache=journal)
        self._shared: Shared | None = None

    def run(self) -> None:
        """Runs what is left of every stage."""
        spec = self.experiment.spec
        found = self.search()
        # Beside a search in which everything failed there is nothing to compare.
        if spec.baseline and any(trial.status == "ok" for trial in found):
            self.random_search(found)
        if self._shared is not None:
            self.compare(self._shared)
        if spec.retrain.picks and self.experiment.task is not None:
            self.retrain(found)

    def search(self) -> Sequence[Trial]:
        """Searches; returns the trials.

        Raises:
            ConfigError: no trial has a metric that objectives or constraints speak of; or no architecture
                that is to be tried first meets the constraints.
        """
        experiment = self.experiment
        self._look_at_first()
        if experiment.sharing is None:
            strategy = self._composed(self._warmed(experiment.method), experiment.spec.seed)
            budget = experiment.budget
        else:
            finalists = self._finalists(experiment.sharing)
            strategy, budget = Fixed(experiment.space, finalists), Budget(len(finalists), "trials")
        found = self._stage(SEARCH, strategy, self._evaluator(SEARCH), budget)
        given = frozenset[str]().union(*(trial.metrics for trial in found if trial.status == "ok"))
        for name in sorted(experiment.lacking(given) if given else ()):
            raise unknown("metric", name, given, where="the evaluator does not give it")
        _check_valued(experiment.objectives, [trial.metrics for trial in found if trial.status == "ok"])
        return found

    def random_search(self, found: Sequence[Trial]) -> Sequence[Trial]:
        """Runs random search with as many trials, or as many training seconds where that is fairer."""
        stages = (SUPERNET, *looked_at(self.journal.stages()))
        shared = [trial for stage in stages for trial in self._told(stage)]
        cost = ("train_seconds", "proxy_seconds")
        seconds = sum(trial.metrics.get(name, 0.0) for trial in (*shared, *found) for name in cost)
        # A budget of time was one of training; and trials of several fidelities do not cost alike.
        partly = shared or any(trial.candidate.fidelity is not None for trial in found)
        timed = (partly or self.experiment.budget.unit != "trials") and seconds > 0
        budget = Budget(seconds, "training seconds") if timed else Budget(len(found), "trials")
        # Another seed: the search itself may be a random one.
        strategy = self._composed(RandomSearch, seed_for(self.experiment.spec.seed, BASELINE))
        return self._stage(BASELINE, strategy, self._evaluator(BASELINE), budget)

    def compare(self, shared: Shared) -> Sequence[Trial]:
        """Evaluates networks that random search trained with the shared weights as well.

        Whether both rank them alike tells what the supernet's judgement was worth: they are a random sample,
        which the finalists are not. The network that a learned mixture stands for comes before them, for the
        gap between the two. Costs no training, and counts for nothing.
        """
        course, space = read(self.experiment.folder), self.experiment.space
        wanted = [Architecture(space.fingerprint, course.derived)] if course and course.derived else []
        drawn = [trial.candidate.point for trial in self._told(BASELINE) if trial.status == "ok"]
        wanted += [point for point in drawn if isinstance(point, Architecture)][:COMPARED]
        if not wanted:
            return ()
        strategy = Fixed(space, list(dict.fromkeys(wanted)))
        budget = Budget(len(strategy.architectures), "trials")
        return self._stage(SAMPLE, strategy, nullcontext(shared.evaluator()), budget)

    def retrain(self, found: Sequence[Trial]) -> Sequence[Trial]:
        """Trains the picks again, on train and valid together; only here is the test split used."""
        experiment, retraining = self.experiment, self.experiment.spec.retrain
        sharing = experiment.sharing
        if trains_once(sharing) and sharing.tuned == 0 and retraining.epochs is None:
            retraining = replace(retraining, times=1)  # the same each time: nothing is trained
        trials, points = feasible(found, experiment.objectives, experiment.constraints)
        chosen = picked(trials, points, experiment.objectives, retraining.picks, retraining.budgets)
        for warning in unmet(trials, retraining.budgets):
            self.observer.warned(SEARCH, warning)
        architectures = [trials[choice.row].architecture for choice in chosen]
        stage = final_stage(self.journal.events, architectures, retraining)
        strategy = Fixed(experiment.space, architectures, retraining.times, retraining.epochs)
        budget = Budget(len(architectures) * retraining.times, "trials")
        return self._stage(stage, strategy, self._evaluator(stage, "final"), budget)

    def _finalists(self, sharing: WeightSharing) -> Sequence[Architecture]:
        """Trains a supernet and searches it; returns the networks that are then trained alone.

        Only those compare with the networks of random search: an error with shared weights is another thing
        than one after a training alone.

        Raises:
            ConfigError: The training of the supernet diverged.
            StoreError: Its weights are gone.
        """
        experiment, spec = self.experiment, self.experiment.spec
        shared = self._shared = Shared(sharing, self._problem(), experiment.folder / FILE, self.observer)
        once = Budget(1, "trials")
        whole = self._stage(SUPERNET, Whole(experiment.space), nullcontext(shared), once, Unwatched())
        if whole[0].status != "ok":
            raise ConfigError(f"{spec.method}: {whole[0].error}")
        shared.check()
        strategy = self._composed(self._warmed(shared.searcher()), spec.seed)
        budget = experiment.budget
        if budget.unit != "trials":
            left = budget.amount - whole[0].metrics["train_seconds"]
            budget = Budget(max(left, 0.1 * budget.amount), budget.unit)
        found = self._stage(SUBNETS, strategy, nullcontext(shared.evaluator()), budget)
        more = [self._within(wanted, found, shared) for wanted in spec.retrain.budgets]
        found = [*found, *chain.from_iterable(more)]
        trials, points = feasible(found, experiment.objectives, experiment.constraints)
        given = trials, points, experiment.objectives, sharing.finalists, spec.retrain.budgets
        # A run that goes on with more budget may choose others: those of before stay in their places.
        asks = [event for event in self.journal.events(SEARCH) if isinstance(event, Asked)]
        before = [candidate.point for ask in asks for candidate in ask.candidates]
        architectures = [*before, *(trials[row].architecture for row in contenders(*given))]
        return [one for one in dict.fromkeys(architectures) if isinstance(one, Architecture)]

    def _within(self, budget: Constraint, found: Sequence[Trial], shared: Shared) -> Sequence[Trial]:
        """Looks for more networks within a budget that hardly any of those found meets."""
        if budget.metric not in cheap_of(self.costs):  # others are measured, of hundreds until some meet it
            return ()
        if sum(budget.holds(trial.metrics) for trial in found) >= min(ENOUGH, len(found) / 4):
            return ()
        stage = f"{SUBNETS}/{called(budget)}"
        method = informed(shared.searcher(), self.costs, [*self._beforehand, budget])
        strategy = self._composed(method, seed_for(self.experiment.spec.seed, stage), budget)
        try:
            amount = Budget(-(-len(found) // 5), "trials")
            return self._stage(stage, strategy, nullcontext(shared.evaluator()), amount)
        except InfeasibleSpace as problem:
            self.observer.warned(stage, str(problem))
            return ()

    def _problem(self) -> Problem:
        experiment = self.experiment
        assert experiment.task is not None
        assert self.costs is not None
        spec, measure = experiment.spec, tuple(sorted((COUNTED | experiment.metrics) & self.costs.names))
        given = experiment.space, experiment.task, spec.recipe, spec.seed, self.costs, measure
        return Problem(*given, constraints=tuple(self._beforehand))

    def _told(self, stage: str) -> list[Trial]:
        events = self.journal.events(stage)
        return [trial for event in events if isinstance(event, Told) for trial in event.trials]

    def _stage(
        self,
        stage: str,
        strategy: Strategy,
        evaluator: AbstractContextManager[Evaluator],
        budget: Budget,
        observer: Observer | None = None,
    ) -> Sequence[Trial]:
        record = Record(self.journal, stage, budget, observer or self.observer)
        with evaluator as working_now:
            search(strategy, working_now, record)
        return record.trials

    def _warmed(self, method: Method) -> Method:
        """The method, with what is known before it starts."""
        experiment = self.experiment
        method = informed(method, self.costs, self._beforehand)
        if not (self.prior or experiment.first):
            return method
        itself = "prior" in parameters_of(method)  # it has its own way to learn from earlier tasks
        inner = partial(method, prior=self.prior) if itself else method
        return partial(Warmstarted, inner=inner, seeds=experiment.first, prior=self.prior, told=not itself)

    @property
    def _beforehand(self) -> list[Constraint]:
        """The constraints that need no training to be checked."""
        names = self.costs.names if self.costs is not None else frozenset[str]()
        return [constraint for constraint in self.experiment.constraints if constraint.metric in names]

    def _look_at_first(self) -> None:
        """Warns of architectures that were given to be tried and will not be, when the search begins."""
        first, constraints = self.experiment.first, self._beforehand
        if not (first and constraints) or self.costs is None or self.journal.stages():
            return
        if warning := passed_over(first, self.experiment.space, constraints, self.costs):
            self.observer.warned(SEARCH, warning)

    def _composed(self, method: Method, seed: int, *budgets: Constraint) -> Strategy:
        """The method, kept to constraints and budgets and from evaluating a network twice."""
        experiment, costs, beforehand = self.experiment, self.costs, [*self._beforehand, *budgets]
        afterwards = [c for c in experiment.constraints if c not in beforehand]
        objectives = subject_to(experiment.objectives, afterwards)
        strategy = method(experiment.space, seed=seed, objectives=objectives)
        other: Strategy = Exhaustive(experiment.space, seed=seed_for(seed, "other"), order="random")
        if costs is not None and beforehand:
            given = (experiment.space, beforehand, costs, seed)
            strategy, other = Constrained(strategy, *given), Constrained(other, *given)
        return Distinct(strategy, experiment.space.canonical, other=other)

    @contextmanager
    def _evaluator(self, stage: str, split: Literal["search", "final"] = "search") -> Iterator[Evaluator]:
        """Gives what trains, with its workers, which end with the stage."""
        experiment = self.experiment
        if (given := experiment.evaluator) is not None:
            wanted = sorted(experiment.metrics & self.costs.names) if self.costs is not None else []
            costed = Costed(given, self.costs, wanted) if self.costs is not None and wanted else given
            yield Checked(costed, experiment.lacking)
            return
        assert experiment.task is not None
        assert self.costs is not None
        from nasturtium.evaluate.scratch import Scratch  # a table needs no torch

        scratch = partial(
            Scratch,
            experiment.space,
            experiment.task,
            experiment.spec.recipe,
            seed=experiment.spec.seed,
            folder=experiment.folder.resolve(),  # workers elsewhere have another working directory
            split=split,
            stage=f"weights/{stage}",
        )
        shared = self._shared
        if shared is not None and trains_once(shared.method) and stage != BASELINE:
            start = shared.subnets(shared.method.recalibration)
            scratch = partial(scratch, start=start, tuning=shared.method.tuned)
        made: Callable[..., Evaluator] = scratch
        if experiment.proxies and split == "search":
            from nasturtium.evaluate.proxy import Proxy

            score = partial(
                Proxy,
                experiment.space,
                experiment.task,
                tuple(experiment.proxies.values()),
                seed=experiment.spec.seed,
                recipe=experiment.spec.recipe,
            )
            made = partial(cascaded, scratch, score)
        measure = sorted((COUNTED | experiment.metrics) & self.costs.names)
        if experiment.spec.workers == 1:
            yield made(costs=self.costs, measure=measure)
            return
        with working(made, experiment.spec.workers) as evaluator:
            yield Costed(evaluator, self.costs, measure)


def _check_valued(objectives: Sequence[Objective], told: Sequence[Mapping[str, float]]) -> None:
    """Refuses arithmetic that has come to nothing in every trial: there is no front then.

    Raises:
        ConfigError: Such as a division by zero.
    """
    for objective in objectives:
        if told and all(math.isinf(objective(metrics)) for metrics in told):
            known = {name: told[0][name] for name in sorted(objective.metrics) if name in told[0]}
            raise ConfigError(
                f"minimize {objective} has no value in any of {len(told)} trials, the first of which has "
                f"{known}; look for divisions by zero, roots and logarithms of what is not above 0"
            )
