"""Attentive sampling: of several networks that could be trained now, the best or the worst is."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

from nasturtium.architecture import Architecture
from nasturtium.errors import ConfigError
from nasturtium.front.objectives import ERROR, Objective
from nasturtium.protocols import Candidate, Strategy, Trial
from nasturtium.space.space import Space
from nasturtium.strategy.paths import REWARD, UniformPaths

Method = Callable[..., Strategy]
Score: TypeAlias = Callable[[Sequence[Architecture]], Sequence[float]]
Keep: TypeAlias = Literal["best", "worst"]


class Screened:
    """Draws groups of candidates and trains of each group the one with the lowest or the highest loss.

    Wang et al. 2021 (AttentiveNAS, arXiv:2011.09011), section 3.2: ``best`` is BestUp, which trains the best
    front further, ``worst`` is WorstUp, which raises the worst. By the loss on a minibatch (the training's
    rewards are to be those of the ``train`` minibatch of the next step) or by a score, such as what a
    predictor says, which asks nothing of the training.

    It asks in turn: for the losses of all groups of a step (candidates of fidelity 0), then for those that
    are trained. Networks that failed are never kept while another of the group did not.

    Args:
        space: Of the networks.
        seed: Of the inner sampler.
        objectives: Of the inner sampler.
        inner: Makes what draws the candidates; groups are asked for in a row.
        keep: Which of a group is trained.
        candidates: Of a group; the release has 3 by loss, the paper 50 by predictor.
        paths: Groups of a step, so networks trained in it.
        score: Predicted losses or errors of networks, all of a step at once; None asks the training.

    Raises:
        ConfigError: A number below 1, or no such end.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        objectives: Sequence[Objective] = ERROR,
        inner: Method = UniformPaths,
        keep: Keep = "best",
        candidates: int = 3,
        paths: int = 2,
        score: Score | None = None,
    ) -> None:
        if keep not in ("best", "worst"):
            raise ConfigError(f"keep is {keep!r}; it must be best or worst")
        if min(candidates, paths) < 1:
            raise ConfigError(f"candidates is {candidates} and paths {paths}; both must be 1 or more")
        self.inner = inner(space, seed=seed, objectives=objectives)
        self.keep, self.candidates, self.paths, self.score = keep, candidates, paths, score
        self._drawn: list[Candidate] = []  # of this step, all groups in a row
        self._open: list[int] = []  # places in them that are not asked for yet
        self._loss: dict[int, float] = {}  # by place
        self._chosen: list[Candidate] = []
        self._training: list[Candidate] = []  # chosen and out; the next losses come after their step

    def ask(self, n: int) -> list[Candidate]:
        """Returns up to `n` candidates, either of fidelity 0 or to be trained; none while losses are out."""
        if not (self._drawn or self._chosen or self._training):
            self._draw()
        if self._chosen:
            asked, self._chosen = self._chosen[:n], self._chosen[n:]
            self._training += asked
            return asked
        places, self._open = self._open[:n], self._open[n:]
        return [replace(self._drawn[place], fidelity=REWARD) for place in places]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Takes losses; the inner sampler is told of what was trained."""
        self.inner.tell([trial for trial in trials if trial.candidate.fidelity != REWARD])
        for trial in trials:
            if trial.candidate.fidelity != REWARD:
                points = [one.point for one in self._training]
                if trial.candidate.point in points:
                    del self._training[points.index(trial.candidate.point)]
            elif (place := self._place(trial)) is not None:
                loss = trial.metrics.get("loss", math.nan) if trial.status == "ok" else math.nan
                self._loss[place] = loss
        if self._drawn and len(self._loss) == len(self._drawn):
            self._choose()

    def best(self, k: int) -> Sequence[Architecture]:
        """Returns what the inner sampler would pick."""
        return self.inner.best(k)

    def _draw(self) -> None:
        wanted = self.candidates * self.paths
        while len(self._drawn) < wanted and (some := self.inner.ask(wanted - len(self._drawn))):
            self._drawn += some
        if self.score is None:
            self._open = list(range(len(self._drawn)))
            return
        points = [one.point for one in self._drawn if isinstance(one.point, Architecture)]
        self._loss = dict(enumerate(self.score(points) if points else ()))
        self._choose()

    def _place(self, trial: Trial) -> int | None:
        """Returns the first place of a network that has no loss yet: the same one may be drawn twice."""
        places = (p for p, one in enumerate(self._drawn) if one.point == trial.candidate.point)
        return next((place for place in places if place not in self._loss), None)

    def _choose(self) -> None:
        for first in range(0, len(self._drawn), self.candidates):
            group = range(first, min(first + self.candidates, len(self._drawn)))
            seen = [place for place in group if not math.isnan(self._loss[place])] or list(group)
            end = min if self.keep == "best" else max
            self._chosen.append(self._drawn[end(seen, key=self._loss.__getitem__)])
        self._drawn, self._open, self._loss = [], [], {}
