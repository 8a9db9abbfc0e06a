"""SNAS: mixtures drawn from a concrete distribution that cools down to single options."""

from dataclasses import dataclass

from nasturtium.errors import ConfigError
from nasturtium.seeds import rng_for
from nasturtium.strategy.relaxed import Draw, Entries, Relaxed


@dataclass(eq=False, kw_only=True)
class SNAS(Relaxed):
    """Draws softmax((log softmax(alpha) + Gumbel) / temperature), runs all options, descends through it.

    Xie, Zheng, Liu and Lin 2019, eqs. 6 to 9 (arXiv:1812.09926): the generic loss of a concrete distribution
    (Maddison et al. 2017, arXiv:1611.00712), whose temperature falls from 1 to 0.03. The expected cost, which
    is linear in the options' probabilities, is a `price`.

    One level: the paper trains weights and numbers on the same images, so give `Training` the gradient
    `evaluate.single_level.single_level`. 150 epochs, batch 64, weights lr 0.025, decay 3e-4, clip_norm 5;
    supernet as for DARTS.

    Differs: temperature falls geometrically over the asks. The two steps see different draws.

    Args:
        steps: Asks over which the temperature falls.
        temperature: At the start and at the end.

    The others are those of `Relaxed`.
    """

    steps: int = 10_000
    temperature: tuple[float, float] = (1.0, 0.03)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.steps < 1 or min(self.temperature) <= 0:
            raise ConfigError(
                f"steps is {self.steps} and temperature {self.temperature}; "
                "it must be above 0, steps 1 or more"
            )

    def draw(self, number: int) -> Draw:
        """Returns a draw of the concrete distribution."""
        hot, cold = self.temperature
        heat = hot * (cold / hot) ** min(1.0, number / self.steps)
        noise = rng_for(self.seed, "snas", number).gumbel(size=len(self.alpha))
        weights = self.rows.softmax((self.logits + noise) / heat)

        def slope(gradient: Entries) -> Entries:
            result: Entries = self.rows.through_softmax(weights, gradient) / heat
            return result

        return Draw(self.rows.mixture(weights, self.rows.mixed), slope)
