"""The evaluator that takes a network's weights from a trained supernet: seconds instead of a training."""

from collections.abc import Sequence

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.evaluate.fit import evaluate
from nasturtium.evaluate.one_by_one import OneByOne, failed
from nasturtium.evaluate.recipe import Recipe
from nasturtium.evaluate.subnets import Subnets, some_of
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Candidate, CostModel, Trial
from nasturtium.tasks.supervised import Supervised


class Inherited(OneByOne):
    """Gives every candidate the error that its subnet has with the supernet's weights.

    The subnet is extracted, the statistics of its norms are found anew on training images, and it is
    evaluated on the validation split. The supernet is not changed.

    Args:
        supernet: Trained.
        task: Images.
        recipe: Device and precision.
        recalibration: Training images for the norms' statistics; 0 takes those of the supernet.
        batch_size: Of these images.
        images: Of the validation split that are looked at; None is all.
        seed: Of which training images they are, the same for all candidates.
        costs: Counts; None leaves counts out.
        measure: Names of the metrics that `costs` is to give.
    """

    def __init__(
        self,
        supernet: Supernet,
        task: Supervised,
        recipe: Recipe,
        *,
        recalibration: int = 2048,
        batch_size: int = 128,
        images: int | None = None,
        seed: int = 0,
        costs: CostModel | None = None,
        measure: Sequence[str] = (),
    ) -> None:
        if recalibration == 0 and supernet.norms == "batch":
            raise ConfigError(
                "the supernet's norms are 'batch', so it has no statistics to inherit; give recalibration, "
                "the number of training images to find some on"
            )
        self.supernet, self.task, self.recipe = supernet, task, recipe
        self.costs, self.measure = costs, tuple(measure)
        self._valid = task.valid if images is None else some_of(task.valid, images, seed)
        self._subnet = Subnets(supernet, task, recalibration=recalibration, batch_size=batch_size, seed=seed)

    def trial(self, candidate: Candidate) -> Trial:
        """Returns what came of one candidate."""
        metrics: dict[str, float] = {}
        try:
            self._measure(candidate, metrics)
        except Exception as problem:
            return failed(candidate, metrics, problem)
        return Trial(candidate, metrics)

    def _measure(self, candidate: Candidate, metrics: dict[str, float]) -> None:
        """Fills `metrics` as they become known."""
        point = candidate.point
        if not isinstance(point, Architecture):
            raise ConfigError("Inherited evaluates one network, and was given a mixture")
        if self.costs is not None and self.measure:
            metrics.update(self.costs(point, self.measure))
        model = self._subnet(point)
        error, loss = evaluate(model, self._valid, self.task.normalisation, self.recipe)
        metrics |= self.task.metrics(error, loss)
