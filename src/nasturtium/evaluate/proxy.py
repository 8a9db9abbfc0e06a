"""The evaluator that trains nothing: it scores an untrained network on one batch."""

import math
import time
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError, unknown
from nasturtium.evaluate.execution import execution_for
from nasturtium.evaluate.one_by_one import OneByOne, failed
from nasturtium.evaluate.proxies import ProxyFunction
from nasturtium.evaluate.recipe import Recipe
from nasturtium.net.build import build
from nasturtium.protocols import Candidate, CostModel, Trial
from nasturtium.seeds import rng_for, seed_for
from nasturtium.space.space import Space
from nasturtium.tasks.supervised import Supervised

TRAINED = frozenset({"epochs", "error", "loss", "test_error", "train_seconds"})  # what no proxy may be called


class Proxy(OneByOne):
    """Gives each candidate the scores of some proxies, see `nasturtium.evaluate.proxies`.

    All networks are scored on the same images and from the same seed, so that a score depends on the
    architecture alone. A candidate's fidelity and parent change nothing. Trials have no ``error``: a score is
    none. High scores are good, so minimise ``-synflow``; and ``error or -synflow`` where some candidates are
    trained, as in a `Cascade`.

    It is a cost model as well: called with an architecture it gives the scores, for constraints
    (``synflow >= 1e9``) or as features of a predictor.

    Metrics: the score of each proxy, by its name; ``proxy_seconds``, all of building and scoring; and those
    of `measure`. A score that is not finite makes the trial fail.

    Args:
        space: Where the candidates come from; it is bound to the task's shapes here.
        task: The data; the batch is drawn from its training split.
        proxies: Functions of a module, images and labels; the name of each is that of its metric.
        seed: Of the batch and the weights.
        batch: Images.
        repeats: Initial weights and batches over which a score is the mean.
        recipe: Its device, memory format and threads are used.
        costs: Gives the metrics of `measure`.
        measure: Names of cost metrics to add to each trial.

    Raises:
        ConfigError: No proxies, two of one name or one of a reserved name, a batch below 2, repeats below 1,
            or a metric that `costs` does not have.
    """

    def __init__(
        self,
        space: Space,
        task: Supervised,
        proxies: Sequence[ProxyFunction],
        *,
        seed: int = 0,
        batch: int = 64,
        repeats: int = 1,
        recipe: Recipe | None = None,
        costs: CostModel | None = None,
        measure: Sequence[str] = (),
    ) -> None:
        self.proxies = _named(proxies)
        if batch < 2 or repeats < 1:
            raise ConfigError(f"batch is {batch} and repeats {repeats}; give 2 or more and 1 or more")
        if lacking := sorted(set(measure) - (costs.names if costs else frozenset())):
            raise ConfigError(f"no cost model gives {', '.join(lacking)}")
        self.space = space.bind(task.input_shape, task.outputs)
        self.task, self.seed, self.repeats = task, seed, repeats
        self.batch = min(batch, len(task.train))
        self.recipe = recipe or Recipe()
        self.costs, self.measure = costs, tuple(measure)

    @property
    def names(self) -> frozenset[str]:
        """The scores that it can give."""
        return frozenset(self.proxies)

    def trial(self, candidate: Candidate) -> Trial:
        """Scores one candidate; whatever goes wrong is a failed trial."""
        metrics: dict[str, float] = {}
        try:
            self._score(candidate, metrics)
        except Exception as problem:
            return failed(candidate, metrics, problem)
        absurd = [f"{name} is {value}" for name, value in metrics.items() if not math.isfinite(value)]
        if absurd:
            finite = {name: value for name, value in metrics.items() if math.isfinite(value)}
            return Trial(candidate, finite, "failed", f"{', '.join(absurd)}: it says nothing of this network")
        return Trial(candidate, metrics)

    def __call__(self, architecture: Architecture, names: Iterable[str] | None = None) -> dict[str, float]:
        """Returns the scores called `names`, all of them by default; some may not be finite.

        Raises:
            UnknownName: A proxy that was not given.
        """
        wanted = list(self.proxies if names is None else names)
        for name in wanted:
            if name not in self.proxies:
                raise unknown("proxy", name, self.proxies)
        each = [self._once(architecture, wanted, repeat) for repeat in range(self.repeats)]
        return {name: sum(scores[name] for scores in each) / self.repeats for name in wanted}

    def _score(self, candidate: Candidate, metrics: dict[str, float]) -> None:
        point = candidate.point
        if not isinstance(point, Architecture):
            raise ConfigError("Proxy scores one network, and was given a mixture")
        if self.costs is not None and self.measure:
            metrics.update(self.costs(point, self.measure))
        start = time.perf_counter()
        metrics |= self(point)
        metrics["proxy_seconds"] = time.perf_counter() - start

    def _once(self, architecture: Architecture, names: Sequence[str], repeat: int) -> dict[str, float]:
        seed = seed_for(self.seed, "proxy/weights", repeat)
        model: nn.Module = build(self.space.network(architecture), seed=seed)
        images, labels = self._images(repeat)
        execution = execution_for(model, self.task.input_shape, self.recipe, len(images))
        with execution.active(seed):
            execution.place(model)
            x = self.task.normalisation(images.to(execution.device), execution.memory_format)
            y = labels.to(execution.device)
            return {name: float(self.proxies[name](model, x, y)) for name in names}

    def _images(self, repeat: int) -> tuple[Tensor, Tensor]:
        rng = rng_for(self.seed, "proxy/batch", repeat)
        rows = torch.from_numpy(rng.choice(len(self.task.train), self.batch, replace=False))
        train = self.task.train
        return train.images[rows], train.labels[rows]


def _named(proxies: Sequence[ProxyFunction]) -> dict[str, ProxyFunction]:
    names = [_name(proxy) for proxy in proxies]
    if not names or len(set(names)) < len(names):
        raise ConfigError(f"proxies are {', '.join(names) or 'none'}; give one or more, each of its own name")
    if taken := TRAINED & set(names):
        raise ConfigError(f"a proxy is called {', '.join(sorted(taken))}, which is what a training gives")
    return dict(zip(names, proxies, strict=True))


def _name(proxy: Callable[..., float]) -> str:
    name: str | None = getattr(proxy, "__name__", None)
    if name is None or not name.isidentifier():
        raise ConfigError(f"proxy {proxy!r} has no name of its own; give a function (def), not {name!r}")
    return name
