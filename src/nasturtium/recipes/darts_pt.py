"""DARTS-PT (Wang et al. 2021, arXiv:2108.04392): DARTS, then options are worth what is lost without them."""

from dataclasses import dataclass
from functools import partial

from nasturtium.evaluate.training import Training
from nasturtium.net.supernet import Supernet
from nasturtium.protocols import Evaluator, Strategy
from nasturtium.run.experiment import Method
from nasturtium.run.sharing import Problem, derived
from nasturtium.strategy.darts import DARTS
from nasturtium.strategy.perturbation import Perturbation
from nasturtium.strategy.succession import Succession


@dataclass(frozen=True)
class SelectedByPerturbation:
    """DARTS whose decisions are settled one by one, by the error of the supernet without each option.

    Differs: tuning goes on with the optimiser and the falling learning rate of the search; an option is
    judged on `batches` validation minibatches, not on the whole split.

    Attributes:
        epochs: Of the supernet; None is ten times those of a network alone, shared by the options that run.
        tuned: Share of these steps that tune the supernet while it is settled.
        batches: Validation minibatches for each option.
        recalibration: Training images for the norms of the network found.
        finalists: Networks trained alone at the end: the one that is found.
    """

    epochs: int | None = None
    tuned: float = 0.3
    batches: int = 4
    recalibration: int = 2048
    finalists: int = 1

    def supernet(self, problem: Problem) -> Supernet:
        """Norms by batch, without scale and shift."""
        return Supernet(problem.space, seed=problem.seed, norms="batch", affine=False)

    def training(self, problem: Problem, supernet: Supernet) -> Training:
        """All options a step."""
        longer = problem.longer(self.epochs, lr=0.05, paths=problem.widest)
        return Training(supernet, problem.task, longer, seed=problem.seed)

    def sampler(self, problem: Problem, steps: int) -> Strategy:
        """A search by DARTS, then the questions of the selection."""
        first = DARTS(problem.space, seed=problem.seed, learning_rate=problem.hastened(3e-4, steps))
        made = partial(Perturbation, problem.space, seed=problem.seed, batches=self.batches)
        tune = max(1, int(self.tuned * steps / max(1, made().questions)))
        search = max(1, steps - tune * made().questions)
        return Succession(first, search, lambda: made(start=first.mixture(), tune=tune))

    def searcher(self, problem: Problem, sampler: Strategy) -> Method:
        """The network that is settled."""
        return derived(sampler)

    def evaluator(self, problem: Problem, supernet: Supernet) -> Evaluator:
        """Its error, with norms recalibrated."""
        return problem.inherited(supernet, self.recalibration)
