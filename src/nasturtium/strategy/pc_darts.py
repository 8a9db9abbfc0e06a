"""PC-DARTS: a part of the channels is mixed, and edges have weights of their own."""

from collections.abc import Sequence

from nasturtium.architecture import Mixture
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.space.space import Space
from nasturtium.strategy.relaxed import Draw, Entries, Relaxed


class PCDARTS(Relaxed):
    """DARTS over a space of partial channels, with a softmax over the edges into each node.

    Xu et al. 2020, sections 3.2 and 3.3 (arXiv:1907.05737): 1 of 4 channels goes through the mixed operation,
    the others past it; what is mixed changes with every pass, so the weights of edges, beta, are learned
    too, and the strength of an operation is beta alpha. The channels are the space's business
    (``pc_darts_search``), and so are the decisions ``...nodeN.edges``; their option ``all`` stands for a
    derived cell, and is never mixed.

    The paper's search of CIFAR-10: settings of DARTS, first order, but batch 256, weights lr 0.1 to 0, alpha
    lr 6e-4, and 15 of 50 epochs of warm-up.

    Args:
        space: ``pc_darts_search``; in another space it is DARTS.
        seed: Of the first numbers.
        objectives: Not used.
        learning_rate: Of Adam.
        weight_decay: Of the numbers.
        warmup: Asks that train weights only.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        learning_rate: float = 6e-4,
        weight_decay: float = 1e-3,
        warmup: int = 0,
    ) -> None:
        super().__init__(
            space,
            seed=seed,
            objectives=objectives,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            warmup=warmup,
        )

    def draw(self, number: int) -> Draw:
        """Returns the mixture of operations, and of edges."""
        weights = self.rows.softmax(self.logits)

        def slope(gradient: Entries) -> Entries:
            return self.rows.through_softmax(weights, gradient)

        return Draw(self.rows.mixture(weights), slope)

    def mixture(self) -> Mixture:
        """Returns the softmax of the numbers."""
        return self.rows.mixture(self.rows.softmax(self.logits))
