"""DARTS-: an auxiliary skip connection takes what makes skips win, and is then taken away."""

from dataclasses import dataclass

import numpy as np

from nasturtium.errors import ConfigError
from nasturtium.strategy.relaxed import Draw, Entries, Relaxed


@dataclass(eq=False, kw_only=True)
class DARTSMinus(Relaxed):
    """DARTS with beta x added to every mixed operation, where beta falls linearly from 1 to 0.

    Chu et al. 2021, eq. 4 and Algorithm 1 (arXiv:2009.01027). A skip stabilises the training of a supernet
    like that of a residual network; the auxiliary one does so without being counted as an option.

    The auxiliary skip is asked for as additional weight of the option that is a skip, so the weights of its
    row sum to 1 + beta. Settings are those of DARTS, first order.

    Differs: on an edge of stride 2 the auxiliary skip has the weights of the skip there (a factorised
    reduction) and none of its own.

    Args:
        steps: Asks over which beta falls.
        skip: What the option is called that is a skip.

    The others are those of `Relaxed`.
    """

    steps: int = 10_000
    skip: str = "skip_connect"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.steps < 1:
            raise ConfigError(f"steps is {self.steps}; beta falls over 1 or more")
        self._skips = self.rows.labelled(self.skip).astype(np.float64)

    def draw(self, number: int) -> Draw:
        """Returns the softmax mixture and the auxiliary skips."""
        weights = self.rows.softmax(self.logits)
        beta = max(0.0, 1.0 - number / self.steps)

        def slope(gradient: Entries) -> Entries:
            return self.rows.through_softmax(weights, gradient)

        return Draw(self.rows.mixture(weights + beta * self._skips), slope)
