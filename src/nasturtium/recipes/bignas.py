"""BigNAS (Yu et al. 2020, arXiv:2003.11142): one training whose networks need no other."""

from dataclasses import dataclass

from nasturtium.recipes.train_once import TrainOnce


@dataclass(frozen=True)
class BigNAS(TrainOnce):
    """Sandwich rule, in-place distillation, residual branches that begin as nothing, norms recalibrated.

    ``published`` is AttentiveNAS's training, which is this one by SGD.

    Differs: SGD and a cosine to 0 (there RMSProp, and an exponential decay that ends at 5 %); dropout and
    weight decay are those of the recipe for all networks (there of the largest alone); NSGA-II where the
    paper refines a coarse grid (`search="coarse-to-fine"`).
    """
