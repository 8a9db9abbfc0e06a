"""The laws of a strategy."""

# ruff: noqa: D102 - the name of each test says its law

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from nasturtium.architecture import Architecture
from nasturtium.front.dominance import dominates
from nasturtium.front.objectives import Objective, values
from nasturtium.protocols import Candidate, Strategy, Trial
from nasturtium.space.space import Space
from nasturtium.testing.toys import conditional_space, flat_space, joint_space, single_space, toy_metrics

ONE = (Objective("error"),)
TWO = (Objective("error"), Objective("params"))


class StrategyConformance:
    """Laws that every strategy of single architectures keeps; subclass it, name it Test..., and give `make`.

    Attributes:
        budget: Trials told in each law.
        seeded: Whether another seed is to give other asks.
        smooths: Whether `best` trusts a model above single results, so that its first may be one which
            another that was told dominates.
    """

    budget = 60
    seeded = True
    smooths = False

    def make(self, space: Space, seed: int, objectives: Sequence[Objective]) -> Strategy:
        """Returns a fresh strategy."""
        raise NotImplementedError

    def cases(self) -> Iterator[tuple[Space, Sequence[Objective]]]:
        """Yields the spaces and objectives that the laws are tried on."""
        for space in (flat_space(), conditional_space()):
            for objectives in (ONE, TWO):
                yield space, objectives
        yield joint_space(), ONE  # settings of the training are decided like any others: once is enough

    def test_asks_lie_in_the_space_and_are_no_more_than_wanted(self) -> None:
        for space, objectives in self.cases():
            strategy = self.make(space, 0, objectives)
            for n in (0, 1, 3, 10):
                asked = strategy.ask(n)
                assert len(asked) <= n, f"{len(asked)} candidates for ask({n})"
                for candidate in asked:
                    assert candidate.point in space, f"{candidate.point} is not in {space.name}"
                strategy.tell(tell_all(space, asked))

    def test_the_same_seed_asks_the_same(self) -> None:
        for space, objectives in self.cases():
            first = self._course(space, objectives, seed=3)
            assert first == self._course(space, objectives, seed=3), f"two courses differ on {space.name}"

    def test_another_seed_asks_otherwise(self) -> None:
        for space, objectives in self.cases() if self.seeded else ():
            courses = {tuple(self._course(space, objectives, seed=seed)) for seed in range(3)}
            assert len(courses) > 1, f"the seed changes nothing on {space.name}"

    def test_asking_for_two_is_asking_twice_for_one(self) -> None:
        for space, objectives in self.cases():
            apart, together = self.make(space, 0, objectives), self.make(space, 0, objectives)
            for _ in range(self.budget // 2):
                once = list(together.ask(2))
                assert once == [*apart.ask(1), *apart.ask(1)], f"on {space.name}"
                together.tell(tell_all(space, once))
                apart.tell(tell_all(space, once))

    def test_replaying_what_was_asked_and_told_asks_the_same_again(self) -> None:
        for space, objectives in self.cases():
            strategy, journal = self.make(space, 0, objectives), list[tuple[int, list[Trial]]]()
            waiting: list[Candidate] = []
            for turn in range(self.budget // 2):
                waiting += strategy.ask(1 + turn % 4)
                told = tell_all(space, waiting[turn % 2 :: 2])  # every other one, so that the rest comes late
                waiting = waiting[1 - turn % 2 :: 2]
                strategy.tell(told)
                journal.append((1 + turn % 4, told))
            again = self.make(space, 0, objectives)
            for n, told in journal:
                again.ask(n)
                again.tell(told)
            assert again.ask(5) == strategy.ask(5), f"on {space.name}"
            assert list(again.best(5)) == list(strategy.best(5)), f"on {space.name}"

    def test_telling_together_is_telling_one_by_one(self) -> None:
        for space, objectives in self.cases():
            apart, together = self.make(space, 0, objectives), self.make(space, 0, objectives)
            for _ in range(self.budget // 4):
                asked = together.ask(4)
                assert list(apart.ask(4)) == list(asked), f"on {space.name}"
                told = tell_all(space, asked)
                together.tell(told)
                for trial in told:
                    apart.tell([trial])

    def test_results_come_in_any_order(self) -> None:
        for space, objectives in self.cases():
            strategy = self.make(space, 0, objectives)
            waiting: list[Candidate] = []
            for turn in range(self.budget):
                waiting += strategy.ask(3)
                if not waiting:
                    break
                strategy.tell(tell_all(space, [waiting.pop(turn * 7 % len(waiting))]))
            strategy.tell(tell_all(space, waiting[::-1]))
            assert all(candidate.point in space for candidate in strategy.ask(5)), f"on {space.name}"

    def test_asks_before_any_result(self) -> None:
        for space, objectives in self.cases():
            strategy = self.make(space, 0, objectives)
            asked = [candidate for _ in range(10) for candidate in strategy.ask(4)]
            assert asked, f"nothing is asked on {space.name}"
            assert list(strategy.best(3)) == [], "something is best before anything was told"
            strategy.tell(tell_all(space, asked))
            assert strategy.best(1), f"nothing is best on {space.name}"

    def test_failed_infeasible_and_nan_trials_are_survived(self) -> None:
        for space, objectives in self.cases():
            strategy = self.make(space, 0, objectives)
            good: set[Architecture] = set()
            for turn in range(self.budget):
                for candidate in strategy.ask(2):
                    trial = spoilt(tell_all(space, [candidate])[0], turn % 5)
                    if math.isfinite(max(values(objectives, trial))):
                        good.add(trial.architecture)
                    strategy.tell([trial])
            best = strategy.best(1000)
            assert set(best) <= good, f"one that failed is among the best on {space.name}"
            assert bool(best) == bool(good), f"nothing is best on {space.name}"

    def test_goes_on_when_everything_fails(self) -> None:
        for space, objectives in self.cases():
            strategy = self.make(space, 0, objectives)
            for _ in range(self.budget // 2):
                asked = strategy.ask(2)
                assert asked, f"nothing is asked on {space.name} although nothing is waited for"
                strategy.tell([Trial(candidate, {}, "failed", "made to fail") for candidate in asked])
            assert list(strategy.best(3)) == [], "one that failed is best"

    def test_the_best_are_distinct_and_the_first_is_not_dominated(self) -> None:
        for space, objectives in self.cases():
            strategy, told = self.make(space, 0, objectives), list[Trial]()
            for _ in range(self.budget):
                trials = tell_all(space, strategy.ask(1))
                strategy.tell(trials)
                told += trials
            best = list(strategy.best(7))
            assert len(best) == len(set(best)) <= 7, "an architecture is twice among the best"
            assert list(strategy.best(3)) == best[:3], "best(3) is not the start of best(7)"
            assert set(best) <= {trial.architecture for trial in told}, "one never told is among the best"
            # Values of different fidelities are not compared: the first is among those of the highest.
            highest = max(map(fidelity_of, told))
            full = [trial for trial in told if fidelity_of(trial) == highest]
            worth = {trial.architecture: values(objectives, trial) for trial in full}
            assert best[0] in worth, f"the best on {space.name} was seen at a lower fidelity only"
            for other in () if self.smooths else worth.values():
                assert not dominates(other, worth[best[0]]), f"{other} was told, and {worth[best[0]]} is best"

    def test_trials_are_known_by_content(self) -> None:
        for space, objectives in self.cases():
            kept, copied = self.make(space, 0, objectives), self.make(space, 0, objectives)
            for number in range(self.budget):
                asked, again = list(kept.ask(1)), list(copied.ask(1))
                assert again == asked, f"a copied candidate is not recognised on {space.name}"
                for (
                    candidate
                ) in asked:  # in place, so that one that knows its candidates by identity still does
                    object.__setattr__(candidate, "number", number)
                kept.tell(tell_all(space, asked))
                copied.tell(tell_all(space, [copy_of(candidate, number) for candidate in again]))

    def test_one_strategy_does_not_move_another_nor_the_global_generators(self) -> None:
        space, objectives = next(self.cases())
        alone = self._course(space, objectives, seed=0)
        before = random.getstate(), repr(np.random.get_state())  # noqa: NPY002 - to see that it is not used
        first, second = self.make(space, 0, objectives), self.make(space, 1, objectives)
        beside: list[Candidate] = []
        for _ in range(self.budget):
            asked = first.ask(1)
            beside += asked
            first.tell(tell_all(space, asked))
            second.tell(tell_all(space, second.ask(2)))
        assert beside == alone, "another strategy in the process changes what is asked"
        assert (random.getstate(), repr(np.random.get_state())) == before  # noqa: NPY002

    def test_an_unasked_result_is_taken(self) -> None:
        for space, objectives in self.cases():
            strategy = self.make(space, 0, objectives)
            given = [Candidate(space.unrank(rank)) for rank in range(5)]
            strategy.tell(tell_all(space, given))
            assert set(strategy.best(5)) <= {candidate.point for candidate in given}
            assert strategy.ask(1), f"nothing is asked on {space.name}"

    def test_a_space_of_one_architecture_is_no_special_case(self) -> None:
        space = single_space()
        strategy = self.make(space, 0, ONE)
        for _ in range(self.budget // 2):
            strategy.tell(tell_all(space, strategy.ask(1)))
        assert list(strategy.best(3)) == [space.unrank(0)]

    def _course(self, space: Space, objectives: Sequence[Objective], seed: int) -> list[Candidate]:
        strategy, course = self.make(space, seed, objectives), list[Candidate]()
        for _ in range(self.budget):
            asked = strategy.ask(1)
            course += asked
            strategy.tell(tell_all(space, asked))
        return course


def tell_all(space: Space, candidates: Sequence[Candidate]) -> list[Trial]:
    """Returns what `toy_metrics` says of each candidate."""
    return [Trial(candidate, toy_metrics(space, architecture_of(candidate))) for candidate in candidates]


def fidelity_of(trial: Trial) -> float:
    """Returns how much was spent on a trial; inf for all that there is."""
    return math.inf if trial.candidate.fidelity is None else trial.candidate.fidelity


def architecture_of(candidate: Candidate) -> Architecture:
    """Returns the architecture of a candidate; an AssertionError for a mixture."""
    assert isinstance(candidate.point, Architecture), f"{candidate.point} is not an architecture"
    return candidate.point


def copy_of(candidate: Candidate, number: int) -> Candidate:
    """Returns an equal candidate with a number, as a journal gives it back: no part is the same object."""
    architecture = architecture_of(candidate)
    copy = Architecture(architecture.space, architecture.choices)
    return replace(candidate, point=copy, number=number)


def spoilt(trial: Trial, how: int) -> Trial:
    """Returns the trial as it is (0), failed (1), infeasible (2), with NaN metrics (3) or without any (4)."""
    match how:
        case 1:
            return replace(trial, status="failed", error="diverged")
        case 2:
            return replace(trial, status="infeasible", error="too large")
        case 3:
            return replace(trial, metrics=dict.fromkeys(trial.metrics, math.nan))
        case 4:
            return replace(trial, metrics={})
    return trial
