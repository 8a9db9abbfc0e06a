"""NASBOT: Bayesian optimisation with a distance between networks, by optimal transport."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError, SpaceError
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.predictor.otmann_gp import OtmannGP
from nasturtium.protocols import Candidate, Trial
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space
from nasturtium.strategy.modifiers import Modifiers
from nasturtium.strategy.observed import TRIES, Observed
from nasturtium.strategy.surrogate import Surrogate

GENERATION = 10  # children whose acquisition is computed together


class NASBOT:
    """Evaluates the network of largest expected improvement under a Gaussian process on OTMANN distances.

    Kandasamy, Neiswanger, Schneider, Poczos and Xing 2018 (arXiv:1802.07191). An evolutionary search finds
    it: parents are drawn from the pool by softmax((f - mean) / (2 std)) of the acquisition f, children are
    made by `Modifiers`; the pool starts as all that was evaluated. Results that are awaited count as if they
    had come out as expected. With several objectives each ask weighs them anew (Knowles 2006, ParEGO).

    Differs: the first networks are random ones of the space, where the paper has ten drawn by hand; values
    are warped (see `Surrogate`); children come in generations of ten.

    The distance sees layers only: settings of a training, such as its learning rate, make no difference to
    it. An ask solves some thousand small transport problems, which takes seconds where networks have 50
    layers.

    Args:
        space: Where to search; bound to a task, since layers are compared by their sizes.
        seed: The same seed and the same tells give the same asks.
        objectives: What is made small.
        initial: Random networks first.
        refit: New results after which hyper-parameters are learnt again.
        samples: Hyper-parameters tried then.
        children: Least and largest number of children looked at for each ask; between them it is
            min(5, decisions) ** 2 * sqrt(asks).

    Raises:
        ConfigError: The space does not know its input, POT is not installed, or a number is too small.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        initial: int = 10,
        refit: int = 5,
        samples: int = 60,
        children: tuple[int, int] = (50, 500),
    ) -> None:
        if initial < 1 or not 1 <= children[0] <= children[1]:
            raise ConfigError(
                f"initial is {initial} and children {children}; give 1 or more, and the least and largest"
            )
        self.space, self.seed = space, seed
        self.initial, self.children = initial, children
        self._predictor = OtmannGP(space, seed=seed, samples=samples)
        self._modifiers = Modifiers(space)
        self._observed = Observed(space, objectives)
        self._surrogate = Surrogate(self._predictor, refit)
        self._asked = 0

    def ask(self, n: int) -> list[Candidate]:
        """Returns `n` random networks at first, then the most promising."""
        return [self._observed.ask(self._next()) for _ in range(n)]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes results; the model learns them at the next ask."""
        self._observed.tell(trials)

    def best(self, k: int) -> list[Architecture]:
        """Returns up to `k` distinct architectures of the whole history, best first."""
        return self._observed.archive.best(k)

    def _next(self) -> Architecture:
        rng = rng_for(self.seed, "nasbot", self._asked)
        self._asked += 1
        if self._observed.count < self.initial or not self.best(1) or self._observed.left() == []:
            return self._random(rng)
        self._surrogate.update(self._observed, rng)
        return self._evolved(rng) or self._random(rng)

    def _random(self, rng: np.random.Generator) -> Architecture:
        """Returns a random network that can be written, new as far as some tries can find one."""
        for _ in range(TRIES):
            architecture = self._observed.fresh(rng)
            if self._writable(architecture):
                break
        self._predictor.otmann.profile(architecture)  # says what does not fit
        return architecture

    def _evolved(self, rng: np.random.Generator) -> Architecture | None:
        """Returns the most promising new network that the evolutionary search met, None if it met none."""
        pool = self._observed.examples()[0]
        worth = self._surrogate.log_improvement(pool).tolist()
        met = {self.space.canonical(architecture) for architecture in pool}
        first = len(pool)
        for _ in range(-(-self._children() // GENERATION)):
            parents = rng.choice(len(pool), size=GENERATION, p=softened(np.array(worth)))
            born = self._observed.new([self._modifiers(pool[i], rng) for i in parents])
            fresh = [one for one in born if self.space.canonical(one) not in met and self._writable(one)]
            if fresh:
                met |= {self.space.canonical(architecture) for architecture in fresh}
                pool += fresh
                worth += self._surrogate.log_improvement(fresh).tolist()
        if len(pool) == first:
            return None
        return pool[first + int(np.argmax(worth[first:]))]

    def _children(self) -> int:
        wanted = min(5, len(self.space.decisions)) ** 2 * self._asked**0.5
        return int(np.clip(wanted, *self.children))

    def _writable(self, architecture: Architecture) -> bool:
        """Whether it can be written as layers: blocks of a few architectures may not fit each other."""
        try:
            self._predictor.otmann.profile(architecture)
        except SpaceError:
            return False
        return True


def softened(log_worth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the probability of each as a parent, softmax((f - mean) / (2 std)) of f = exp(log_worth)."""
    worth = np.exp(log_worth - log_worth.max())  # its scale does not matter, and so it never underflows
    scores = (worth - worth.mean()) / (2 * worth.std() or 1.0)
    shares = np.exp(scores - scores.max())
    probabilities: NDArray[np.float64] = shares / shares.sum()
    return probabilities
