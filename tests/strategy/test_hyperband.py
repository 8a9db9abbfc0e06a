"""Hyperband runs its brackets one after the other, each with an inner strategy of its own."""

from collections import Counter

from nasturtium.protocols import Candidate, Trial
from nasturtium.strategy.hyperband import Hyperband
from nasturtium.strategy.random import RandomSearch
from nasturtium.testing.toys import conditional_space, flat_space, toy_metrics


def course(strategy, space, trials):
    found = []
    for number in range(trials):
        (asked,) = strategy.ask(1)
        candidate = Candidate(asked.point, asked.fidelity, asked.parent, number)
        found.append(Trial(candidate, toy_metrics(space, candidate.point)))
        strategy.tell(found[-1:])
    return found


def test_one_round_has_all_brackets_and_then_they_begin_again():
    """R = 9, eta = 3: 9@1 3@3 1@9, then ceil(3 * 3 / 2) = 5@3 1@9, then 3@9."""
    space = conditional_space()
    trials = course(Hyperband(space), space, 22 + 9)
    fidelities = [trial.candidate.fidelity for trial in trials]
    assert fidelities[:22] == [1] * 9 + [3] * 3 + [9] + [3] * 5 + [9] + [9] * 3
    assert fidelities[22:] == [1] * 9


def test_starts_have_no_parent_and_promotions_have():
    space = conditional_space()
    trials = course(Hyperband(space), space, 22)
    for trial in trials:
        below = [t for t in trials if t.candidate.number == trial.candidate.parent]
        if below:
            assert below[0].architecture == trial.architecture
            assert 3 * below[0].candidate.fidelity == trial.candidate.fidelity
    assert sum(trial.candidate.parent is not None for trial in trials) == 3 + 1 + 1


def test_each_inner_strategy_hears_every_result_of_its_fidelity_and_no_other():
    space, heard = flat_space(), {}

    class Listening(RandomSearch):
        def tell(self, trials):
            heard.setdefault(self.seed, set()).update(trial.architecture for trial in trials)

    trials = course(Hyperband(space, inner=Listening), space, 44)
    told = Counter(trial.candidate.fidelity for trial in trials)
    expected = [{t.architecture for t in trials if t.candidate.fidelity == level} for level in told]
    assert sorted(heard.values(), key=len) == sorted(expected, key=len)


def test_several_brackets_fill_at_once_when_much_is_asked():
    space = conditional_space()
    asked = Hyperband(space).ask(20)
    assert Counter(candidate.fidelity for candidate in asked) == {1: 9 + 3, 3: 5, 9: 3}
