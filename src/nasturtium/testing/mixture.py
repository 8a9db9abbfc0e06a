"""The laws of a strategy that asks for mixtures and is told gradients."""

# ruff: noqa: D102 - the name of each test says its law

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nasturtium.architecture import Architecture, Mixture
from nasturtium.protocols import Candidate, Strategy, Trial
from nasturtium.seeds import rng_for
from nasturtium.space.space import Space
from nasturtium.testing.toys import conditional_space, flat_space, single_space


class MixtureStrategyConformance:
    """Laws that every strategy of mixtures keeps; subclass it, name it Test..., and give `make`.

    The evaluator of these laws knows what each option is worth: the loss of a mixture is the sum of the worth
    of its options by their weights.

    Attributes:
        budget: Trials told in each law.
        seeded: Whether another seed is to give other asks.
        learns: Trials after which the best is far better than a random one; 0 leaves that law out.
    """

    budget = 12
    seeded = True
    learns = 0

    def make(self, space: Space, seed: int) -> Strategy:
        """Returns a fresh strategy."""
        raise NotImplementedError

    def spaces(self) -> Iterator[Space]:
        """Yields the spaces that the laws are tried on."""
        yield flat_space()
        yield conditional_space()
        yield single_space()

    def test_asks_are_points_of_the_space_and_no_more_than_wanted(self) -> None:
        for space in self.spaces():
            strategy = self.make(space, 0)
            for n in (0, 1, 3):
                asked = strategy.ask(n)
                assert len(asked) <= n
                assert all(fits(space, one.point) for one in asked), f"a point is not of {space.name}"
                strategy.tell(tell_mixtures(space, asked))

    def test_the_same_seed_asks_the_same_and_another_otherwise(self) -> None:
        space = flat_space()
        courses = [self._course(space, seed) for seed in (0, 0, 1, 2)]
        assert courses[0] == courses[1]
        if self.seeded:
            assert courses[2] != courses[3]

    def test_asking_for_two_is_asking_twice_for_one(self) -> None:
        for space in self.spaces():
            apart, together = self.make(space, 0), self.make(space, 0)
            for _ in range(self.budget // 2):
                once = list(together.ask(2))
                assert once == [*apart.ask(1), *apart.ask(1)], f"on {space.name}"
                told = tell_mixtures(space, once)
                together.tell(told)
                for trial in told:
                    apart.tell([trial])

    def test_replaying_what_was_asked_and_told_asks_the_same_again(self) -> None:
        for space in self.spaces():
            strategy, journal = self.make(space, 0), list[tuple[int, list[Trial]]]()
            waiting: list[Candidate] = []
            for turn in range(self.budget):
                n = 1 + turn % 3
                waiting += strategy.ask(n)
                told = tell_mixtures(space, waiting[turn % 2 :: 2])
                waiting = waiting[1 - turn % 2 :: 2]
                strategy.tell(told)
                journal.append((n, told))
            again = self.make(space, 0)
            for n, told in journal:
                again.ask(n)
                again.tell(told)
            assert again.ask(3) == strategy.ask(3), f"on {space.name}"
            assert list(again.best(1)) == list(strategy.best(1)), f"on {space.name}"

    def test_trials_are_known_by_content_whatever_their_number(self) -> None:
        space = flat_space()
        plain, numbered = self.make(space, 0), self.make(space, 0)
        for number in range(self.budget):
            asked = plain.ask(1)
            assert list(numbered.ask(1)) == list(asked)
            told = tell_mixtures(space, asked)
            plain.tell(told)
            numbered.tell([replace(one, candidate=replace(one.candidate, number=number)) for one in told])

    def test_failed_nan_and_gradientless_trials_are_survived(self) -> None:
        for space in self.spaces():
            strategy = self.make(space, 0)
            for turn in range(self.budget):
                for trial in tell_mixtures(space, strategy.ask(2)):
                    strategy.tell([spoilt(trial, turn % 5)])
            asked = strategy.ask(1)
            assert all(fits(space, one.point) for one in asked), f"on {space.name}"

    def test_what_was_not_asked_for_moves_nothing(self) -> None:
        space = flat_space()
        moved, still = self.make(space, 0), self.make(space, 0)
        foreign = Candidate(space.unrank(5), fidelity=17)
        moved.tell(tell_mixtures(space, [foreign]))
        assert list(moved.ask(2)) == list(still.ask(2))

    def test_nothing_is_best_before_anything_is_told(self) -> None:
        for space in self.spaces():
            strategy = self.make(space, 0)
            assert list(strategy.best(1)) == []
            for _ in range(self.budget):
                strategy.tell(tell_mixtures(space, strategy.ask(1)))
            best = strategy.best(1)
            assert len(best) == 1
            assert best[0] in space
            assert list(strategy.best(0)) == []

    def test_one_strategy_does_not_move_another_nor_the_global_generators(self) -> None:
        space = flat_space()
        alone = self._course(space, 0)
        before = random.getstate(), repr(np.random.get_state())  # noqa: NPY002 - to see that it is not used
        first, second = self.make(space, 0), self.make(space, 1)
        beside: list[Candidate] = []
        for _ in range(self.budget):
            asked = first.ask(1)
            beside += asked
            first.tell(tell_mixtures(space, asked))
            second.tell(tell_mixtures(space, second.ask(1)))
        assert beside == alone
        assert (random.getstate(), repr(np.random.get_state())) == before  # noqa: NPY002

    def test_it_finds_the_options_of_the_lowest_loss(self) -> None:
        if not self.learns:
            return
        space = flat_space()
        for seed in range(3):
            strategy = self.make(space, seed)
            for _ in range(self.learns):
                strategy.tell(tell_mixtures(space, strategy.ask(1)))
            wanted = [min(range(len(row)), key=row.__getitem__) for row in worth(space)]
            assert strategy.best(1)[0].choices == tuple(wanted), f"seed {seed}"

    def _course(self, space: Space, seed: int) -> list[Candidate]:
        strategy, course = self.make(space, seed), list[Candidate]()
        for _ in range(self.budget):
            asked = strategy.ask(1)
            course += asked
            strategy.tell(tell_mixtures(space, asked))
        return course


def worth(space: Space) -> list[list[float]]:
    """Returns what each option of each decision adds to the loss, in 0..1."""
    return [
        rng_for(0, f"worth/{number}").random(len(decision.labels)).tolist()
        for number, decision in enumerate(space.decisions)
    ]


def tell_mixtures(space: Space, candidates: Sequence[Candidate]) -> list[Trial]:
    """Returns loss and gradient of each candidate, as `Training` would: of fidelity 0 and 1 no gradient."""
    return [_trial(space, candidate) for candidate in candidates]


def fits(space: Space, point: Architecture | Mixture) -> bool:
    """Whether a point is an architecture of the space, or a mixture of its decisions and options."""
    if isinstance(point, Architecture):
        return point in space
    sizes = [len(decision.labels) for decision in space.decisions]
    return (
        point.space == space.fingerprint
        and [len(row) for row in point.weights] == sizes
        and all(math.isfinite(weight) and weight >= 0 for row in point.weights for weight in row)
        and all(runs and max(runs) < size for runs, size in zip(point.running, sizes, strict=True))
    )


def spoilt(trial: Trial, how: int) -> Trial:
    """Returns the trial as it is (0), failed (1), with NaN gradient (2), without one (3) or with inf (4)."""
    bad = None if trial.gradient is None else np.full_like(trial.gradient, math.nan if how == 2 else math.inf)
    match how:
        case 1:
            return replace(
                trial, status="failed", error="diverged", metrics={"loss": math.nan}, gradient=None
            )
        case 2 | 4:
            return replace(trial, gradient=bad)
        case 3:
            return replace(trial, gradient=None)
    return trial


def _trial(space: Space, candidate: Candidate) -> Trial:
    point, rows = candidate.point, worth(space)
    if isinstance(point, Architecture):
        loss = sum(row[choice] for row, choice in zip(rows, point.choices, strict=True))
        return Trial(candidate, {"loss": loss, "error": loss})
    loss = sum(
        w * one
        for row, weights in zip(rows, point.weights, strict=True)
        for w, one in zip(row, weights, strict=True)
    )
    metrics = {"loss": loss, "error": loss}
    if candidate.fidelity is not None:
        return Trial(candidate, metrics)
    return Trial(candidate, metrics, gradient=_gradient(rows, point))


def _gradient(rows: Sequence[Sequence[float]], mixture: Mixture) -> NDArray[np.float64]:
    runs = mixture.running
    return np.array(
        [w if i in active else 0.0 for row, active in zip(rows, runs, strict=True) for i, w in enumerate(row)]
    )
