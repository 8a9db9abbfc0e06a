"""ProxylessNAS: binary gates, two paths at a time."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Mixture
from nasturtium.errors import ConfigError
from nasturtium.seeds import rng_for
from nasturtium.strategy.derive import settled
from nasturtium.strategy.relaxed import Draw, Entries, Relaxed


@dataclass(eq=False, kw_only=True)
class ProxylessNAS(Relaxed):
    """Trains weights along single paths, and compares two options of each decision at a time.

    Cai, Zhu and Han 2019, section 3.2 (arXiv:1812.00332), with the two-path update of section 3.2.1: two
    options are drawn by their probabilities, one of them runs (its gate is 1) by the softmax over the two,
    and d loss / d alpha_i = sum_j dL/dg_j p_j (delta_ij - p_i) over the two. Then both numbers are shifted by
    one constant, so that the options that were not drawn keep their probabilities.

    The paper's: `norms="running"` or ``batch``; weights by sgd, lr 0.025 with cosine, no label smoothing on
    CIFAR-10 and 0.1 on ImageNet; 300 or 150 epochs; one candidate a step, first order.

    Differs: the step that finds the gates' gradient also trains the path whose gate is 1.

    Args:
        every: One ask in so many is a pair of paths; the others are single paths, which train weights only.

    The others are those of `Relaxed`, but Adam keeps no first moment and nothing decays: an option that was
    not drawn stays.
    """

    BETAS: ClassVar[tuple[float, float]] = (0.0, 0.999)

    every: int = 2
    learning_rate: float = 1e-3
    weight_decay: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.every < 1:
            raise ConfigError(f"every is {self.every}; one ask in 1 or more finds gradients")

    def draw(self, number: int) -> Draw:
        """Returns a path, or a mixture with two options active of which one has the weight."""
        rng = rng_for(self.seed, "proxyless", number)
        # The largest of log p + Gumbel is a draw by p, the two largest are two without replacement.
        keys = self.logits + rng.gumbel(size=len(self.alpha))
        if number % self.every != self.every - 1 or number < self.warmup:
            choices = [int(row.argmax()) for row in self.rows.split(keys)]
            return Draw(settled(self.space, choices))
        first = self.rows.taken(keys)
        pair = first | self.rows.taken(np.where(first, -np.inf, keys))
        among = self.rows.softmax(np.where(pair, self.logits, -np.inf))
        with np.errstate(divide="ignore"):  # an option outside the pair has no chance
            gate = self.rows.taken(np.log(among) + rng.gumbel(size=len(among)))

        def slope(gradient: Entries) -> Entries:
            return self.rows.through_softmax(among, np.where(pair, gradient, 0.0))

        return Draw(self.rows.mixture(gate.astype(np.float64), pair), slope)

    def corrected(self, draw: Draw, before: Entries, now: Entries) -> Entries:
        """Shifts the two numbers of each decision back to the mass they had (section 3.2.1)."""
        if not isinstance(draw.point, Mixture):
            return now
        rows = zip(self.rows.sizes, draw.point.running, strict=True)
        pair = np.array([option in runs for size, runs in rows for option in range(size)], dtype=bool)
        return np.where(pair, now - (self._mass(now, pair) - self._mass(before, pair)), now)

    def _mass(self, numbers: Entries, pair: NDArray[np.bool_]) -> Entries:
        """Logarithm of the mass of each pair; the numbers are too small to need the largest taken out."""
        return np.log(self.rows.total(np.where(pair, np.exp(numbers), 0.0)))
