"""Methods that share weights: what a recipe is made of, and the stage that trains its supernet."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeGuard

from nasturtium.architecture import Architecture, Mixture
from nasturtium.cost.profiled import Profiled
from nasturtium.errors import StoreError, unknown
from nasturtium.evaluate.monitor import Monitor
from nasturtium.evaluate.one_by_one import OneByOne
from nasturtium.evaluate.recipe import Recipe
from nasturtium.front.objectives import Constraint
from nasturtium.protocols import Candidate, CostModel, Evaluator, Strategy, Trial
from nasturtium.run.budget import Budget, Purse
from nasturtium.run.monitored import COURSE, Monitored
from nasturtium.run.record import Observer
from nasturtium.run.search import search
from nasturtium.run.steps import Steps, Stepwise
from nasturtium.run.timed import Timed
from nasturtium.strategy.fixed import Fixed

if TYPE_CHECKING:
    from torch import nn

    from nasturtium.cost.expected import ExpectedCost
    from nasturtium.net.supernet import Supernet
    from nasturtium.run.experiment import Method
    from nasturtium.space.space import Space
    from nasturtium.tasks.supervised import Supervised

SUPERNET, SUBNETS, SAMPLE = "supernet", "subnets", "sample"
FILE = "supernet.safetensors"
STEPS = 19_500
LONGER = 10  # epochs of a supernet, for each of a network alone: it has many networks to train


@dataclass(frozen=True, slots=True)
class Problem:
    """What a recipe is put together for.

    Attributes:
        space: Bound to the task.
        task: Images.
        recipe: How a network alone is trained.
        seed: Of everything.
        costs: Tells costs without training.
        measure: The metrics that each network's trial is to have from `costs`.
        constraints: On costs, which every network of the search is to meet.
    """

    space: Space
    task: Supervised
    recipe: Recipe
    seed: int
    costs: CostModel
    measure: tuple[str, ...] = ()
    constraints: tuple[Constraint, ...] = ()

    def longer(self, epochs: int | None, *, lr: float, paths: int = 1) -> Recipe:
        """Returns the recipe for a supernet, at the size of the user's trainings.

        Args:
            epochs: What the user says; None is ten times those of a network alone, shared by the paths, or
                options, that run in a step.
            lr: Peak learning rate of sgd, where the user left it open.
            paths: Of a step.
        """
        usual = max(1, round(LONGER * self.recipe.epochs / paths))
        given = self.recipe.lr is not None or self.recipe.optimizer != "sgd"
        rate = self.recipe.peak_lr if given else lr
        return replace(self.recipe, epochs=epochs or usual, lr=rate, patience=None)

    @property
    def widest(self) -> int:
        """The most options of any decision."""
        return max((len(decision.labels) for decision in self.space.decisions), default=1)

    def macs(self, architecture: Architecture) -> float:
        """Returns the multiply-accumulates of a network."""
        return self.costs(architecture, ("macs",))["macs"]

    def expected(self, cost: str, space: Space) -> ExpectedCost:
        """Returns what mixtures of a space cost on average.

        Args:
            cost: ``macs``, or a latency that a device profile promises.
            space: Bound to the task.

        Raises:
            ConfigError: There is no table to look it up in.
        """
        from nasturtium.cost.expected import ExpectedCost, latencies

        if cost == "macs":
            return ExpectedCost(space)
        known = self.costs.profile.metrics if isinstance(self.costs, Profiled) else {}
        if cost not in known:
            raise unknown(
                "cost of a mixture", cost, ("macs", *known), where="latencies need a device profile"
            )
        table = known[cost].table
        return ExpectedCost(space, latencies(table, space), base=table.base_ms)

    def hastened(self, rate: float, steps: int) -> float:
        """Returns a learning rate of Adam with which numbers get as far in so many steps as in a paper's.

        A step moves them by about the rate, whatever the gradient; DARTS's 50 epochs of half of CIFAR-10 have
        19,500. Never lower than the paper's.
        """
        return max(rate, rate * STEPS / steps)

    def published(self, settings: Mapping[str, Any]) -> Recipe:
        """Returns the recipe with the settings of a paper."""
        return self.recipe.with_settings(settings)

    def inherited(self, supernet: Supernet, recalibration: int) -> Evaluator:
        """Returns what evaluates networks with the weights of a supernet, on the validation split.

        Args:
            supernet: Trained.
            recalibration: Training images for the norms of each network.
        """
        from nasturtium.evaluate.inherited import Inherited

        return Inherited(
            *(supernet, self.task, self.recipe),
            recalibration=recalibration,
            seed=self.seed,
            costs=self.costs,
            measure=self.measure,
        )


class WeightSharing(Protocol):
    """A published system with a supernet; `nasturtium.recipes` has one in each file.

    A class whose fields are its parameters. A run asks it for its parts in this order.

    Attributes:
        finalists: How many networks are looked at in the end, to be compared with random ones.
    """

    finalists: int

    def supernet(self, problem: Problem) -> Supernet:
        """Returns the shared weights, fresh."""
        ...

    def training(self, problem: Problem, supernet: Supernet) -> Stepwise:
        """Returns what trains them; other supernets may be trained before (`evaluate.staged.Staged`)."""
        ...

    def sampler(self, problem: Problem, steps: int) -> Strategy:
        """Returns what decides which paths or mixtures are trained, over so many steps."""
        ...

    def searcher(self, problem: Problem, sampler: Strategy) -> Method:
        """Returns what looks for good networks with the trained weights; the sampler has seen it all."""
        ...

    def evaluator(self, problem: Problem, supernet: Supernet) -> Evaluator:
        """Returns what finds out how good a network is with the trained weights."""
        ...


class TrainedOnce(WeightSharing, Protocol):
    """One whose networks are used with the supernet's weights, rather than trained alone.

    Attributes:
        DEPLOYS: True; what tells it from the others.
    """

    DEPLOYS: ClassVar[bool]

    @property
    def tuned(self) -> int:
        """Epochs for which the finalists, and then the picks, are trained on; 0 leaves them as they are."""
        ...

    @property
    def recalibration(self) -> int:
        """Training images for the norms of a network with shared weights."""
        ...


def looked_at(stages: Iterable[str]) -> list[str]:
    """Returns those stages in which networks are looked at with shared weights: one, and one a budget."""
    return [stage for stage in stages if stage.partition("/")[0] == SUBNETS]


def trains_once(method: WeightSharing | None) -> TypeGuard[TrainedOnce]:
    """Whether the networks of a recipe keep the supernet's weights."""
    return getattr(method, "DEPLOYS", False) is True


def shares_weights(method: object) -> TypeGuard[type[WeightSharing]]:
    """Whether a method is a recipe with a supernet, rather than a strategy."""
    parts = ("supernet", "training", "sampler", "searcher", "evaluator")
    return isinstance(method, type) and all(callable(getattr(method, part, None)) for part in parts)


def derived(sampler: Strategy) -> Method:
    """Returns what looks at the one network that a trained gradient method stands for."""
    return partial(Fixed, architectures=sampler.best(1))


class Whole:
    """The strategy of the stage that trains the supernet: it asks for all of the space, once."""

    def __init__(self, space: Space) -> None:
        rows = tuple((1 / len(d.labels),) * len(d.labels) for d in space.decisions)
        self._left = [Candidate(Mixture(space.fingerprint, rows))]

    def ask(self, n: int) -> list[Candidate]:
        """Returns the one candidate."""
        asked, self._left = self._left, []
        return asked

    def tell(self, trials: Sequence[Trial]) -> None:
        """Has nothing to learn."""

    def best(self, k: int) -> list[Any]:
        """Returns nothing: which network is best is the question of the next stage."""
        return []


class Shared(OneByOne):
    """The supernet of a run, and the evaluator of the stage that trains it.

    Seen from outside the whole training is one trial. Inside it is the same loop over single steps, with a
    checkpoint in the run folder from which it goes on.

    Args:
        method: The recipe.
        problem: What for.
        path: Of the checkpoint, in the run folder.
        observer: Is shown the steps as a stage of their own.
        every: Steps between two checkpoints.
    """

    def __init__(
        self, method: WeightSharing, problem: Problem, path: Path, observer: Observer, *, every: int = 200
    ) -> None:
        self.method, self.problem, self.path, self.observer = method, problem, path, observer
        self.every = every

    def trial(self, candidate: Candidate) -> Trial:
        """Trains the supernet, whatever of it is left."""
        metrics = self._trained[2]
        if "loss" in metrics:
            return Trial(candidate, metrics, weights=self.path.name)
        reason = "its training diverged; a lower learning rate, a longer warm-up or clip_norm may help"
        return Trial(candidate, metrics, status="failed", error=reason)

    @property
    def sampler(self) -> Strategy:
        """The strategy of the training, with all that it has learned."""
        return self._trained[1]

    def searcher(self) -> Method:
        """Returns what looks for networks in the trained supernet."""
        return self.method.searcher(self.problem, self.sampler)

    def evaluator(self) -> Evaluator:
        """Returns what finds out how good networks are with the trained weights."""
        return Timed(self.method.evaluator(self.problem, self._trained[0]))

    def subnets(self, recalibration: int) -> Callable[[Architecture], nn.Module]:
        """Returns what gives networks the trained weights, norms recalibrated."""
        from nasturtium.evaluate.subnets import Subnets

        return Subnets(
            self._trained[0], self.problem.task, recalibration=recalibration, seed=self.problem.seed
        )

    def check(self) -> None:
        """Makes sure that the weights of a training that has ended are still there.

        Raises:
            StoreError: They are not.
        """
        if not self.path.exists():
            raise StoreError(
                f"{self.path}, the trained supernet of this search, is gone, so the search cannot go on; put "
                "it back, or start in another folder"
            )

    @cached_property
    def _trained(self) -> tuple[Supernet, Strategy, dict[str, float]]:
        supernet = self.method.supernet(self.problem)
        training = self.method.training(self.problem, supernet)
        sampler = self.method.sampler(self.problem, training.steps)
        steps = Steps(training, self.path, self.every)
        monitor = Monitor(self.problem.space, steps.total, pick=sampler.best)
        monitored = Monitored(monitor, self.path.with_name(COURSE), self.observer, SUPERNET)
        steps.monitor = monitored.fold
        steps.watcher = Shown(steps, self.observer, monitored)
        search(sampler, Timed(training), steps)
        monitored.end()
        self.observer.ended(SUPERNET)
        return supernet, sampler, summary(steps) | monitor.course.metrics


class Shown:
    """Shows the steps of a training to an observer, as a stage, and what their monitor sees."""

    def __init__(self, steps: Steps, observer: Observer, monitored: Monitored) -> None:
        self.steps, self.observer, self.monitored = steps, observer, monitored
        self.purse: Purse | None = None

    def __call__(self, done: int, total: int, trials: Sequence[Trial]) -> None:
        """Shows one step."""
        if self.purse is None:
            self.purse = Purse(Budget(total, "steps"))
            self.purse.asked(done - 1)
            self.purse.go_on_from(_seconds(self.steps.trials))
            self.observer.began(SUPERNET, self.purse, ())
        self.purse.asked(done - self.purse.trials)  # rewards alone are no step
        self.observer.told(SUPERNET, trials)
        self.monitored.show()


def summary(steps: Steps) -> dict[str, float]:
    """Returns what a training came to: seconds, steps, paths, and means over the last tenth of it."""
    trials = steps.trials
    last = [trial.metrics for trial in trials[-max(1, len(trials) // 10) :] if trial.status == "ok"]
    means = {name: sum(one[name] for one in last) / len(last) for name in ("loss", "error")} if last else {}
    counts = {"steps": float(steps.total), "paths": float(len(trials))}
    return {"train_seconds": _seconds(trials), **counts, **means}


def _seconds(trials: Sequence[Trial]) -> float:
    return math.fsum(trial.metrics.get("train_seconds", 0.0) for trial in trials)
