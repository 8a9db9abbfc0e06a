"""DARTS-: an auxiliary skip connection takes what makes skips win, and is then taken away."""

from collections.abc import Sequence

import numpy as np

from nasturtium.architecture import Mixture
from nasturtium.errors import ConfigError
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.space.space import Space
from nasturtium.strategy.relaxed import Draw, Entries, Relaxed


class DARTSMinus(Relaxed):
    """DARTS with beta x added to every mixed operation, where beta falls linearly from 1 to 0.

    Chu et al. 2021, eq. 4 and Algorithm 1 (arXiv:2009.01027). A skip stabilises the training of a supernet
    like that of a residual network; the auxiliary one does so without being counted as an option.

    The auxiliary skip is asked for as additional weight of the option that is a skip, so the weights of its
    row sum to 1 + beta. Settings are those of DARTS, first order.

    Differs: on an edge of stride 2 the auxiliary skip has the weights of the skip there (a factorised
    reduction) and none of its own.

    Args:
        space: Where decisions on edges have an option called `skip`.
        seed: Of the first numbers.
        objectives: Not used.
        steps: Asks over which beta falls.
        skip: What the option is called.
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
        steps: int = 10_000,
        skip: str = "skip_connect",
        learning_rate: float = 3e-4,
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
        if steps < 1:
            raise ConfigError(f"steps is {steps}; beta falls over 1 or more")
        self.steps = steps
        self._skips = self.rows.labelled(skip).astype(np.float64)

    def draw(self, number: int) -> Draw:
        """Returns the softmax mixture and the auxiliary skips."""
        weights = self.rows.softmax(self.logits)
        beta = max(0.0, 1.0 - number / self.steps)

        def slope(gradient: Entries) -> Entries:
            return self.rows.through_softmax(weights, gradient)

        return Draw(self.rows.mixture(weights + beta * self._skips), slope)

    def mixture(self) -> Mixture:
        """Returns the softmax of the numbers, without auxiliary skips."""
        return self.rows.mixture(self.rows.softmax(self.logits))
