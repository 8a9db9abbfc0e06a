"""AlphaNet (Wang et al. 2021, arXiv:2102.07954): distillation by the adaptive alpha-divergence."""

from dataclasses import dataclass

from nasturtium.evaluate.distillation import AdaptiveAlpha, Distillation
from nasturtium.recipes.train_once import TrainOnce


@dataclass(frozen=True)
class AlphaNet(TrainOnce):
    """BigNAS's training with another divergence, which minds over- and underestimated answers alike.

    Differs: gradients are clipped, by value at 1, in the ``published`` size alone; NSGA-II (there the best of
    each bin of FLOPs, ``search="binned"``).
    """

    def distillation(self) -> Distillation:
        """The larger of the divergences at alpha -1 and 1."""
        return Distillation(AdaptiveAlpha(), self.of_labels)
