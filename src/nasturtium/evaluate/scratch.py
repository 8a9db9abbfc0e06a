"""The evaluator that trains every candidate on real data."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from torch import nn

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.evaluate.augment import Augment
from nasturtium.evaluate.fit import Fit, evaluate, fit
from nasturtium.evaluate.one_by_one import OneByOne, failed
from nasturtium.evaluate.recipe import Recipe
from nasturtium.evaluate.weights import load_weights, save_weights
from nasturtium.net.build import build
from nasturtium.protocols import Candidate, CostModel, Trial
from nasturtium.seeds import seed_for
from nasturtium.space.layers import Network
from nasturtium.space.space import Space
from nasturtium.tasks.supervised import Supervised

Report = Callable[[Candidate, int, float], None]
Start = Callable[[Architecture], nn.Module]


class Scratch(OneByOne):
    """Trains each candidate's network, one at a time, and gives its validation (or test) error.

    Where the space decides `settings` too, each candidate is trained by the recipe with those in place.

    A candidate of fidelity n is trained for n epochs under one annealed schedule of n epochs. With a `parent`
    whose weights are in the folder it starts from those, and trains under one annealed schedule for the
    epochs that the parent lacks: going from 4 to 12 epochs is 4 epochs annealed to 0, a warm restart, and 8
    epochs annealed to 0 (Loshchilov and Hutter 2017, SGDR). Without those weights it starts afresh and trains
    all n.

    Whatever goes wrong with one candidate (its network cannot be built, memory runs out, the loss becomes
    NaN) is a failed Trial. Only a folder that cannot be written raises, since then every later trial would be
    lost too.

    Metrics: ``error`` (0..1) and ``loss`` (nats) on the validation split, ``train_seconds``, ``epochs``
        (trained for
    this trial), and those of `measure`. With split="final", error and loss are on the test split, and
    ``test_error`` says the same as ``error``.

    Args:
        space: Where the candidates come from; it is bound to the task's shapes here.
        task: The data.
        recipe: How to train, where the space does not say.
        seed: Of the run; a training is seeded by it and the candidate's number.
        costs: Gives the metrics of `measure`.
        measure: Names of cost metrics to add to each trial.
        folder: Run folder; weights are kept under it. None keeps none, and then no candidate can have a
            parent.
        split: ``search`` trains on train and evaluates on valid; ``final`` trains on both and evaluates on
            test.
        stage: Folder under `folder` for the weights; stages that number their candidates alike need different
            ones.
        start: Gives each architecture its network with weights to start from, such as a supernet's
            (`subnets.Subnets`); None starts from random ones.
        tuning: Epochs of a candidate without fidelity that starts so; 0 evaluates it as it is.
        report: Called with (candidate, epochs done, error so far) after every epoch.

    Raises:
        ConfigError: `measure` names a metric that `costs` does not have.
        UnknownName: The space has a setting that no recipe has.
        ConfigError: A setting of the space can take a value that makes no sense.
    """

    def __init__(
        self,
        space: Space,
        task: Supervised,
        recipe: Recipe | None = None,
        *,
        seed: int = 0,
        costs: CostModel | None = None,
        measure: Sequence[str] = (),
        folder: Path | None = None,
        split: Literal["search", "final"] = "search",
        stage: str = "weights",
        start: Start | None = None,
        tuning: int = 0,
        report: Report | None = None,
    ) -> None:
        known = costs.names if costs else frozenset()
        if lacking := sorted(set(measure) - known):
            raise ConfigError(
                f"no cost model gives {', '.join(lacking)}; there is {', '.join(sorted(known)) or 'none'}"
            )
        self.space = space.bind(task.input_shape, task.outputs)
        self.task, self.recipe, self.seed = task, recipe or Recipe(), seed
        self.costs, self.measure = costs, tuple(measure)
        self.folder, self.split, self.stage, self.report = folder, split, stage, report
        self.start, self.tuning = start, tuning
        for name, values in self.space.possible_settings.items():
            for value in values:
                self.recipe.with_settings({name: value})

    def trial(self, candidate: Candidate) -> Trial:
        """Trains one candidate.

        Raises:
            StoreError: The weights cannot be written.
        """
        metrics: dict[str, float] = {}
        try:
            model, epochs = self._train(candidate, metrics)
        except Exception as problem:
            return failed(candidate, metrics, problem)
        return Trial(candidate, metrics, weights=self._keep(candidate, model, epochs))

    def weights_path(self, number: int) -> Path | None:
        """Returns the file for the weights of trial `number`, there or not; None without a folder."""
        return None if self.folder is None else self.folder / self.stage / f"{number}.safetensors"

    def _train(self, candidate: Candidate, metrics: dict[str, float]) -> tuple[nn.Module, int]:
        """Fills `metrics` as they become known; returns the model and the epochs its weights have seen."""
        point = candidate.point
        if not isinstance(point, Architecture):
            raise ConfigError("Scratch trains one network, and was given a mixture; use a supernet evaluator")
        seed = seed_for(self.seed, "train", candidate.number)
        if self.costs is not None and self.measure:
            metrics.update(self.costs(point, self.measure))
        recipe = self.recipe.with_settings(self.space.settings(point))
        network = self.space.network(point)
        model = build(network, seed=seed) if self.start is None else self.start(point)
        before = self._inherit(candidate, model)
        usual = recipe.epochs if self.start is None else self.tuning
        wanted = usual if candidate.fidelity is None else candidate.fidelity
        result = self._fit(
            candidate, model, recipe, network=network, seed=seed, epochs=max(0, wanted - before)
        )
        metrics |= {"train_seconds": result.train_seconds, "epochs": float(result.epochs)}
        if result.diverged:
            raise DivergedError(result)
        metrics |= self._quality(model, recipe, result)
        return model, before + result.epochs

    def _inherit(self, candidate: Candidate, model: nn.Module) -> int:
        """Loads the parent's weights, where there are any, and returns the epochs they were trained for."""
        path = None if candidate.parent is None else self.weights_path(candidate.parent)
        return load_weights(model, path) if path is not None and path.exists() else 0

    def _fit(
        self,
        candidate: Candidate,
        model: nn.Module,
        recipe: Recipe,
        *,
        network: Network,
        seed: int,
        epochs: int,
    ) -> Fit:
        task, report = self.task, self.report
        final = self.split == "final"
        changes = Augment(task.shift, task.flip, recipe.cutout) if recipe.augment == "task" else Augment()
        return fit(
            model,
            task.full if final else task.train,
            None if final else task.valid,
            recipe,
            seed=seed,
            normalisation=task.normalisation,
            augment=changes,
            epochs=epochs,
            network=network,
            progress=None if report is None else lambda epoch, value: report(candidate, epoch, value),
        )

    def _quality(self, model: nn.Module, recipe: Recipe, result: Fit) -> dict[str, float]:
        if self.split == "search":
            return self.task.metrics(result.error, result.loss)
        error, loss = evaluate(model, self.task.test, self.task.normalisation, recipe)
        return self.task.metrics(error, loss) | {"test_error": error}

    def _keep(self, candidate: Candidate, model: nn.Module, epochs: int) -> str | None:
        """Writes the weights of a candidate that has a number; returns their path inside the run folder."""
        path = self.weights_path(candidate.number)
        if path is None or self.folder is None or candidate.number < 0:
            return None
        save_weights(model, path, epochs=epochs)
        return path.relative_to(self.folder).as_posix()


class DivergedError(ArithmeticError):
    """A training whose loss became NaN or infinite; it only ever becomes the text of a failed trial."""

    def __init__(self, result: Fit) -> None:
        super().__init__(
            f"the loss was {result.train_losses[-1]:g} in epoch {result.epochs}, {result.images} images on; "
            "a lower learning rate, a longer warm-up or clip_norm may help"
        )
