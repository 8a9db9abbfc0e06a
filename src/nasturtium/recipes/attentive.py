"""AttentiveNAS (Wang et al. 2021, arXiv:2011.09011): train the networks that make the front."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from nasturtium.errors import unknown
from nasturtium.evaluate.training import Training
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Strategy
from nasturtium.recipes.train_once import TrainOnce
from nasturtium.run.sharing import Problem
from nasturtium.strategy.cost_prior import CostPrior
from nasturtium.strategy.foreseen import Foreseen
from nasturtium.strategy.screened import Keep, Screened


@dataclass(frozen=True)
class AttentiveNAS(TrainOnce):
    """BigNAS's training, in which the networks between the ends are the best or the worst of several.

    Their MACs are drawn first, as often as random networks have them, and then the candidates, all of that
    cost (`strategy.cost_prior`, `strategy.screened`).

    Differs: gradients are clipped, by value at 1, in the ``published`` size alone; dropout is that of the
    recipe for all networks (there of the largest alone); NSGA-II (there the best of each bin of FLOPs,
    ``search="binned"``).

    Attributes:
        keep: ``best`` trains the best of the candidates (BestUp, as released), ``worst`` the worst (WorstUp).
        by: ``loss`` on the minibatch of the step, or ``predictor``.
        candidates: Of which one is trained; None is the release's 3 by loss, the paper's 50 by predictor.
    """

    keep: Keep = "best"
    by: str = "loss"
    candidates: int | None = None

    def training(self, problem: Problem, supernet: Supernet) -> Training:
        """Candidates are compared on the minibatch of the step; a predictor learns from validation images."""
        training = super().training(problem, supernet)
        assert isinstance(training, Training)
        training.rewards = "train" if self.by == "loss" else "valid"
        return training

    def filling(self, problem: Problem, steps: int) -> Callable[..., Strategy]:
        """Candidates of one cost, screened; the predictor is taught after 30 of 360 epochs."""
        if self.by not in ("loss", "predictor"):
            raise unknown("way to compare candidates", self.by, ("loss", "predictor"))
        count = self.candidates or (3 if self.by == "loss" else 50)
        prior = partial(CostPrior, cost=problem.macs, alike=count)
        paths = self.paths - 2
        if self.by == "loss":
            return partial(Screened, inner=prior, keep=self.keep, candidates=count, paths=paths)
        settled = partial(Foreseen, inner=prior, keep=self.keep, candidates=count, paths=paths)
        return partial(settled, start=steps // 12)
