"""DrNAS: mixtures drawn from a Dirichlet distribution, whose concentrations are learned."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from scipy.special import betainc, betaln  # type: ignore[import-untyped]

from nasturtium.architecture import Mixture
from nasturtium.errors import ConfigError
from nasturtium.protocols import Strategy
from nasturtium.seeds import rng_for, seed_for
from nasturtium.space.space import Space
from nasturtium.strategy.p_darts import FROZEN, kept
from nasturtium.strategy.relaxed import Draw, Entries, Relaxed
from nasturtium.strategy.succession import Succession

_SMALLEST = 1e-12  # of a weight: below, the derivative of the Beta distribution is noise


@dataclass(eq=False, kw_only=True)
class DrNAS(Relaxed):
    """Draws each mixture from Dirichlet distributions, and descends through the draw.

    Chen, Wang, Cheng, Tang and Hsieh 2021, section 3.2 (arXiv:2006.10355): concentrations are elu(alpha) + 1,
    the gradient is pathwise (Jankowiak and Obermeyer 2018, arXiv:1806.01851, as in torch), and a penalty
    pulls concentrations to 1. What is derived is the mean of the distribution.

    The paper's: alpha lr 6e-4; weights lr 0.1, otherwise as DARTS, first order; frozen for the first 10
    epochs of each of two stages, which differ in channels and options (`recipes/drnas.py`). On NAS-Bench-201
    one stage, whole channels.

    Args:
        penalty: Of the squared distance of the concentrations from 1, summed.

    The others are those of `Relaxed`; nothing decays, since the penalty is there already.
    """

    penalty: float = 1e-3
    learning_rate: float = 6e-4
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.penalty < 0:
            raise ConfigError(f"penalty is {self.penalty}; it must be 0 or more")

    @property
    def concentration(self) -> Entries:
        """elu(alpha) + 1, above 0; 0 for options that are never mixed."""
        above = np.where(self.alpha > 0, self.alpha + 1, np.exp(np.minimum(self.alpha, 0)))
        return np.where(self.rows.mixed, above, 0.0)

    def draw(self, number: int) -> Draw:
        """Returns a draw of the Dirichlet distributions."""
        alpha, concentration = self.alpha, self.concentration
        gammas = rng_for(self.seed, "drnas", number).standard_gamma(concentration)
        gammas = np.where(self.rows.mixed, np.maximum(gammas, np.finfo(np.float64).tiny), 0.0)
        weights = gammas / self.rows.total(gammas)
        inner = np.where(alpha > 0, 1.0, concentration)  # d concentration / d alpha

        def slope(gradient: Entries) -> Entries:
            paths = pathwise(weights, concentration, self.rows.total(concentration))
            through = paths * (gradient - self.rows.total(weights * gradient))
            pull = np.where(self.rows.mixed, 2 * self.penalty * (concentration - 1), 0.0)
            return inner * (through + pull)

        return Draw(self.rows.mixture(weights), slope)

    def mixture(self) -> Mixture:
        """Returns the mean of the Dirichlet distributions."""
        return self.rows.mixture(self.concentration / self.rows.total(self.concentration))

    def through_mixture(self, slope: Entries) -> Entries:
        """Through the mean and elu."""
        total = self.rows.total(self.concentration)
        mean = self.concentration / total
        inner = np.where(self.alpha > 0, 1.0, self.concentration)
        return inner * np.where(self.rows.mixed, slope - self.rows.total(mean * slope), 0.0) / total


def progressive(space: Space, steps: int, *, seed: int = 0, **settings: Any) -> Strategy:
    """Returns the search in two stages, the second among the strongest 4 of 7 options of each decision.

    Adam begins anew; the concentrations go on, and stay as they are at first in each stage, 10 of the paper's
    25 epochs (its code).

    Args:
        space: Of the mixtures.
        steps: Asks of a stage, 1 or more.
        seed: Of numbers and draws.
        settings: Of `DrNAS`.
    """
    steps = max(1, steps)
    made = partial(DrNAS, space, warmup=int(FROZEN * steps), **settings)
    first = made(seed=seed)

    def second() -> DrNAS:
        narrow = made(seed=seed_for(seed, "drnas/stage", 1))
        narrow.alpha = first.alpha
        narrow.narrow(kept(space, first.mixture(), 4 / 7))
        return narrow

    return Succession(first, steps, second)


def pathwise(weights: Entries, concentration: Entries, total: Entries) -> Entries:
    """Returns (d w_i / d c_i) / (1 - w_i) of Dirichlet draws, [entries].

    w_i is Beta(c_i, total - c_i), so that d w_i / d c_i = -(d F / d c_i) / f, with F and f its distribution
    and density (Figurnov et al. 2018, arXiv:1805.08498, eq. 7). With it d loss / d c_i is this times
    (g_i - sum_j w_j g_j). A row of one option never moves, and has 0; so has a concentration of 0.
    """
    rest = total - concentration
    moves = (rest > 0) & (concentration > 0)
    rest, concentration = np.where(moves, rest, 1.0), np.where(moves, concentration, 1.0)
    weights = np.clip(weights, _SMALLEST, 1 - _SMALLEST)
    step = 1e-5 * np.maximum(concentration, 1e-2)
    rise = betainc(concentration + step, rest, weights) - betainc(concentration - step, rest, weights)
    log_density = (
        (concentration - 1) * np.log(weights) + (rest - 1) * np.log1p(-weights) - betaln(concentration, rest)
    )
    slope = -rise / (2 * step) * np.exp(-log_density) / (1 - weights)
    return np.where(moves, slope, 0.0)
