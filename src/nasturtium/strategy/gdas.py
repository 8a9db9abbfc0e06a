"""GDAS: one operation of each decision runs, drawn by Gumbel's trick; its gradient is the soft one's."""

from dataclasses import dataclass

import numpy as np

from nasturtium.errors import ConfigError
from nasturtium.seeds import rng_for
from nasturtium.strategy.relaxed import Draw, Entries, Relaxed


@dataclass(eq=False, kw_only=True)
class GDAS(Relaxed):
    """Runs the argmax of Gumbel-softmax samples, and descends as if the sample itself had run.

    Dong and Yang 2019, eqs. 3 to 6 (arXiv:1910.04465): p = softmax((log softmax(alpha) + o) / tau) with o
    drawn from Gumbel(0, 1); forward the one-hot of the argmax, backward p (straight through, Jang et al.
    2017, arXiv:1611.01144). The gradient is biased. tau falls linearly.

    The paper's: 250 epochs, batch 64, weights lr 0.025 to 0.001, decay 3e-4, first order; supernet as for
    DARTS.

    Differs: the sample that trains the weights is also the one whose gradient is taken. The authors' code
    lets every operation that did not run have the sum of d loss / d edge as its gradient; here, as in the
    paper, it has none but through p.

    Args:
        steps: Asks over which tau falls.
        tau: At the start and at the end.

    The others are those of `Relaxed`.
    """

    steps: int = 10_000
    tau: tuple[float, float] = (10.0, 0.1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.steps < 1 or min(self.tau) <= 0:
            raise ConfigError(
                f"steps is {self.steps} and tau {self.tau}; tau must be above 0, steps 1 or more"
            )

    def draw(self, number: int) -> Draw:
        """Returns the one-hot mixture of a draw."""
        hot, cold = self.tau
        tau = hot + (cold - hot) * min(1.0, number / self.steps)
        noise = rng_for(self.seed, "gdas", number).gumbel(size=len(self.alpha))
        soft = self.rows.softmax((self.logits + noise) / tau)  # softmax forgets what log softmax takes away
        hard = self.rows.taken(self.logits + noise)

        def slope(gradient: Entries) -> Entries:
            return self.rows.through_softmax(soft, gradient) / tau

        return Draw(self.rows.mixture(hard.astype(np.float64)), slope)
