from dataclasses import replace

import pytest

from nasturtium.errors import JournalError
from nasturtium.front.objectives import parse_objective
from nasturtium.run.budget import Budget
from nasturtium.run.record import Record
from nasturtium.run.search import search
from nasturtium.store.journal import Journal
from nasturtium.store.records import Asked, Ended, Header, Told
from nasturtium.strategy.distinct import Distinct
from nasturtium.strategy.evolution import RegularizedEvolution
from nasturtium.strategy.exhaustive import Exhaustive
from nasturtium.strategy.nsga2 import NSGA2
from nasturtium.strategy.random import RandomSearch
from nasturtium.testing.toys import ToyEvaluator, conditional_space, flat_space, single_space

OBJECTIVES = (parse_objective("error"), parse_objective("params"))


def evolution(space):
    return Distinct(RegularizedEvolution(space, objectives=OBJECTIVES), space.canonical)


def run(folder, strategy, evaluator, trials, space):
    with Journal.resume(folder, Header(space.fingerprint)) as journal:
        record = Record(journal, "search", Budget(trials, "trials"))
        search(strategy, evaluator, record)
        return journal.events("search")


def without_seconds(events):
    return [replace(event, seconds=0.0) for event in events]


class Stopping(ToyEvaluator):
    """Interrupts, as Ctrl-C does, when so many trials were told."""

    left = 10

    def evaluate(self, batch):
        for trials in super().evaluate(batch):
            if self.left == 0:
                raise KeyboardInterrupt
            self.left -= 1
            yield trials


def test_the_budget_is_spent_and_every_candidate_told(tmp_path):
    space = flat_space()
    events = run(tmp_path, evolution(space), ToyEvaluator(space), 30, space)
    asked = [c for e in events if isinstance(e, Asked) for c in e.candidates]
    told = [t.candidate for e in events if isinstance(e, Told) for t in e.trials]
    assert asked == told
    assert [c.number for c in asked] == list(range(30))
    assert isinstance(events[-1], Ended)


def test_told_trials_are_durable_before_the_strategy_learns_of_them(tmp_path):
    space = flat_space()

    class Checking(RandomSearch):
        def tell(self, trials):
            with Journal.read(tmp_path) as journal:
                last = journal.events("search")[-1]
            assert last.trials == tuple(trials)
            super().tell(trials)

    run(tmp_path, Checking(space), ToyEvaluator(space), 5, space)


def test_workers_that_finish_out_of_order_are_never_idle_and_never_lost(tmp_path):
    space = flat_space()
    events = run(tmp_path, evolution(space), ToyEvaluator(space, workers=4), 40, space)
    told = [t.candidate.number for e in events if isinstance(e, Told) for t in e.trials]
    assert sorted(told) == list(range(40))
    assert told != sorted(told)
    assert events[0].requested == 4


def test_a_finished_strategy_ends_the_search(tmp_path):
    space = single_space()
    events = run(tmp_path, Exhaustive(space), ToyEvaluator(space), 100, space)
    assert sum(isinstance(event, Told) for event in events) == 1


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("make", [evolution, lambda space: NSGA2(space, objectives=OBJECTIVES), Exhaustive])
@pytest.mark.parametrize("make_space", [flat_space, conditional_space])
def test_an_interrupted_search_goes_on_as_if_it_had_not_been(tmp_path, make_space, make, workers):
    space = make_space()
    whole = run(tmp_path / "whole", make(space), ToyEvaluator(space), 40, space)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "cut", make(space), Stopping(space, workers=workers), 40, space)
    cut = run(tmp_path / "cut", make(space), ToyEvaluator(space), 40, space)
    assert len([e for e in cut if isinstance(e, Told)]) == 40
    if workers == 1:
        assert without_seconds(cut) == without_seconds(whole)


def test_a_search_that_is_done_is_not_written_to(tmp_path):
    for space, trials in ((flat_space(), 7), (single_space(), 7)):
        first = run(tmp_path / space.name, evolution(space), ToyEvaluator(space), trials, space)
        for _ in range(3):
            assert run(tmp_path / space.name, evolution(space), ToyEvaluator(space), trials, space) == first


def test_more_budget_goes_on_from_less(tmp_path):
    space = flat_space()
    whole = run(tmp_path / "whole", evolution(space), ToyEvaluator(space), 40, space)
    run(tmp_path / "more", evolution(space), ToyEvaluator(space), 15, space)
    more = run(tmp_path / "more", evolution(space), ToyEvaluator(space), 40, space)
    parts = [event for event in without_seconds(more) if not isinstance(event, Ended)]
    assert parts == without_seconds(whole)[:-1]


def test_candidates_in_flight_are_evaluated_again_within_the_slots_there_are(tmp_path):
    space = flat_space()
    stopping = Stopping(space, workers=4)
    stopping.left = 2
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, evolution(space), stopping, 20, space)

    class One(ToyEvaluator):
        def evaluate(self, batch):
            assert len(batch) <= 1
            return super().evaluate(batch)

    events = run(tmp_path, evolution(space), One(space), 20, space)
    assert sum(len(event.trials) for event in events if isinstance(event, Told)) == 20


def test_a_strategy_that_asks_for_something_else_is_an_error_that_says_where(tmp_path):
    space = flat_space()
    before = run(tmp_path, RandomSearch(space, seed=0), ToyEvaluator(space), 8, space)
    with pytest.raises(JournalError, match=r"search number 0 .*another folder"):
        run(tmp_path, RandomSearch(space, seed=1), ToyEvaluator(space), 9, space)

    class Drifting(RandomSearch):
        def ask(self, n):
            return super().ask(n) if self._asked != 5 else []

    with pytest.raises(JournalError, match="search number 5 "):
        run(tmp_path, Drifting(space, seed=0), ToyEvaluator(space), 9, space)
    assert run(tmp_path, RandomSearch(space, seed=0), ToyEvaluator(space), 8, space) == before


def test_an_evaluator_that_tells_twice_is_told_so(tmp_path):
    space = flat_space()

    class Twice(ToyEvaluator):
        def evaluate(self, batch):
            for trials in super().evaluate(batch):
                yield trials
                yield trials

    with pytest.raises(JournalError, match="candidate 0, which was not asked or was told before"):
        run(tmp_path, RandomSearch(space), Twice(space), 8, space)


def test_failed_trials_are_data(tmp_path):
    space = flat_space()
    events = run(tmp_path, evolution(space), ToyEvaluator(space, failing=0.5), 40, space)
    statuses = [t.status for e in events if isinstance(e, Told) for t in e.trials]
    assert {"ok", "failed"} == set(statuses)
    assert len(statuses) == 40
