"""What several final trainings of one network say together."""

import math
import statistics
from dataclasses import dataclass

from nasturtium.protocols import Trial


@dataclass(frozen=True, slots=True)
class Retrained:
    """The final trainings of one network: on training and validation data together, tested once each.

    Attributes:
        trials: One per training, from different seeds.
    """

    trials: tuple[Trial, ...]

    @property
    def errors(self) -> tuple[float, ...]:
        """Test error of each training that succeeded."""
        return tuple(trial.metrics["error"] for trial in self.trials if trial.status == "ok")

    @property
    def inherited(self) -> bool:
        """Whether the network has a supernet's weights as they are: no training took an epoch."""
        return all(trial.metrics.get("epochs") == 0 for trial in self.trials)

    @property
    def mean(self) -> float:
        """Mean test error; NaN where every training failed."""
        return statistics.fmean(self.errors) if self.errors else math.nan

    @property
    def spread(self) -> float:
        """Standard deviation of the test error between trainings; NaN for fewer than two."""
        return statistics.stdev(self.errors) if len(self.errors) > 1 else math.nan

    @property
    def interval(self) -> tuple[float, float] | None:
        """95% confidence interval of the mean test error over trainings, None for fewer than two.

        Student's t, cut to 0..1. It covers the chance of initialisation and order of data, not that of the
        test images.
        """
        if len(self.errors) < 2:
            return None
        from scipy.stats import t  # type: ignore[import-untyped]

        half = float(t.ppf(0.975, len(self.errors) - 1)) * self.spread / math.sqrt(len(self.errors))
        return max(0.0, self.mean - half), min(1.0, self.mean + half)

    @property
    def weights(self) -> str | None:
        """Path in the run folder of the weights of the first training that succeeded."""
        return next((trial.weights for trial in self.trials if trial.status == "ok"), None)
